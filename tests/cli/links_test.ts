import { assertEquals } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import { linkTargets, linkText, noTargetHint } from "../../lib/cli/links.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { configText, tlsBase64, tlsHex } from "./fake_environment.ts";

function targets(bound: readonly Address[], lines: readonly string[] = [], overrides = {}): readonly string[] {
  const config = parseConfig(configText(":1", ...lines), { file: "config.toml" });
  return linkTargets(config, bound, overrides).map(({ family, server, port }) => `${family} ${server} ${port}`);
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
    noTargetHint([tcp("::"), unix]),
    "no links: [::]:3128, unix:/run/mtg.sock does not tell under which address and port clients reach the proxy; " +
      "set public-host (or public-ipv4, public-ipv6) and, if it is another than the one listened on, public-port",
  );
});
