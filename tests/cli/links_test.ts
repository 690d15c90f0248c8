import { assertEquals } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import {
  type Detected,
  type LinkOverrides,
  linkTargets,
  linkText,
  noTargetHint,
  unknownFamilies,
} from "../../lib/cli/links.ts";
import type { Config } from "../../lib/config/config.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { configText, tlsBase64, tlsHex } from "./fake_environment.ts";

function configOf(lines: readonly string[]): Config {
  return parseConfig(configText(":1", ...lines), { file: "config.toml" });
}

function targets(
  bound: readonly Address[],
  lines: readonly string[] = [],
  overrides: LinkOverrides = {},
  detected: Detected = {},
): readonly string[] {
  const found = linkTargets(configOf(lines), bound, overrides, detected);
  return found.map(({ family, server, port }) => `${family} ${server} ${port}`);
}

const tcp = (host: string, port = 3128): Address => ({ kind: "tcp", host, port });
const unix: Address = { kind: "unix", path: "/run/mtg.sock" };

Deno.test("linkTargets() does take addresses that are listened on, if clients can know them", () => {
  assertEquals(targets([tcp("127.0.0.1")]), ["ipv4 127.0.0.1 3128"]);
  assertEquals(targets([tcp("::1")]), ["ipv6 ::1 3128"]);
  assertEquals(targets([tcp("localhost")]), ["host localhost 3128"]);
  assertEquals(targets([tcp("0.0.0.0"), tcp("127.0.0.1", 2), tcp("127.0.0.2", 3), tcp("::1", 4)]), [
    "ipv4 127.0.0.1 2",
    "ipv6 ::1 4",
  ]);
  assertEquals(targets([tcp("0.0.0.0"), tcp("::"), unix]), []);
  assertEquals(targets([tcp("127.0.0.1", 0)]), []);
  assertEquals(targets([tcp("127.0.0.1")], ["public-port = 443"]), ["ipv4 127.0.0.1 443"]);
});

Deno.test("linkTargets() does go by what is public first", () => {
  const all = ['public-host = "example.com"', 'public-ipv4 = "203.0.113.7"', 'public-ipv6 = "2001:db8::7"'];
  assertEquals(targets([tcp("127.0.0.1")], all), [
    "host example.com 3128",
    "ipv4 203.0.113.7 3128",
    "ipv6 2001:db8::7 3128",
  ]);
  assertEquals(targets([tcp("::")], all.slice(2)), ["ipv6 2001:db8::7 3128"]);
  assertEquals(targets([tcp("::")], ['public-host = "203.0.113.9"', ...all.slice(1)]), [
    "ipv4 203.0.113.9 3128",
    "ipv6 2001:db8::7 3128",
  ]);
  assertEquals(targets([unix], all), []);
  assertEquals(targets([unix], [...all.slice(0, 1), "public-port = 443"]), ["host example.com 443"]);
});

Deno.test("linkTargets() does let a command line override", () => {
  const lines = ['public-ipv4 = "203.0.113.7"', "public-port = 443"];
  assertEquals(targets([tcp("::")], lines, { ipv4: "203.0.113.8" }), ["ipv4 203.0.113.8 443"]);
  assertEquals(targets([tcp("::")], lines, { ipv6: "::2", port: 5 }), ["ipv6 ::2 5", "ipv4 203.0.113.7 5"]);
  assertEquals(targets([tcp("127.0.0.1")], [], { port: 5 }), ["ipv4 127.0.0.1 5"]);
});

Deno.test("linkTargets() does take an address listened on besides what is public, if the world can reach it", () => {
  const ipv4 = ['public-ipv4 = "203.0.113.7"'];
  const bound = [tcp("0.0.0.0"), tcp("2a0a:f280::1", 443)];
  assertEquals(targets(bound, ipv4), ["ipv4 203.0.113.7 3128", "ipv6 2a0a:f280::1 443"]);
  assertEquals(targets(bound, [], { ipv6: "::2" }), ["ipv6 ::2 3128"]);
  for (const host of ["::1", "fd00::1", "fe80::1", "localhost"]) {
    assertEquals(targets([tcp("0.0.0.0"), tcp(host)], ipv4), ["ipv4 203.0.113.7 3128"]);
  }
  assertEquals(targets(bound, ['public-host = "example.com"']), ["host example.com 3128"]);
});

