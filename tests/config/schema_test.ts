import { assert, assertEquals } from "@std/assert";
import { parse } from "smol-toml";
import { allFields } from "../../lib/config/fields.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { configSchema } from "../../lib/config/schema.ts";
import type { JsonSchema } from "../../lib/config/values.ts";

const schema: JsonSchema = JSON.parse(JSON.stringify(configSchema()));
const secret = "00112233445566778899aabbccddeeff";
const least = `secret = "${secret}"\nbind-to = ":3128"\n`;

type Check = (value: unknown, wanted: never) => boolean;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** JSON Schema as far as the schema uses it; written from its specification, not from the parsers. */
const checks: Readonly<Record<string, Check>> = {
  type: (value, wanted: string) => {
    if (wanted === "array") return Array.isArray(value);
    if (wanted === "object") return isObject(value);
    if (wanted === "integer") return Number.isInteger(value);
    const type: string = typeof value;
    return type === wanted;
  },
  const: (value, wanted) => value === wanted,
  enum: (value, wanted: readonly unknown[]) => wanted.includes(value),
  anyOf: (value, wanted: readonly JsonSchema[]) => wanted.some((one) => fits(value, one)),
  pattern: (value, wanted: string) => typeof value !== "string" || new RegExp(wanted, "u").test(value),
  minimum: (value, wanted: number) => typeof value !== "number" || value >= wanted,
  maximum: (value, wanted: number) => typeof value !== "number" || value <= wanted,
  exclusiveMinimum: (value, wanted: number) => typeof value !== "number" || value > wanted,
  exclusiveMaximum: (value, wanted: number) => typeof value !== "number" || value < wanted,
  items: (value, wanted: JsonSchema) => !Array.isArray(value) || value.every((item) => fits(item, wanted)),
  minItems: (value, wanted: number) => !Array.isArray(value) || value.length >= wanted,
  propertyNames: (value, wanted: JsonSchema) =>
    !isObject(value) || Object.keys(value).every((key) => fits(key, wanted)),
};
const annotations = new Set(["$schema", "title", "description", "default", "examples", "deprecated"]);

function fits(value: unknown, { properties = {}, additionalProperties, ...rest }: JsonSchema): boolean {
  if (isObject(value)) {
    for (const [key, inner] of Object.entries(value)) {
      const wanted = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
      if (wanted === false || (wanted !== undefined && !fits(inner, wanted))) return false;
    }
  }
  return Object.entries(rest).every(([keyword, wanted]) => {
    if (annotations.has(keyword)) return true;
    const check = checks[keyword];
    if (check === undefined) throw new Error(`The schema uses ${keyword}`);
    return check(value, wanted as never);
  });
}

const read = (path: string) => Deno.readTextFileSync(new URL(path, import.meta.url));
const example = read("../../lib/config/example.toml");

Deno.test("configSchema() does take the example, also without its comments, and files with every key", () => {
  const whole = example.replace(/^#(?=\S)/gm, "").replace("what mtg generate-secret printed", secret);
  for (
    const text of [example, whole, least, read("../fixtures/config/full.toml"), read("../fixtures/config/mtg_v2.toml")]
  ) {
    assertEquals(fits(parse(text), schema), true);
  }
});

Deno.test("configSchema() does know the default and an example of every key, and takes both", () => {
  for (const field of allFields) {
    const own = field.key.split(".").reduce((at, step) => at.properties?.[step] ?? {}, schema);
    assertEquals(own.description, field.docs);
    assertEquals(own.default, field.default);
    assertEquals(own.deprecated === true, field.kind === "deprecated");
    if (!field.confidential) assert(fits(field.default ?? field.sample, own), field.key);
  }
});

/** Lines that are right in every way in which people write them. */
const right = [
  'bind-to = "0.0.0.0:443"',
  'bind-to = ["[::]:443", ":3128", "unix:/run/my sock", "localhost:0"]',
  'grace = "1h 30m"',
  'grace = "1.5S"',
  'grace = ".5s"',
  "grace = 0",
  'grace = "0"',
  'grace = ""',
  'defense.anti-replay.max-size = "1MB512KB"',
  "defense.anti-replay.max-size = 0",
  "defense.anti-replay.error-rate = 0.5",
  'prefer-ip = "Only-IPv6"',
  'log-level = "WARN"',
  'workers = "AUTO"',
  "workers = 4",
  'public-host = ""',
  'network.dns = "1.1.1.1"',
  'network.dns = "2606:4700:4700::1111"',
  'network.dns = "HTTPS://dns.example.com/query"',
  'network.proxies = ""',
  'network.proxies = ["", "socks5h://me:word@[::1]:1080?open_threshold=3"]',
  'proxy-protocol-trusted = "192.0.2.1"',
  'dc-overrides = { 2 = "127.0.0.1:1", -203 = ["[::1]:1"] }',
  'domain-fronting.host = "unix:/run/site.sock"',
  "network.keep-alive.count = 9",
  'defense.blocklist.urls = ["https://example.com/a.netset", "/etc/mtg/own list.txt"]',
  'stats.statsd.tag-format = "InfluxDB"',
  'stats.prometheus.http-path = "metrics"',
  "domain-fronting-port = 443",
];

/** Lines that are wrong in a way that an editor can see. */
const wrong = [
  "secret = 7",
  'secret = ""',
  "bind-to = 443",
  "bind-to = []",
  'bind-to = "0.0.0.0"',
  "concurrency = 0",
  "concurrency = 1.5",
  "debug = 1",
  'log-level = "verbose"',
  'prefer-ip = "ipv4"',
  "public-port = 70000",
  "grace = 5",
  'grace = "5"',
  'grace = "-5s"',
  'grace = "1d"',
  'defense.anti-replay.max-size = "1m"',
  "defense.anti-replay.error-rate = 1",
  "workers = 0",
  'network.dns = "ftp://1.1.1.1"',
  'network.proxies = ["http://a"]',
  'public-ipv4 = "::1"',
  'dc-overrides = { two = "127.0.0.1:1" }',
  "dc-overrides = { 2 = [] }",
  "network = 5",
  "concurency = 5",
  "network.tcp = '5s'",
  'defense.doppelganger.urls = "http://a.example"',
  'stats.statsd.tag-format = "json"',
];

Deno.test("configSchema() does take what parsers take, and refuses what an editor can know to be wrong", () => {
  for (const [lines, isRight] of [[right, true], [wrong, false]] as const) {
    for (const line of lines) {
      const key = line.split(" ")[0] ?? "";
      const text = [...least.split("\n").filter((other) => !other.startsWith(`${key} `)), line].join("\n");
      assertEquals(fits(parse(text), schema), isRight, line);
      assertEquals(isParsed(text), isRight, line);
    }
  }
});

function isParsed(text: string): boolean {
  try {
    parseConfig(text, { file: "" });
    return true;
  } catch {
    return false;
  }
}
