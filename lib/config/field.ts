/**
 * How a table of fields is read: each field finds its own value in the document, and what no field asks for is unknown.
 *
 * A field is a single value, a table whose keys are free (`[dc-overrides]`), or an array of tables with fields of their
 * own (`[[users]]`). Problems are collected, not thrown, so that one run names them all.
 */
import { nearest } from "./nearest.ts";
import { showPath, showValue } from "./show.ts";
import type { JsonSchema, Parsed, Path, ValueParser } from "./values.ts";

export type Table = Readonly<Record<string, unknown>>;

/** Something wrong at `path`; `say` puts it in words, given the name under which the user knows the place. */
export interface Problem {
  readonly path: Path;
  readonly say: (name: string) => string;
}

/**
 * What becomes of a key: most act. A deprecated one acts in the place of another; one that Deno cannot act on, and one of a
 * table that this version does not have yet, is checked, and whoever sets it is told.
 */
export type FieldKind = "key" | "deprecated" | "unsupported" | "later";

/** The key that has taken the place of a deprecated one. */
export interface Replacement {
  readonly key: string;
  /** The value of that key which means the same as `raw`, a right value of the deprecated one. */
  convert(raw: unknown): unknown;
}

export interface Field<T> {
  readonly kind: FieldKind;
  /** Of a deprecated key. */
  readonly replacement?: Replacement;
  /** Whether its value is a secret. */
  readonly confidential: boolean;
  /** What its value must look like, for editors. */
  readonly schema: JsonSchema;
  /** Dotted key, within the table that the schema is for. */
  readonly key: string;
  readonly docs: string;
  /** Whether a running proxy can take over a new value. */
  readonly hot: boolean;
  readonly shape: "value" | "free-table" | "table-array";
  /** As it would stand in the file; `undefined` if there is none. */
  readonly default: unknown;
  /** What a reader may learn the form from where there is no default. */
  readonly sample: unknown;
  /** The fields of each table of an array. */
  readonly fields?: Schema;
  /** The value, or `undefined` after adding to `problems`. */
  read(raw: unknown, path: Path, problems: Problem[]): T | undefined;
}

export type Schema = Readonly<Record<string, Field<unknown>>>;

export type ValuesOf<S extends Schema> = { readonly [N in keyof S]: S[N] extends Field<infer T> ? T : never };

interface About {
  readonly docs: string;
  readonly hot: boolean;
}

interface AboutRequired extends About {
  readonly sample: unknown;
  /** How to come by a value. */
  readonly missing: string;
  readonly confidential?: boolean;
}

/** A value that must be given; an empty text does not count as one. */
export function required<T>(key: string, parser: ValueParser<T>, about: AboutRequired): Field<T> {
  const { docs, hot, sample, missing, confidential = false } = about;
  return {
    kind: "key",
    confidential,
    schema: parser.schema,
    key,
    docs,
    hot,
    sample,
    shape: "value",
    default: undefined,
    read: (raw, path, problems) => {
      if (raw !== undefined && raw !== "") return check(parser(raw), raw, { path, problems, confidential });
      problems.push({ path, say: (name) => `${name} is missing: ${missing}` });
      return undefined;
    },
  };
}

/** A value that may be absent; an empty text counts as absent. */
export function optional<T>(
  key: string,
  parser: ValueParser<T>,
  about: About & { readonly sample: unknown },
): Field<T | undefined> {
  return {
    kind: "key",
    confidential: false,
    schema: parser.schema,
    key,
    docs: about.docs,
    hot: about.hot,
    sample: about.sample,
    shape: "value",
    default: undefined,
    read: (raw, path, problems) =>
      raw === undefined || raw === "" ? undefined : check(parser(raw), raw, { path, problems }),
  };
}

/** A value with a default, written as in the file; an empty text means it too, with `zeroIsDefault` so does zero. */
export function defaulted<T>(
  key: string,
  parser: ValueParser<T>,
  about: About & { readonly default: unknown; readonly zeroIsDefault?: boolean },
): Field<T> {
  const preset = parser(about.default);
  if (!preset.ok) throw new TypeError(`The default of ${key} does not parse: ${preset.expected}`);
  return {
    kind: "key",
    confidential: false,
    schema: parser.schema,
    key,
    docs: about.docs,
    hot: about.hot,
    sample: about.default,
    shape: "value",
    default: about.default,
    read: (raw, path, problems) => {
      if (raw === undefined || raw === "") return preset.value;
      const value = check(parser(raw), raw, { path, problems });
      return about.zeroIsDefault === true && value === 0 ? preset.value : value;
    },
  };
}

