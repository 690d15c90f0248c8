/**
 * Parsers of single values, as they come out of TOML or off a command line.
 *
 * Each takes anything and gives either the value or, in a few words, what would be right; none throws. Which key the
 * value belongs to, and where it stands, is added by whoever asked.
 */
import { parseSecret, type Secret, unquoted } from "../policy/secret.ts";

/** One step from a table or an array into what it holds. */
export type Step = string | number;
export type Path = readonly Step[];

/** What a parser makes of a value. `at` leads to the guilty part of an array or table; without it, all is meant. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly expected: string; readonly at?: Path };

export type Parser<T> = (raw: unknown) => Parsed<T>;

/** What a value must look like, as far as JSON Schema can say it (draft 2020-12). */
export interface JsonSchema {
  readonly $schema?: string;
  readonly title?: string;
  readonly type?: "string" | "boolean" | "integer" | "number" | "array" | "object";
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly propertyNames?: JsonSchema;
  readonly additionalProperties?: JsonSchema | false;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly deprecated?: boolean;
}

/** A parser that tells editors beforehand what it takes. */
export type ValueParser<T> = Parser<T> & { readonly schema: JsonSchema };

export function describe<T>(schema: JsonSchema, parse: Parser<T>): ValueParser<T> {
  return Object.assign((raw: unknown) => parse(raw), { schema });
}

