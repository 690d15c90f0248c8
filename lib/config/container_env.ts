/**
 * The variables of older proxies' containers as layers of the configuration, below `MTG_*` variables and above the defaults.
 *
 * ```text
 * SECRET        secret         of any kind, hex or base64    MTP_SECRET is the same
 * HTTP_PORT     bind-to        443: 0.0.0.0:443              MTP_PORT is the same
 * WORKERS       workers        2
 * SECRET_COUNT                 1: a secret that is made at the first start, where SECRET gives none
 * ```
 *
 * What they can say besides and this version cannot do is refused, never ignored.
 */
import { ConfigError } from "../errors.ts";
import { type Env, given } from "./env.ts";
import type { Layer, Source } from "./layers.ts";
import { showValue } from "./show.ts";
import { port } from "./values.ts";

export interface ContainerLayers {
  /** The first below the second. */
  readonly layers: readonly [Layer, Layer];
  /** Whether a variable gives a secret. */
  readonly givesSecret: boolean;
}

/** Secrets handed out for another proxy's image open this one too. */
const secretNames = ["SECRET", "MTP_SECRET"] as const;
const portNames = ["HTTP_PORT", "MTP_PORT"] as const;
const oneOnly = "several secrets at once are not in this version";
const noTags = "ad tags, which promote a channel, are not in this version; leave it out";
const ownKind = "a secret opens its own kind of connection only; leave it out";

/** Variables that ask for what is not there, and what is said of each. */
const refused: readonly (readonly [string, string])[] = [
  ["TAG", noTags],
  ["MTP_TAG", noTags],
  ["MTP_DD_ONLY", `${ownKind}, and put dd before the 32 digits of the secret`],
  ["MTP_TLS_ONLY", `${ownKind}, and give a secret that "mtg generate-secret www.example.com" has made`],
];

const defaults: Layer = {
  table: { "bind-to": "0.0.0.0:443", workers: 2 },
  source: { name: () => "default of the container", place: () => ({}) },
};

/** Whether a variable is there that only a container's user would set. */
export function hasContainerVariables(env: Env): boolean {
  return [...secretNames, "SECRET_COUNT"].some((name) => given(env, name) !== undefined);
}

/** Those of the container that are set, for whoever wants to know that they have no effect. */
export function containerVariables(env: Env): readonly string[] {
  const names = [...secretNames, ...portNames, "SECRET_COUNT", "WORKERS", ...refused.map(([name]) => name)];
  return names.filter((name) => given(env, name) !== undefined);
}

/** All that `env` has for a container. @throws {ConfigError} If it asks for what is not there, a line for each variable. */
export function containerLayers(env: Env): ContainerLayers {
  const reader = new Reader(env);
  const secret = reader.oneOf(secretNames);
  if (secret?.text.includes(",")) reader.refuse(`${secret.name} = (hidden): ${oneOnly}; expected one`);
  else if (secret !== undefined) reader.give("secret", secret.name, secret.text);
  const listening = reader.oneOf(portNames);
  if (listening !== undefined) {
    const parsed = port(listening.text);
    if (parsed.ok) reader.give("bind-to", listening.name, `0.0.0.0:${parsed.value}`);
    else reader.refuse(`${listening.name} = ${showValue(listening.text, false)}: ${parsed.expected}`);
  }
  const workers = given(env, "WORKERS");
  if (workers !== undefined) reader.give("workers", "WORKERS", /^\d+$/.test(workers) ? Number(workers) : workers);
  const count = given(env, "SECRET_COUNT");
  if (count !== undefined && count !== "1") {
    const why = /^\d+$/.test(count) && Number(count) > 1 ? `${oneOnly}; ` : "";
    reader.refuse(`SECRET_COUNT = ${showValue(count, false)}: ${why}expected 1`);
  }
  for (const [name, why] of refused) {
    if (given(env, name) !== undefined) reader.refuse(`${name} is set: ${why}`);
  }
  return { layers: [defaults, reader.layer()], givesSecret: secret !== undefined };
}

/**
 * The secret that the file at `file` keeps: one of ours, or of the Alpine image of Telegram's own proxy, which writes one or
 * several of 32 hex digits with commas between.
 *
 * @throws {ConfigError} If there are several, or none.
 */
export function keptSecretLayer(text: string, file: string): Layer {
  const secret = text.trim();
  const place = { path: "secret", file };
  if (secret === "") throw new ConfigError(`${file}: it is empty; remove it, and "mtg run" makes a secret`, place);
  if (secret.includes(",")) throw new ConfigError(`${file}: ${oneOnly}; expected one`, place);
  return { table: { secret }, source: { name: () => "secret", place: () => ({ file, line: 1, column: 1 }) } };
}

class Reader {
  readonly #env: Env;
  readonly #table: Record<string, unknown> = {};
  readonly #names = new Map<string, string>();
  readonly #mistakes: string[] = [];

  constructor(env: Env) {
    this.#env = env;
  }

  /** The one of `names` that is set. */
  oneOf(names: readonly string[]): { readonly name: string; readonly text: string } | undefined {
    const found = names.flatMap((name) => {
      const text = given(this.#env, name);
      return text === undefined ? [] : [{ name, text }];
    });
    if (found.length > 1) this.refuse(`${names.join(" and ")} are set: expected only one of them`);
    return found[0];
  }

  give(key: string, name: string, value: unknown): void {
    this.#table[key] = value;
    this.#names.set(key, name);
  }

  refuse(message: string): void {
    this.#mistakes.push(message);
  }

  /** @throws {ConfigError} If anything was refused. */
  layer(): Layer {
    if (this.#mistakes.length > 0) throw new ConfigError(this.#mistakes.join("\n"), { path: "" });
    const name: Source["name"] = ([key]) => this.#names.get(String(key)) ?? String(key);
    return { table: this.#table, source: { name, place: () => ({}) } };
  }
}