/** A table whose keys are data: `keys` parses them, `values` what they hold. */
export function freeTable<K, V>(
  key: string,
  parsers: { readonly keys: ValueParser<K>; readonly values: ValueParser<V> },
  about: About & { readonly sample: Table },
): Field<ReadonlyMap<K, V>> {
  return {
    kind: "key",
    confidential: false,
    schema: { type: "object", propertyNames: parsers.keys.schema, additionalProperties: parsers.values.schema },
    key,
    docs: about.docs,
    hot: about.hot,
    sample: about.sample,
    shape: "free-table",
    default: undefined,
    read: (raw, path, problems) => {
      const found = new Map<K, V>();
      if (raw === undefined) return found;
      if (!isTable(raw)) return refuse(raw, { path, problems }, `expected a table, [${key}]`);
      for (const [text, item] of Object.entries(raw)) {
        const itemPath = [...path, text];
        const name = parsers.keys(text);
        if (!name.ok) problems.push({ path: itemPath, say: (at) => `${at}: ${name.expected}` });
        const value = check(parsers.values(item), item, { path: itemPath, problems });
        if (name.ok && value !== undefined) found.set(name.value, value);
      }
      return found;
    },
  };
}

/** Any number of tables `[[key]]`, each with `fields`. */
export function tableArray<S extends Schema>(key: string, fields: S, about: About): Field<readonly ValuesOf<S>[]> {
  return {
    kind: "key",
    confidential: false,
    schema: { type: "array", items: { type: "object" } },
    key,
    docs: about.docs,
    hot: about.hot,
    sample: undefined,
    shape: "table-array",
    default: undefined,
    fields,
    read: (raw, path, problems) => {
      if (raw === undefined) return [];
      if (!Array.isArray(raw)) return refuse(raw, { path, problems }, `expected tables, each under its own [[${key}]]`);
      return raw.flatMap((item: unknown, index) => {
        const itemPath = [...path, index];
        if (isTable(item)) return [readTable(fields, item, itemPath, problems)];
        refuse(item, { path: itemPath, problems }, "expected a table");
        return [];
      });
    },
  };
}

/** Whether a configuration cannot do without it. */
export function isRequired(field: Field<unknown>): boolean {
  const problems: Problem[] = [];
  field.read(undefined, [], problems);
  return problems.length > 0;
}

/**
 * Reads every field of `schema` from `table`, which stands at `path`. The values may be used only if no problem was
 * added.
 */
export function readTable<S extends Schema>(
  schema: S,
  table: Table,
  path: Path,
  problems: Problem[],
): ValuesOf<S> {
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(schema)) {
    const steps = field.key.split(".");
    values[name] = field.read(lookUp(table, steps), [...path, ...steps], problems);
  }
  const fields = Object.values(schema);
  const known = fields.map(({ key }) => key.split("."));
  const advised = fields.filter(({ kind }) => kind !== "deprecated").map(({ key }) => key.split("."));
  findUnknown(table, [], { known, advised, path, problems });
  return values as ValuesOf<S>;
}

/** What stands at `steps`; `undefined` where there is nothing, or something else than a table on the way. */
export function lookUp(table: Table, steps: readonly string[]): unknown {
  return steps.reduce<unknown>((at, step) => isTable(at) && Object.hasOwn(at, step) ? at[step] : undefined, table);
}

interface Search {
  /** The keys of all fields, in steps. */
  readonly known: readonly (readonly string[])[];
  /** The same without deprecated ones. */
  readonly advised: readonly (readonly string[])[];
  /** Where the table stands that the fields are for. */
  readonly path: Path;
  readonly problems: Problem[];
}

/** Adds what belongs to no field, each as high up as nothing below it is known. `steps` lead to `table`. */
function findUnknown(table: Table, steps: readonly string[], search: Search): void {
  for (const [key, value] of Object.entries(table)) {
    const here = [...steps, key];
    const path = [...search.path, ...here];
    const fitting = search.known.filter((field) => here.every((step, index) => field[index] === step));
    const [first] = fitting;
    if (first === undefined) {
      search.problems.push(unknownKey(here, search));
    } else if (fitting.some((field) => field.length === here.length)) {
      continue;
    } else if (isTable(value)) {
      findUnknown(value, here, search);
    } else {
      const inside = showPath(first.slice(here.length));
      refuse(value, { path, problems: search.problems }, `expected a table, with keys such as ${inside}`);
    }
  }
}

function unknownKey(here: readonly string[], search: Search): Problem {
  const names = new Set(
    search.advised.flatMap((field) => field.map((_, index) => field.slice(0, index + 1).join("."))),
  );
  const suggestion = nearest(here.join("."), names);
  const unquote = suggestion === here.join(".") ? " (without the quotes)" : "";
  const hint = suggestion === undefined
    ? ""
    : `: the nearest known one is ${showPath([...search.path, ...suggestion.split(".")])}${unquote}`;
  return { path: [...search.path, ...here], say: (name) => `unknown key ${name}${hint}` };
}

interface Place {
  readonly path: Path;
  readonly problems: Problem[];
  readonly confidential?: boolean;
}

function check<T>(parsed: Parsed<T>, raw: unknown, place: Place): T | undefined {
  if (parsed.ok) return parsed.value;
  const at = parsed.at ?? [];
  const guilty = at.reduce<unknown>((whole, step) => (whole as Record<string, unknown>)[step], raw);
  return refuse(guilty, { ...place, path: [...place.path, ...at] }, parsed.expected);
}

function refuse(raw: unknown, place: Place, expected: string): undefined {
  const shown = showValue(raw, place.confidential ?? false);
  place.problems.push({ path: place.path, say: (name) => `${name} = ${shown}: ${expected}` });
}

export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
