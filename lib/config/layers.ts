/**
 * A configuration comes in layers, such as a file, the environment and flags: each key has the value of the last layer that gives
 * it, and messages about that value speak of it as whoever wrote it there knows it.
 */
import type { ConfigErrorPlace } from "../errors.ts";
import { type Field, isTable, lookUp, type Problem, type Table } from "./field.ts";
import { showValue } from "./show.ts";
import type { Path } from "./values.ts";

/** Where a document came from, so that messages can speak of it as its author knows it. */
export interface Source {
  /** What the author calls the key at `path`, such as `network.timeout.tcp`, `--timeout` or `MTG_NETWORK_TIMEOUT_TCP`. */
  name(path: Path): string;
  place(path: Path): Omit<ConfigErrorPlace, "path">;
}

export interface Layer {
  /** Values as they would stand in a file. */
  readonly table: Table;
  readonly source: Source;
  /** What is wrong besides the values in the table. */
  readonly problems?: readonly Problem[];
  readonly warnings?: readonly ConfigWarning[];
}

export type WarningKind = "deprecated" | "later" | "unsupported" | "environment";

/** Something that does not keep a configuration from being used, and that its author should know. */
export interface ConfigWarning {
  /** Dotted key. */
  readonly path: string;
  /** A sentence, with the place in the file if there is one; it holds no secret. */
  readonly message: string;
  readonly kind: WarningKind;
}

/** Where a value was given: the layer, and the path there, which is another one if the key is a deprecated one. */
export interface Origin {
  readonly raw: unknown;
  readonly path: Path;
  readonly source: Source;
}

export interface Merged {
  readonly table: Table;
  /** By dotted key; keys that nobody gives have none. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly warnings: readonly ConfigWarning[];
  /** Of whoever gave the value that `path` leads to; of the first layer if that is nobody. */
  sourceOf(path: Path): Source;
}

/** Puts `layers` one over the other, the first below; there is one at least. Deprecated keys become what they stand for. */
export function mergeLayers(layers: readonly Layer[], fields: readonly Field<unknown>[]): Merged {
  const [base] = layers;
  if (base === undefined) throw new TypeError("A configuration has at least one layer");
  const table = copyTable(base.table);
  const origins = new Map<string, Origin>();
  const warnings: ConfigWarning[] = [];
  for (const layer of layers) {
    for (const field of fields) {
      const path = field.key.split(".");
      const raw = lookUp(layer.table, path);
      if (isGiven(raw)) give(field.key, { raw, path, source: layer.source });
    }
    for (const field of fields) {
      if (field.replacement !== undefined) replace(field, field.replacement.key, layer);
    }
    warnings.push(...layer.warnings ?? []);
  }
  return {
    table,
    origins,
    warnings,
    sourceOf(path) {
      const field = fields.find(({ key }) => key.split(".").every((step, index) => path[index] === step));
      return origins.get(field?.key ?? "")?.source ?? base!.source;
    },
  };

  function give(key: string, origin: Origin): void {
    if (put(table, key.split("."), origin.raw)) origins.set(key, origin);
  }

  function replace(field: Field<unknown>, key: string, { table: own, source }: Layer): void {
    const path = field.key.split(".");
    const raw = lookUp(own, path);
    if (!isGiven(raw)) return;
    const problems: Problem[] = [];
    field.read(raw, path, problems);
    if (problems.length > 0) return;
    const successor = lookUp(own, key.split("."));
    // In mtg v2 "false" is no different from nothing.
    const isBeaten = isGiven(successor) && successor !== false;
    const value = field.replacement!.convert(raw);
    if (!isBeaten) give(key, { raw: value, path, source });
    const name = source.name(key.split("."));
    const advice = isBeaten ? `${name} is its name now, and acts` : `use ${name}, here ${showValue(value, false)}`;
    warnings.push(warningOf("deprecated", path, source, ` is deprecated: ${advice}`));
  }
}

/** A warning about the key at `path`; `text` finishes the sentence that begins with its name. */
export function warningOf(kind: WarningKind, path: Path, source: Source, text: string): ConfigWarning {
  return { kind, path: path.join("."), message: `${placePrefix(source.place(path))}${source.name(path)}${text}` };
}

/** What stands before a message: `config.toml:3:1: `. */
export function placePrefix({ file, line, column }: Omit<ConfigErrorPlace, "path">): string {
  if (file === undefined) return "";
  return line === undefined ? `${file}: ` : `${file}:${line}:${column}: `;
}

function isGiven(raw: unknown): boolean {
  return raw !== undefined && raw !== "";
}

/** Tables are copied, all else is shared. */
function copyTable(table: Table): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(table).map(([key, value]) => [key, isTable(value) ? copyTable(value) : value]),
  );
}

/** Sets what stands at `steps`; not where something else than a table is on the way, which is a mistake that is told elsewhere. */
export function put(table: Record<string, unknown>, steps: readonly string[], value: unknown): boolean {
  const [first, ...rest] = steps;
  if (first === undefined) return false;
  if (rest.length === 0) {
    table[first] = value;
    return true;
  }
  const inner = Object.hasOwn(table, first) ? table[first] : (table[first] = {});
  return isTable(inner) && put(inner as Record<string, unknown>, rest, value);
}