/** A pattern for `text` in any case; patterns of JSON Schema have no flag for that. */
export function anyCase(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`);
}

export function good<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** `expected` finishes the sentence `key = value: …`. */
export function bad(expected: string, at?: Path): Parsed<never> {
  return at === undefined ? { ok: false, expected } : { ok: false, expected, at };
}

export const bool = describe<boolean>({ type: "boolean" }, (raw) => {
  const value = typeof raw === "string" ? raw.trim().toLowerCase() : raw;
  if (value === true || value === "true") return good(true);
  if (value === false || value === "false") return good(false);
  return bad("expected true or false");
});

/** A whole number of `least` to `most`, as a number or as decimal text (command lines have only text). */
export function integer(least: number, most: number): ValueParser<number> {
  return describe<number>({ type: "integer", minimum: least, maximum: most }, (raw) => {
    const value = typeof raw === "string" && /^\s*[+-]?\d+\s*$/.test(raw) ? Number(raw) : raw;
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return good(value);
    return bad(`expected a whole number from ${least} to ${most}`);
  });
}

/** 1 to 65535. */
export const port = describe<number>(integer(1, 65_535).schema, (raw) => {
  const parsed = integer(1, 65_535)(raw);
  return parsed.ok ? parsed : bad("expected a port, which is a number from 1 to 65535");
});

/** One of `choices`, in any case. `aliases` are accepted too, and not offered. */
export function choice<T extends string>(
  choices: readonly T[],
  aliases: Readonly<Record<string, T>> = {},
): ValueParser<T> {
  const known = new Map<string, T>([...Object.entries(aliases), ...choices.map((name) => [name, name] as const)]);
  const inAnyCase = { type: "string", pattern: `^(?:${[...known.keys()].map(anyCase).join("|")})$` } as const;
  return describe<T>({ anyOf: [{ enum: choices }, inAnyCase] }, (raw) => {
    const found = typeof raw === "string" ? known.get(raw.trim().toLowerCase()) : undefined;
    return found === undefined ? bad(`expected one of ${choices.join(", ")}`) : good(found);
  });
}

/** A probability: more than 0, less than 1. mtg v2 takes up to 100, and what is above 1 makes no sense there either. */
export const errorRate = describe<number>({ type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 }, (raw) => {
  const value = typeof raw === "string" && raw.trim() !== "" ? Number(raw) : raw;
  if (typeof value === "number" && value > 0 && value < 1) return good(value);
  return bad("expected a number between 0 and 1 such as 0.001 (a probability, not a percentage)");
});

/** Hex, or either alphabet of base64, of 16 bytes at least. */
const secretText = "^\\s*[A-Za-z0-9+/_-]{22,}={0,2}\\s*$";

/** A secret of any kind. What is said about a wrong one never quotes any of it. */
export const secret = describe<Secret>({ type: "string", pattern: secretText }, (raw) => {
  if (typeof raw !== "string") return bad("expected a text in quotes");
  try {
    return good(parseSecret(raw));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const problem = unquoted(error);
    return bad(problem.charAt(0).toLowerCase() + problem.slice(1));
  }
});

const durationUnits: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const amount = String.raw`(\d+(?:\.\d*)?|\.\d+)`;
const durationPart = `${amount}(ns|us|µs|μs|ms|s|m|h)`;
const wholeDuration = new RegExp(`^\\+?(?:${durationPart})+$`);
const durationSchema: JsonSchema = {
  anyOf: [
    {
      type: "string",
      pattern: `^\\s*\\+?(?:0|(?:\\s*(?:\\d[\\d\\s]*(?:\\.[\\d\\s]*)?|\\.[\\d\\s]+)(?:${
        anyCase("ns|us|µs|μs|ms|s|m|h")
      }))+)\\s*$`,
    },
    { const: 0 },
  ],
};

/** A timer of more than 2^31 - 1 milliseconds would go off at once. */
const longestDuration = { text: "576h", ms: 576 * 3_600_000 } as const;

/**
 * A length of time in milliseconds: amounts with a unit (`ns us ms s m h`) one after another, with decimals, spaces and
 * case as one likes, or a bare 0.
 *
 * What 0 means is up to the key: for most it is "the default", see `fields.ts`.
 */
export const duration = describe<number>(durationSchema, (raw) => {
  if (raw === 0) return good(0);
  const text = typeof raw === "string" ? raw.toLowerCase().replace(/\s+/g, "") : "";
  if (text === "0") return good(0);
  if (!wholeDuration.test(text)) return bad('expected a duration such as "10s" or "1m30s"');
  const ms = sumOfParts(text, durationPart, durationUnits);
  if (ms > longestDuration.ms) return bad(`expected a duration of at most "${longestDuration.text}"`);
  return good(Math.round(ms * 1e6) / 1e6);
});

const byteUnits: Readonly<Record<string, number>> = {
  b: 1,
  kb: 2 ** 10,
  kib: 2 ** 10,
  mb: 2 ** 20,
  mib: 2 ** 20,
  gb: 2 ** 30,
  gib: 2 ** 30,
  tb: 2 ** 40,
  tib: 2 ** 40,
};

const bytesPart = `${amount}([kmgt]i?b|b)`;
const wholeBytes = new RegExp(`^(?:${bytesPart})+$`);
const bytesSchema: JsonSchema = {
  anyOf: [
    {
      type: "string",
      pattern: "^\\s*(?:0|(?:\\s*(?:\\d[\\d\\s]*(?:\\.[\\d\\s]*)?|\\.[\\d\\s]+)(?:[kKmMgGtT][iI]?)?[bB])+)\\s*$",
    },
    { const: 0 },
  ],
};

/**
 * A number of bytes: amounts with a unit one after another (`1mib`, `1MB512KB`), of which each is a power of 1024, or a
 * bare 0. At most `most.bytes`, which people read as `most.text`.
 */
export function bytes(most: { readonly bytes: number; readonly text: string }): ValueParser<number> {
  return describe<number>(bytesSchema, (raw) => {
    if (raw === 0) return good(0);
    const text = typeof raw === "string" ? raw.toLowerCase().replace(/\s+/g, "") : "";
    if (text === "0") return good(0);
    if (!wholeBytes.test(text)) return bad('expected a size with its unit such as "512kib" or "1mib"');
    const sum = Math.floor(sumOfParts(text, bytesPart, byteUnits));
    return sum <= most.bytes ? good(sum) : bad(`expected a size of at most "${most.text}"`);
  });
}

/** Adds up the amounts of `text`, which consists of `part`s: an amount, then one of `units`. */
function sumOfParts(text: string, part: string, units: Readonly<Record<string, number>>): number {
  let sum = 0;
  for (const [, count, unit] of text.matchAll(new RegExp(part, "g"))) {
    sum += Number(count) * (units[unit ?? ""] ?? Number.NaN);
  }
  return sum;
}
