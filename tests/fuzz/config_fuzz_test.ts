/** A configuration comes from people and programs: whatever they write ends in a configuration or in a message. */
import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { ip } from "../../lib/config/address_values.ts";
import { diffConfigs } from "../../lib/config/diff.ts";
import { envName } from "../../lib/config/env.ts";
import { allFields } from "../../lib/config/fields.ts";
import { type ConfigSources, loadConfig } from "../../lib/config/parse.ts";
import { bytes, duration, type ValueParser } from "../../lib/config/values.ts";
import { ConfigError } from "../../lib/errors.ts";

const secret = "7gARIjNEVWZ3iJmqu8zd7v93d3cuZXhhbXBsZS5jb20";
const least = `secret = "${secret}"\nbind-to = ":3128"\n`;

/** What it loads to, if it can be used; its message else, which never holds the secret. */
function outcomeOf(sources: ConfigSources) {
  try {
    return loadConfig(sources);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    assert(!error.message.includes(secret.slice(0, 20)), error.message);
    return undefined;
  }
}

/** Pieces of which TOML is made, right and wrong. */
const pieces = fc.array(
  fc.oneof(
    fc.constantFrom(...allFields.map(({ key }) => key)),
    fc.constantFrom(...'= \n [ ] [[ ]] { } , . " """ \' # true 5 "5s" -1 0x \r\n \uFEFF \\ \u0001'.split(" "), secret),
    fc.string({ maxLength: 6 }),
  ),
  { maxLength: 30 },
).map((parts) => parts.join(""));

Deno.test("loadConfig() does give a configuration or a ConfigError for every text", () => {
  fc.assert(
    fc.property(pieces, fc.boolean(), (text, isBehind) => {
      outcomeOf({ file: { name: "config.toml", text: isBehind ? least + text : text } });
    }),
    { numRuns: 1000 },
  );
});

Deno.test("loadConfig() does give a configuration or a ConfigError for every environment", () => {
  const names = fc.constantFrom(...allFields.map(({ key }) => envName(key)), "MTG_PORT");
  const texts = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "1",
      "yes",
      "5s",
      "1mib",
      "127.0.0.1:1",
      "[",
      "[1]",
      "2=[::1]:1",
      "tcp://1.2.3.4:5",
      secret,
      ",",
      ";=",
    ),
  );
  fc.assert(
    fc.property(fc.dictionary(names, texts), (env) => {
      outcomeOf({ file: { name: "config.toml", text: least }, env: (name) => env[name] });
    }),
    { numRuns: 2000 },
  );
});

Deno.test("diffConfigs() does find the keys that were set, and none the other way round", () => {
  const settable: Readonly<Record<string, readonly string[]>> = {
    "concurrency": ["7", "8"],
    "workers": ["2", "3"],
    "grace": ['"7s"', '"8s"'],
    "network.timeout.tcp": ['"7s"', '"8s"'],
    "network.largest-buffer": ['"4kib"', '"16kib"'],
    "defense.anti-replay.enabled": ["false"],
    "proxy-protocol-trusted": ['["192.0.2.1"]', "[]"],
  };
  const lines = fc.record(
    Object.fromEntries(Object.entries(settable).map(([key, values]) => [key, fc.constantFrom(...values)])),
    { requiredKeys: [] },
  );
  const parse = (given: Readonly<Record<string, string | undefined>>) => {
    const text = Object.entries(given).map(([key, value]) => `${key} = ${value}\n`).join("");
    return loadConfig({ file: { name: "", text: least + text } }).config;
  };
  fc.assert(fc.property(lines, lines, (a, b) => {
    const differing = Object.keys(settable).filter((key) => a[key] !== b[key]).toSorted();
    const { config, changed, needRestart } = diffConfigs(parse(a), parse(b));
    assertEquals([...changed, ...needRestart].toSorted(), differing);
    assertEquals(diffConfigs(config, parse(b)).changed, []);
    assertEquals(diffConfigs(parse(a), config).needRestart, []);
    assertEquals(diffConfigs(parse(b), parse(a)).changed, changed);
  }));
});

Deno.test("the schema does take every text that its parser takes", () => {
  const patterns = ({ schema }: ValueParser<unknown>) =>
    [schema, ...schema.anyOf ?? []].flatMap(({ pattern }) => pattern ?? []);
  const amounts = fc.array(
    fc.tuple(
      fc.constantFrom("0", "1", "15", "1.", ".5", "1.5", " 2 ", "-1", "+3", "x"),
      fc.constantFrom("s", "M", "ms", "µs", "b", "KiB", " mb ", "", "q"),
    ),
    { maxLength: 3 },
  ).map((parts) => parts.flat().join(""));
  const addresses = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ maxLength: 5 }));
  const cases: readonly (readonly [ValueParser<unknown>, fc.Arbitrary<string>])[] = [
    [duration, amounts],
    [bytes({ bytes: 2 ** 30, text: "1gib" }), amounts],
    [ip, addresses],
  ];
  for (const [parser, texts] of cases) {
    fc.assert(
      fc.property(texts, (text) => {
        const isTaken = patterns(parser).some((pattern) => new RegExp(pattern, "u").test(text));
        assert(isTaken || !parser(text).ok, JSON.stringify(text));
      }),
      { numRuns: 1000 },
    );
  }
});