const found: Detected = { ipv4: "198.51.100.4", ipv6: "2001:db8::4" };

Deno.test("linkTargets() does take what was detected where nothing else is known", () => {
  assertEquals(targets([tcp("::")], [], {}, found), ["ipv4 198.51.100.4 3128", "ipv6 2001:db8::4 3128"]);
  assertEquals(targets([tcp("0.0.0.0", 1), tcp("::", 2)], [], {}, found), [
    "ipv4 198.51.100.4 1",
    "ipv6 2001:db8::4 2",
  ]);
  assertEquals(targets([tcp("0.0.0.0")], [], {}, { ipv4: "198.51.100.4" }), ["ipv4 198.51.100.4 3128"]);
  assertEquals(targets([tcp("::")], ["public-port = 443"], {}, found)[0], "ipv4 198.51.100.4 443");
  assertEquals(targets([tcp("::")], ['public-ipv4 = "203.0.113.7"'], {}, found), [
    "ipv4 203.0.113.7 3128",
    "ipv6 2001:db8::4 3128",
  ]);
});

Deno.test("unknownFamilies() does name what clients could use, if somebody knew the address", () => {
  const unknown = (bound: readonly Address[], lines: readonly string[] = [], overrides: LinkOverrides = {}) =>
    unknownFamilies(configOf(lines), bound, overrides);
  assertEquals(unknown([tcp("::")]), ["ipv4", "ipv6"]);
  assertEquals(unknown([tcp("0.0.0.0")]), ["ipv4"]);
  assertEquals(unknown([tcp("0.0.0.0"), tcp("::")]), ["ipv4", "ipv6"]);
  assertEquals(unknown([tcp("::"), tcp("192.0.2.1")]), ["ipv6"]);
  assertEquals(unknown([tcp("::")], ['public-ipv4 = "203.0.113.7"']), ["ipv6"]);
  assertEquals(unknown([tcp("::")], ['public-ipv4 = "203.0.113.7"'], { ipv6: "::1" }), []);
  assertEquals(unknown([tcp("::")], ['public-host = "example.com"']), []);
  for (const bound of [tcp("127.0.0.1"), tcp("::1"), tcp("localhost"), tcp("::", 0), unix]) {
    assertEquals(unknown([bound]), []);
  }
});

Deno.test("linkText() does print both links in both encodings", () => {
  const { secret } = parseConfig(configText(":1"), { file: "config.toml" });
  assertEquals(linkText(secret, [{ family: "ipv6", server: "::1", port: 443 }]).split("\n"), [
    "Links for Telegram. Whoever has one can use this proxy:",
    `  tg://proxy?server=%3A%3A1&port=443&secret=${tlsBase64}`,
    `  https://t.me/proxy?server=%3A%3A1&port=443&secret=${tlsBase64}`,
    "The same for old clients, with the secret in hex:",
    `  tg://proxy?server=%3A%3A1&port=443&secret=${tlsHex}`,
    `  https://t.me/proxy?server=%3A%3A1&port=443&secret=${tlsHex}`,
  ]);
});

Deno.test("noTargetHint() does name what is listened on and what to set", () => {
  assertEquals(
    noTargetHint(configOf([]), [tcp("::"), unix]),
    "no links: [::]:3128, unix:/run/mtg.sock does not tell under which address and port clients reach the proxy; " +
      "set public-host (or public-ipv4, public-ipv6) and, if it is another than the one listened on, public-port",
  );
  const named = configOf(['public-host = "proxy.example.com"']);
  assertEquals(targets([unix], ['public-host = "proxy.example.com"']), []);
  const hint = "no links: unix:/run/mtg.sock does not tell the port that clients reach; set public-port";
  assertEquals(noTargetHint(named, [unix]), hint);
});
