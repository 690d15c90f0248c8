import { assertEquals } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import {
  addresses,
  host,
  ip,
  ipAndPort,
  ipv4,
  ipv6,
  listenAddress,
  listenAddresses,
} from "../../lib/config/address_values.ts";
import type { Parser } from "../../lib/config/values.ts";

function check<T>(
  parser: Parser<T>,
  good: readonly (readonly [unknown, T])[],
  wrong: readonly unknown[],
  expected: string,
) {
  for (const [raw, value] of good) assertEquals(parser(raw), { ok: true, value }, JSON.stringify(raw));
  for (const raw of wrong) assertEquals(parser(raw), { ok: false, expected }, JSON.stringify(raw));
}

const tcp = (host: string, port: number): Address => ({ kind: "tcp", host, port });

Deno.test("ipv4() does take dotted quads only", () => {
  check(
    ipv4,
    [["127.0.0.1", "127.0.0.1"], [" 203.0.113.7 ", "203.0.113.7"], ["255.255.255.255", "255.255.255.255"]],
    ["", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.5", "::1", "localhost", "1.2.3.4:80", "0x7f.1", 127, undefined],
    'expected an IPv4 address such as "203.0.113.7"',
  );
});

Deno.test("ipv6() does give the shortest form", () => {
  check(
    ipv6,
    [
      ["::1", "::1"],
      ["2001:DB8:0:0::7", "2001:db8::7"],
      ["::", "::"],
      ["::ffff:1.2.3.4", "::ffff:1.2.3.4"],
    ],
    ["", "[::1]", "1.2.3.4", ":::", "1:2", "fe80::1%eth0", "::g", "::1]:80/x[", "2001:db8::7:443:1:2:3:4:5", 1],
    'expected an IPv6 address without brackets such as "2001:db8::7"',
  );
});

Deno.test("ip() does take both families", () => {
  check(
    ip,
    [["1.2.3.4", "1.2.3.4"], ["::1", "::1"]],
    ["", "localhost", "[::1]", "1.2.3"],
    'expected an IP address such as "203.0.113.7" or "2001:db8::7" (without brackets)',
  );
});

Deno.test("host() does take names and addresses without scheme and port", () => {
  check(
    host,
    [
      ["example.com", "example.com"],
      ["Proxy.Example.COM", "proxy.example.com"],
      ["localhost", "localhost"],
      ["a_b.example", "a_b.example"],
      ["1und1.de", "1und1.de"],
      ["1.2.3.4", "1.2.3.4"],
      ["::1", "::1"],
    ],
    [
      "",
      "https://example.com",
      "example.com:443",
      "example.com/",
      "example..com",
      "-a.example",
      "1.2.3.256",
      "1.2.3",
      "münchen.example",
      "a b",
      `${"a".repeat(64)}.example`,
      `${"a.".repeat(127)}example`,
      7,
    ],
    'expected a host name such as "proxy.example.com", or an IP address',
  );
});

Deno.test("ipAndPort() does want an IP address and a port", () => {
  check<Address>(
    ipAndPort,
    [["127.0.0.1:8443", tcp("127.0.0.1", 8443)], ["[::1]:443", tcp("::1", 443)]],
    ["localhost:80", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "::1:443", "[127.0.0.1]:80", ":80", "[::1]", 80],
    'expected an IP address and a port such as "203.0.113.7:443" or "[2001:db8::7]:443"',
  );
});

Deno.test("listenAddress() does take what people write", () => {
  check<Address>(
    listenAddress,
    [
      [":443", tcp("::", 443)],
      ["localhost:80", tcp("localhost", 80)],
      ["0.0.0.0:3128", tcp("0.0.0.0", 3128)],
      ["[::]:443", tcp("::", 443)],
      ["127.0.0.1:0", tcp("127.0.0.1", 0)],
      ["unix:/run/mtg.sock", { kind: "unix", path: "/run/mtg.sock" }],
      ["unix:mtg.sock", { kind: "unix", path: "mtg.sock" }],
    ],
    ["", "443", 443, "0.0.0.0", "::443", "*:443", "unix:", "/run/mtg.sock", ":99999", "tcp://0.0.0.0:1", undefined, {}],
    'expected where to listen such as "0.0.0.0:3128", "[::]:443", ":443" or "unix:/run/mtg/mtg.sock"',
  );
});

Deno.test("listenAddresses() does refuse one that another takes in", () => {
  const covered = "expected an address that another one does not cover already";
  const refused: readonly (readonly [readonly string[], number])[] = [
    [["0.0.0.0:1", "127.0.0.1:1"], 1],
    [["[::1]:1", ":1"], 0],
    [["unix:a.sock", "192.0.2.1:1", "[::]:1"], 1],
  ];
  for (const [raw, index] of refused) {
    assertEquals(listenAddresses(raw), { ok: false, expected: covered, at: [index] }, String(raw));
  }
  const fine = [
    ["0.0.0.0:1", "[::]:1"],
    ["0.0.0.0:1", "[::1]:1"],
    ["0.0.0.0:1", "127.0.0.1:2"],
    ["0.0.0.0:0", "127.0.0.1:0"],
    ["127.0.0.1:1", "127.0.0.2:1", "[::1]:1"],
  ];
  for (const raw of fine) assertEquals(listenAddresses(raw).ok, true, String(raw));
});

Deno.test("addresses() does take one or several different ones", () => {
  const parser = addresses(listenAddress);
  assertEquals(parser(":1"), { ok: true, value: [tcp("::", 1)] });
  assertEquals(parser([":1", "127.0.0.1:1"]), { ok: true, value: [tcp("::", 1), tcp("127.0.0.1", 1)] });
  assertEquals(parser(["127.0.0.1:0", "127.0.0.1:0"]).ok, true);
  assertEquals(parser([]), { ok: false, expected: "expected at least one address" });
  assertEquals(parser([":1", "[0::0]:1"]), { ok: false, expected: "expected each address only once", at: [1] });
  const wrong = parser([":1", "x"]);
  assertEquals(wrong.ok ? undefined : wrong.at, [1]);
});
