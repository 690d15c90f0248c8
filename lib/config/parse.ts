/**
 * From TOML text, environment and flags to a whole, valid configuration, or to an error that tells an operator what to change and
 * where.
 *
 * ```text
 * config.toml:3:1: network.timeout.tcp = "5x": expected a duration such as "10s" or "1m30s"
 * ```
 */
import { ConfigError } from "../errors.ts";
import type { Config } from "./config.ts";
import { type Env, envLayer } from "./env.ts";
import type { FieldKind, Problem } from "./field.ts";
import { allFields, readFields } from "./fields.ts";
import { type ConfigWarning, type Layer, type Merged, mergeLayers, placePrefix, warningOf } from "./layers.ts";
import { locateKeys } from "./locate.ts";
import { hideSecrets, showPath } from "./show.ts";
import { parseToml } from "./toml.ts";

export interface ConfigSources {
  /** `name` is what messages call the file. */
  readonly file?: { readonly name: string; readonly text: string } | undefined;
  /** Looks an environment variable up. */
  readonly env?: Env | undefined;
  readonly flags?: Layer | undefined;
}

/** The value of a key as it would stand in a file, and who gave it. */
export interface EffectiveValue {
  /** Dotted key. */
  readonly key: string;
  readonly kind: FieldKind;
  /** `undefined` if it is not given and has no default. */
  readonly raw: unknown;
  readonly confidential: boolean;
  /** `default`, `config.toml:3`, `MTG_CONCURRENCY` or `--concurrency`. */
  readonly from: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly ConfigWarning[];
  /** Of all keys that act, and of others that are given. */
  readonly values: readonly EffectiveValue[];
}

/**
 * Reads a configuration: what a flag says goes before the environment, that before the file, that before the defaults.
 *
 * @throws {ConfigError} If the file is not TOML, or if a key is unknown, missing or wrong; a line for each that is.
 */
export function loadConfig({ file, env, flags }: ConfigSources): LoadedConfig {
  const layers: Layer[] = [];
  if (file !== undefined) layers.push(fileLayer(file));
  if (env !== undefined) layers.push(envLayer(env, allFields));
  if (flags !== undefined) layers.push(flags);
  return loadLayers(layers);
}

/** A configuration that is one file. `file` is what messages call it. @throws {ConfigError} As `loadConfig()` does. */
export function parseConfig(text: string, { file }: { readonly file: string }): Config {
  return loadConfig({ file: { name: file, text } }).config;
}

/**
 * As `loadConfig()`, of any layers, the first below the others.
 *
 * @throws {ConfigError} As `loadConfig()` does.
 */
export function loadLayers(layers: readonly Layer[]): LoadedConfig {
  const merged = mergeLayers(layers, allFields);
  const problems = layers.flatMap((layer) => layer.problems ?? []);
  const read = readFields(merged.table, problems);
  if (read === undefined) throw errorOf(problems, merged);
  const notices = read.notices.map(({ kind, keys, text }) => {
    const [first = "", ...others] = keys;
    const { path, source } = merged.origins.get(first) ?? { path: first.split("."), source: merged.sourceOf([]) };
    const besides = others.map((key) => `, ${merged.sourceOf(key.split(".")).name(key.split("."))}`).join("");
    return warningOf(kind, path, source, `${besides}: ${text}`);
  });
  return { config: read.config, warnings: [...merged.warnings, ...notices], values: valuesOf(merged) };
}

function valuesOf({ origins }: Merged): readonly EffectiveValue[] {
  return allFields.flatMap(({ key, kind, confidential, default: preset }) => {
    const origin = origins.get(key);
    if (origin === undefined) return kind === "key" ? [{ key, kind, raw: preset, confidential, from: "default" }] : [];
    const { file, line } = origin.source.place(origin.path);
    const from = file === undefined ? origin.source.name(origin.path) : `${file}:${line}`;
    return [{ key, kind, raw: origin.raw, confidential, from }];
  });
}

function errorOf(problems: readonly Problem[], merged: Merged): ConfigError {
  const found = problems
    .map((problem) => ({ problem, source: merged.sourceOf(problem.path) }))
    .map(({ problem, source }) => ({ problem, source, place: source.place(problem.path) }))
    .sort((a, b) => (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0));
  const lines = found.map(({ problem, source, place }) =>
    `${placePrefix(place)}${problem.say(hideSecrets(source.name(problem.path)))}`
  );
  const [first] = found;
  return new ConfigError([...new Set(lines)].join("\n"), {
    path: hideSecrets(showPath(first?.problem.path ?? [])),
    ...first?.place,
  });
}

function fileLayer({ name: file, text }: { readonly name: string; readonly text: string }): Layer {
  const table = parseToml(text, file);
  const locate = locateKeys(text);
  return { table, source: { name: showPath, place: (path) => ({ file, ...locate(path) }) } };
}
