import { assertEquals, assertStrictEquals } from "@std/assert";
import { diffConfigs, placesOf } from "../../lib/config/diff.ts";
import { fieldsByPlace } from "../../lib/config/fields.ts";
import { parseConfig } from "../../lib/config/parse.ts";

const least = 'secret = "00112233445566778899aabbccddeeff"\nbind-to = ":3128"\n';
const parse = (text: string) => parseConfig(text, { file: "" });
const full = parse(Deno.readTextFileSync(new URL("../fixtures/config/full.toml", import.meta.url)));

/** The places of all values in a configuration. */
function leaves(tree: object, prefix = ""): string[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const place = `${prefix}${key}`;
    const isTree = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
    return isTree && place !== "secret" && place !== "network.dns" ? leaves(value, `${place}.`) : [place];
  });
}

Deno.test("every value of a configuration belongs to one key of the field table", () => {
  const places = [...fieldsByPlace.keys()].flatMap(placesOf);
  assertEquals(places.toSorted(), leaves(full).toSorted());
});

Deno.test("diffConfigs() does find no difference between a file and itself", () => {
  for (const text of [least, Deno.readTextFileSync(new URL("../fixtures/config/full.toml", import.meta.url))]) {
    const next = parse(text);
    const diff = diffConfigs(parse(text), next);
    assertEquals([diff.changed, diff.needRestart], [[], []]);
    assertStrictEquals(diff.config, next);
  }
});

Deno.test("diffConfigs() does find every key that differs, and keep what only a restart can change", () => {
  const old = parse(least);
  const { config, changed, needRestart } = diffConfigs(old, full);
  const fields = [...fieldsByPlace.values()];
  // log-level stands for debug as well: with debug it says debug.
  const keys = (hot: boolean) => fields.filter((field) => field.hot === hot).map(({ key }) => key);
  assertEquals(changed, keys(true).filter((key) => key !== "debug"));
  assertEquals(needRestart, keys(false));
  assertEquals(needRestart, [
    "bind-to",
    "stranger-concurrency",
    "workers",
    "isolate",
    "state.directory",
    "network.largest-buffer",
    "defense.anti-replay.enabled",
    "defense.anti-replay.max-size",
    "defense.anti-replay.error-rate",
  ]);
  assertEquals(config, {
    ...full,
    bindTo: old.bindTo,
    strangerConcurrency: old.strangerConcurrency,
    workers: old.workers,
    isolate: old.isolate,
    state: old.state,
    network: { ...full.network, largestBufferBytes: old.network.largestBufferBytes },
    defense: old.defense,
  });
});

Deno.test("diffConfigs() does compare what values mean, not how they are written", () => {
  const old = parse(`${least}grace = "60s"\ndc-overrides = { 2 = "[::1]:1", 4 = "127.0.0.1:1" }`);
  const next = parse(`${least}grace = "1m"\ndc-overrides = { 4 = ["127.0.0.1:1"], 2 = "[0:0::1]:1" }`);
  assertEquals(diffConfigs(old, next).changed, []);
  const other = parse(`${least}grace = "60s"\ndc-overrides = { 2 = "[::1]:2", 4 = "127.0.0.1:1" }`);
  assertEquals(diffConfigs(old, other).changed, ["dc-overrides"]);
  const fewer = parse(`${least}grace = "60s"\ndc-overrides = { 2 = "[::1]:1" }`);
  assertEquals(diffConfigs(old, fewer).changed, ["dc-overrides"]);
  assertEquals(diffConfigs(fewer, old).changed, ["dc-overrides"]);
});

Deno.test("diffConfigs() does notice a new secret, a site that becomes a socket, and a DNS server", () => {
  const old = parse(`${least}domain-fronting.host = "a.example"`);
  const next = parse(`${least.replace("0011", "0012")}domain-fronting.host = "unix:/a"\nnetwork.dns = "1.1.1.1"`);
  const { changed, config } = diffConfigs(old, next);
  assertEquals(changed, ["secret", "domain-fronting.host", "network.dns"]);
  assertEquals(config, next);
});
