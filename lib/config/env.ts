/**
 * Environment variables as a layer of the configuration: `network.timeout.tcp` is `MTG_NETWORK_TIMEOUT_TCP`.
 *
 * - An empty variable counts as one that is not set.
 * - Lists: values with commas or spaces between, or an array as in the file.
 * - Yes and no: `true`, `1`, `yes`, `on`; `false`, `0`, `no`, `off`.
 * - `MTG_DC_OVERRIDES="2=127.0.0.1:8443,[::1]:8443; 4=192.0.2.4:443"`.
 */
import { parse } from "smol-toml";
import type { Field, Problem, Table } from "./field.ts";
import { type ConfigWarning, type Layer, put, type Source } from "./layers.ts";
import { showPath, showValue } from "./show.ts";
import type { JsonSchema } from "./values.ts";

/** Looks a variable up. */
export type Env = (name: string) => string | undefined;

/** What a variable holds; an empty one counts as one that is not set. */
export function given(env: Env, name: string): string | undefined {
  const text = env(name)?.trim();
  return text === "" ? undefined : text;
}

/** The variable that stands for a dotted key. */
export function envName(key: string): string {
  return `MTG_${key.toUpperCase().replaceAll(/[.-]/g, "_")}`;
}

const source: Source = {
  name: (path) => {
    const texts = path.filter((step) => typeof step === "string");
    const own = texts[0] === "dc-overrides" ? 1 : texts.length;
    return `${envName(path.slice(0, own).join("."))}${showPath(path.slice(own)).replace(/^(?=[^[])/, ".")}`;
  },
  place: () => ({}),
};

/**
 * What Kubernetes sets for each service, and Docker for each linked container: `MTG_PORT` for one called mtg, and for one called
 * mtg-public the very variable of `public-port`.
 */
const serviceLink = /^(?:tcp|udp):\/\/\S+:\d+$/;
/** No key of ours, and people set it all the same. */
const portName = "MTG_PORT";

/** All that `env` has for `fields`. */
export function envLayer(env: Env, fields: readonly Field<unknown>[]): Layer {
  const table: Record<string, unknown> = {};
  const problems: Problem[] = [];
  const warnings: ConfigWarning[] = [];
  const isReplaced = ({ key, replacement }: Field<unknown>) =>
    replacement !== undefined && envName(key) === envName(replacement.key);
  for (const field of fields) {
    const text = isReplaced(field) ? undefined : given(env, envName(field.key));
    if (text === undefined) continue;
    const path = field.key.split(".");
    const raw = rawOf(text, field);
    if (raw === undefined) {
      problems.push({ path, say: (name) => `${name} = ${showValue(text, field.confidential)}: ${pairsExpected}` });
    } else if (serviceLink.test(text) && !accepts(field, raw)) {
      warnings.push(linkWarning(envName(field.key), text, field.key));
    } else {
      put(table, path, raw);
    }
  }
  const port = given(env, portName);
  if (port === undefined) return { table, source, problems, warnings };
  if (serviceLink.test(port)) {
    warnings.push(linkWarning(portName, port, ""));
  } else {
    const message = `${portName} = ${showValue(port, false)} has no effect: ${envName("bind-to")} says where to listen`;
    warnings.push({ kind: "environment", path: "", message });
  }
  return { table, source, problems, warnings };
}

function linkWarning(name: string, text: string, key: string): ConfigWarning {
  const service = name.replace(/_PORT$/, "").toLowerCase().replaceAll("_", "-");
  const message =
    `${name} = ${showValue(text, false)} is ignored: Kubernetes sets it for a service called ${service}, ` +
    `Docker for a linked container; enableServiceLinks: false or another name keeps it away`;
  return { kind: "environment", path: key, message };
}

function accepts(field: Field<unknown>, raw: unknown): boolean {
  const problems: Problem[] = [];
  field.read(raw, [], problems);
  return problems.length === 0;
}

/** The value as it would stand in a file; `undefined` for a table that is not written as one. */
function rawOf(text: string, field: Field<unknown>): unknown {
  if (field.shape !== "value") return tableOf(text);
  if (takes(field.schema, "array")) return listOf(text);
  if (takes(field.schema, "boolean")) return booleans.get(text.toLowerCase()) ?? text;
  if (takes(field.schema, "integer") && /^\d+$/.test(text)) return Number(text);
  if (takes(field.schema, "number") && /^[\d.]+$/.test(text)) return Number(text);
  return text;
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...["true", "1", "yes", "on"].map((text) => [text, true] as const),
  ...["false", "0", "no", "off"].map((text) => [text, false] as const),
]);

function takes({ type, anyOf = [] }: JsonSchema, wanted: JsonSchema["type"]): boolean {
  return type === wanted || anyOf.some((one) => takes(one, wanted));
}

function listOf(text: string): readonly unknown[] {
  return arrayOf(text) ?? text.split(/[\s,]+/).filter((item) => item !== "");
}

/** An array as in TOML or JSON. An IPv6 address in brackets is none. */
function arrayOf(text: string): readonly unknown[] | undefined {
  if (!text.startsWith("[") || !text.endsWith("]")) return undefined;
  try {
    const { value } = parse(`value = ${text}`);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const pairsExpected =
  'expected data centres and their addresses such as "2=127.0.0.1:8443,[::1]:8443; 4=192.0.2.4:443"';

function tableOf(text: string): Table | undefined {
  const found: Record<string, unknown> = {};
  for (const pair of text.split(";").filter((one) => one.trim() !== "")) {
    const [, key, values] = /^([^=]+)=(.+)$/s.exec(pair) ?? [];
    if (key === undefined || values === undefined) return undefined;
    found[key.trim()] = listOf(values.trim());
  }
  return found;
}
