/**
 * From TOML text to a whole, valid configuration, or to an error that tells an operator what to change and where.
 *
 * ```text
 * config.toml:3:1: network.timeout.tcp = "5x": expected a duration such as "10s" or "1m30s"
 * ```
 */
import { parse, TomlError } from "smol-toml";
import { ConfigError, type ConfigErrorPlace } from "../errors.ts";
import type { Config } from "./config.ts";
import type { Problem, Table } from "./field.ts";
import { readFields } from "./fields.ts";
import { locateKeys } from "./locate.ts";
import { hideSecrets, showPath } from "./show.ts";
import type { Path } from "./values.ts";

/** Where a document came from, so that messages can speak of it as its author knows it. */
export interface Source {
  /** What the author calls the key at `path`, such as `network.timeout.tcp` or `--timeout`. */
  name(path: Path): string;
  place(path: Path): Omit<ConfigErrorPlace, "path">;
}

/**
 * Parses a configuration. `file` is what messages call it.
 *
 * @throws {ConfigError} If it is not TOML, or if a key is unknown, missing or wrong; a line for each that is.
 */
export function parseConfig(text: string, options: { readonly file: string }): Config {
  const { file } = options;
  const document = parseToml(text, file);
  const locate = locateKeys(text);
  return readConfig(document, { name: showPath, place: (path) => ({ file, ...locate(path) }) });
}

/**
 * Makes a configuration of a document that is already parsed, or was never text.
 *
 * @throws {ConfigError} As `parseConfig()` does.
 */
export function readConfig(document: Table, source: Source): Config {
  const problems: Problem[] = [];
  const config = readFields(document, problems);
  if (config !== undefined) return config;
  const found = problems
    .map((problem) => ({ problem, place: source.place(problem.path) }))
    .sort((a, b) => (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0));
  const lines = found.map(({ problem, place }) =>
    `${prefix(place)}${problem.say(hideSecrets(source.name(problem.path)))}`
  );
  const [first] = found;
  throw new ConfigError(lines.join("\n"), { path: hideSecrets(showPath(first?.problem.path ?? [])), ...first?.place });
}

function prefix({ file, line, column }: Omit<ConfigErrorPlace, "path">): string {
  if (file === undefined) return "";
  return line === undefined ? `${file}: ` : `${file}:${line}:${column}: `;
}

/** What a beginner most often gets wrong comes out of the parser as one of these. */
const unquoted =
  /invalid value|numeric literal|numeric value|leading zero|invalid date|must be followed by an end-of-line/;

function parseToml(text: string, file: string): Table {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column } = error;
    // Only the first line: below it the parser quotes the text, in which the secret may stand.
    const what = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
    const hint = unquoted.test(what) ? ' (text stands in quotes, as in grace = "5s")' : "";
    throw new ConfigError(`${prefix({ file, line, column })}not TOML: ${what}${hint}`, {
      path: "",
      file,
      line,
      column,
    });
  }
}
