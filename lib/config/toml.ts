/** TOML text to a table, or to an error in words for people who do not know TOML. */
import { parse, TomlError } from "smol-toml";
import { ConfigError } from "../errors.ts";
import type { Table } from "./field.ts";
import { placePrefix } from "./layers.ts";
import { hideSecrets } from "./show.ts";

/** @throws {ConfigError} If it is not TOML. It quotes nothing of the text but the key: the secret may stand anywhere. */
export function parseToml(text: string, file: string): Table {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column } = error;
    const what = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
    const message = hideSecrets(explain(what, new Spot(text, line, column)));
    throw new ConfigError(`${placePrefix({ file, line, column })}${message}`, { path: "", file, line, column });
  }
}

const header = /^\s*\[+\s*([^\]#\n]*?)\s*(?:\]|$)/;
const pair = /^\s*([^\s=#[\]{}:,]+(?:\s*\.\s*[^\s=#[\]{}:,]+)*)\s*(=?)/;

/** A place in a text, and what is around it. */
class Spot {
  readonly line: string;
  /** From the place to the end of the line. */
  readonly rest: string;
  readonly #before: readonly string[];

  constructor(text: string, line: number, column: number) {
    const lines = text.split("\n");
    this.line = lines[line - 1] ?? "";
    this.rest = this.line.slice(column - 1);
    this.#before = [...lines.slice(0, line - 1), this.line.slice(0, column - 1)];
  }

  /** Whether the line is the header of a table. */
  get isHeader(): boolean {
    return header.test(this.line);
  }

  /** The key or table that the line begins with. */
  get ownKey(): string {
    const name = header.exec(this.line)?.[1];
    if (name !== undefined) return `[${name}${this.line.includes("]") ? "]" : ""}`;
    const key = pair.exec(this.line)?.[1];
    return key === undefined ? "this line" : this.#inTable(key);
  }

  /** The key that begins at the place itself, be it in a table within braces. */
  get repeatedKey(): string {
    const isFirst = (this.#before.at(-1) ?? "").trim() === "" || this.isHeader;
    return isFirst ? this.ownKey : `${this.valueKey}.${pair.exec(this.rest)?.[1] ?? ""}`;
  }

  /** The key whose value the place is in. */
  get valueKey(): string {
    const found = this.#before.findLast((line) => pair.exec(line)?.[2] === "=");
    return found === undefined ? this.ownKey : this.#inTable(pair.exec(found)?.[1] ?? "");
  }

  /** The key that begins at the place itself. */
  get nextKey(): string | undefined {
    const [, key, equals] = pair.exec(this.rest) ?? [];
    return equals === "=" ? this.#inTable(key ?? "") : undefined;
  }

  #inTable(key: string): string {
    const table = this.#before.findLast((line) => header.test(line));
    return table === undefined ? key : `${header.exec(table)?.[1]}.${key}`;
  }
}

const quotes = 'text stands in quotes, as in grace = "5s"';

/** What is wrong and what is right, in place of what the parser says. */
function explain(what: string, spot: Spot): string {
  if (what.startsWith("trying to redefine")) {
    return `${spot.repeatedKey} is given a second time: expected it only once${
      spot.isHeader ? ", with all its keys" : ""
    }`;
  }
  if (what.startsWith("each key-value declaration")) {
    if (spot.nextKey !== undefined) return `${spot.nextKey}: expected one key on a line, so this one on the next`;
    return `${spot.valueKey}: expected nothing more on this line (${quotes})`;
  }
  if (/unfinished string|control characters/.test(what)) {
    const isCut = what.startsWith("unfinished") || /^\r?$/.test(spot.rest);
    return `${spot.valueKey}: expected ${
      isCut ? "a quote at the end of the text" : "no control character in the text"
    }`;
  }
  if (/unfinished array|expected comma/.test(what)) {
    return `${spot.valueKey}: expected a comma between values, and a bracket at the end`;
  }
  if (/escape/.test(what)) return `${spot.valueKey}: expected two backslashes for one, or the text in single quotes`;
  if (/invalid value|numeric|leading zero|invalid date/.test(what)) {
    return `${spot.valueKey}: ${valueAdvice(spot.rest)}`;
  }
  if (/represented losslessly/.test(what)) return `${spot.valueKey}: expected a smaller number`;
  if (spot.isHeader) return `${spot.ownKey}: expected a name between brackets, as in [network.timeout]`;
  if (/key/.test(what)) return `${spot.ownKey}: expected a key, = and a value, as in grace = "5s"`;
  return `${spot.valueKey}: not TOML, ${what}`;
}

function valueAdvice(rest: string): string {
  if (/^\s*(?:true|false|yes|no|on|off)\b/i.test(rest)) return "expected true or false, in small letters";
  return `expected a value (${quotes})`;
}
