import { assert, assertEquals, assertThrows } from "@std/assert";
import type { DnsServer, SocksProxy, Uplink } from "../../lib/config/config.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { dnsServer, uplink } from "../../lib/config/uri_values.ts";
import { ConfigError } from "../../lib/errors.ts";

const udp = (host: string, port: number): DnsServer => ({ kind: "udp", host, port });
const tls = (host: string, port: number): DnsServer => ({ kind: "tls", host, port });
const https = (url: string): DnsServer => ({ kind: "https", url });

const servers: readonly (readonly [string, DnsServer])[] = [
  ["1.1.1.1", udp("1.1.1.1", 53)],
  [" 1.1.1.1 ", udp("1.1.1.1", 53)],
  ["2606:4700::1111", udp("2606:4700::1111", 53)],
  ["1.1.1.1:5353", udp("1.1.1.1", 5353)],
  ["[2606:4700::1111]:5353", udp("2606:4700::1111", 5353)],
  ["udp://1.1.1.1", udp("1.1.1.1", 53)],
  ["udp://1.1.1.1/", udp("1.1.1.1", 53)],
  ["udp://[2606:4700:0::1111]:5353", udp("2606:4700::1111", 5353)],
  ["tls://1.1.1.1", tls("1.1.1.1", 853)],
  ["TLS://DNS.example.com:8853", tls("dns.example.com", 8853)],
  ["tls://[2606:4700::1111]", tls("2606:4700::1111", 853)],
  ["https://1.1.1.1", https("https://1.1.1.1/dns-query")],
  ["https://dns.example.com/", https("https://dns.example.com/dns-query")],
  ["https://[2606:4700::1111]:8443/q?a=b", https("https://[2606:4700::1111]:8443/q?a=b")],
  // `URL` would lose this port.
  ["https://dns.example.com:443/q", https("https://dns.example.com:443/q")],
];

for (const [raw, value] of servers) {
  Deno.test(`dnsServer() does take ${JSON.stringify(raw)}`, () => assertEquals(dnsServer(raw), { ok: true, value }));
}

const dnsExpected =
  'expected a DNS server such as "https://1.1.1.1", "tls://dns.example.com", "udp://1.1.1.1" or "1.1.1.1"';

Deno.test("dnsServer() does say what would be right, and what is wrong if it can tell", () => {
  const table: readonly (readonly [unknown, string])[] = [
    ["", ""],
    [53, ""],
    [["1.1.1.1"], ""],
    ["1.1.1.256", ""],
    ["dns.example.com", ": with udp the server must be an IP address"],
    ["udp://dns.example.com:53", ": with udp the server must be an IP address"],
    ["udp://1.1.1.1/x", ": a path is only for https"],
    ["tls://1.1.1.1/dns-query", ": a path is only for https"],
    ["tls://1.1.1.1?x", ": a path is only for https"],
    ["ftp://1.1.1.1", ""],
    ["tcp://1.1.1.1", ""],
    ["udp://", ""],
    ["udp://1.1.1.1:0", ""],
    ["udp://1.1.1.1:65536", ""],
    ["udp://::1", ""],
    ["udp://[1.1.1.1]", ""],
    ["tls://anna:geheim@1.1.1.1", ""],
    ["https://anna@dns.example.com", ""],
    ["https://dns.example.com/#x", ""],
    ["https://dns.example.com/ x", ""],
    ["https:dns.example.com", ""],
  ];
  for (const [raw, more] of table) {
    assertEquals(dnsServer(raw), { ok: false, expected: dnsExpected + more }, JSON.stringify(raw));
  }
});

const breaker = { openThreshold: 5, halfOpenTimeoutMs: 60_000, resetFailuresTimeoutMs: 10_000 };

function proxy(host: string, port: number, more: Partial<SocksProxy> = {}): SocksProxy {
  return {
    kind: "socks5",
    address: { kind: "tcp", host, port },
    credentials: undefined,
    remoteDns: false,
    breaker,
    ...more,
  };
}

const anna = { credentials: { user: "anna", password: "geheim" } };

const uplinks: readonly (readonly [string, Uplink])[] = [
  ["", { kind: "direct" }],
  ["  ", { kind: "direct" }],
  ["socks5://203.0.113.9", proxy("203.0.113.9", 1080)],
  ["socks5://203.0.113.9:1081/", proxy("203.0.113.9", 1081)],
  [" SOCKS5://Proxy.Example.com ", proxy("proxy.example.com", 1080)],
  ["socks5h://proxy.example.com", proxy("proxy.example.com", 1080, { remoteDns: true })],
  ["socks5://[2001:db8::7]", proxy("2001:db8::7", 1080)],
  ["socks5://[2001:DB8:0::7]:9", proxy("2001:db8::7", 9)],
  ["socks5://anna:geheim@h", proxy("h", 1080, anna)],
  ["socks5h://anna:geheim@[::1]:9", proxy("::1", 9, { ...anna, remoteDns: true })],
  ["socks5://Anna@h", proxy("h", 1080, { credentials: { user: "Anna", password: "" } })],
  ["socks5://a:b:c@h", proxy("h", 1080, { credentials: { user: "a", password: "b:c" } })],
  ["socks5://a%3A%40:%2F%3F%23%25%20@h", proxy("h", 1080, { credentials: { user: "a:@", password: "/?#% " } })],
  ["socks5://%C3%A9:+@h", proxy("h", 1080, { credentials: { user: "é", password: "+" } })],
  [
    `socks5://${"u".repeat(255)}:${"p".repeat(255)}@h`,
    proxy("h", 1080, {
      credentials: { user: "u".repeat(255), password: "p".repeat(255) },
    }),
  ],
  ["socks5://h?open_threshold=1", proxy("h", 1080, { breaker: { ...breaker, openThreshold: 1 } })],
  [
    "socks5://h:9/?reset_failures_timeout=1m30s&half_open_timeout=500ms&open_threshold=1000000",
    proxy("h", 9, { breaker: { openThreshold: 1_000_000, halfOpenTimeoutMs: 500, resetFailuresTimeoutMs: 90_000 } }),
  ],
];

for (const [raw, value] of uplinks) {
  Deno.test(`uplink() does take ${JSON.stringify(raw.slice(0, 90))}`, () => {
    assertEquals(uplink(raw), { ok: true, value });
  });
}

const proxyExpected =
  'expected a SOCKS5 proxy such as "socks5://user:password@203.0.113.9:1080", or "" for the direct way';
const escapesExpected = `${proxyExpected}; in user and password "%40" stands for "@", "%3A" for ":", "%2F" for "/", ` +
  '"%3F" for "?", "%23" for "#", "%25" for "%" and "%20" for a space';
const parametersExpected =
  "expected none but open_threshold, half_open_timeout and reset_failures_timeout after the question mark";
const lengthExpected = "expected user and password of at most 255 bytes each";

/** Each has the password "geheim", or a part of it, if it has any. */
const wrong: readonly (readonly [unknown, string])[] = [
  [undefined, proxyExpected],
  [1080, proxyExpected],
  [{ url: "socks5://anna:geheim@h" }, proxyExpected],
  [["socks5://anna:geheim@h"], proxyExpected],
  ["203.0.113.9:1080", proxyExpected],
  ["socks://h", proxyExpected],
  ["socks4://h", proxyExpected],
  ["http://anna:geheim@h:8080", proxyExpected],
  ["socks5:anna:geheim@h", proxyExpected],
  ["anna:geheim@h", proxyExpected],
  ["socks5://", proxyExpected],
  ["socks5://anna:geheim@", proxyExpected],
  ["socks5://anna:geheim", proxyExpected],
  ["socks5:// h:1", proxyExpected],
  ["socks5://1.2.3", proxyExpected],
  ["socks5://2001:db8::7", proxyExpected],
  ["socks5://[h]", proxyExpected],
  ["socks5://anna:geheim@h:0", proxyExpected],
  ["socks5://anna:geheim@h:65536", proxyExpected],
  ["socks5://anna:geheim@h:", proxyExpected],
  ["socks5://anna:geheim@h/path", proxyExpected],
  ["socks5://anna:geheim@h#x", proxyExpected],
  ["socks5://anna:ge/geheim@h", escapesExpected],
  ["socks5://anna:ge@geheim@h", escapesExpected],
  ["socks5://anna:ge?geheim@h", escapesExpected],
  ["socks5://anna:ge#geheim@h", escapesExpected],
  ["socks5://anna:ge geheim@h", escapesExpected],
  ["socks5h://anna:ge%geheim@h", escapesExpected],
  ["socks5://anna:%ffgeheim@h", proxyExpected],
  ["socks5://:geheim@h", "expected a user before the password"],
  ["socks5://@h", "expected a user before the password"],
  [`socks5://${"u".repeat(256)}:geheim@h`, lengthExpected],
  [`socks5://u:geheim${"%C3%A9".repeat(125)}@h`, lengthExpected],
  ["socks5://anna:geheim@h?threshold=5", parametersExpected],
  ["socks5://anna:geheim@h?open_threshold=5&x", parametersExpected],
  ["socks5://anna:geheim@h?constructor=5", parametersExpected],
  ["socks5://anna:geheim@h?open_threshold=0", "open_threshold: expected a whole number from 1 to 1000000"],
  ["socks5://anna:geheim@h?open_threshold=1.5", "open_threshold: expected a whole number from 1 to 1000000"],
  ["socks5://anna:geheim@h?open_threshold=", "open_threshold: expected a whole number from 1 to 1000000"],
  ["socks5://h?half_open_timeout=5", 'half_open_timeout: expected a duration such as "10s" or "1m30s"'],
  ["socks5://h?half_open_timeout=0s", "half_open_timeout: expected more than zero"],
  ["socks5://h?reset_failures_timeout=0", "reset_failures_timeout: expected more than zero"],
  ["socks5://h?reset_failures_timeout=-1s", 'reset_failures_timeout: expected a duration such as "10s" or "1m30s"'],
  ["socks5://h?reset_failures_timeout=577h", 'reset_failures_timeout: expected a duration of at most "576h"'],
];

Deno.test("uplink() does say what would be right", () => {
  for (const [raw, expected] of wrong) assertEquals(uplink(raw), { ok: false, expected }, JSON.stringify(raw));
});

function parseProxies(toml: string) {
  const start = 'secret = "dd00112233445566778899aabbccddeeff"\nbind-to = "127.0.0.1:1"\n[network]\n';
  return parseConfig(`${start}proxies = ${toml}`, { file: "config.toml" }).network.uplinks;
}

Deno.test("parseConfig() does take several proxies, one, and none", () => {
  assertEquals(parseProxies('["socks5://a", "", "socks5://a"]'), [
    proxy("a", 1080),
    { kind: "direct" },
    proxy("a", 1080),
  ]);
  assertEquals(parseProxies('"socks5://a"'), [proxy("a", 1080)]);
  assertEquals([parseProxies("[]"), parseProxies('""'), parseProxies('[""]')], [[], [], [{ kind: "direct" }]]);
});

Deno.test("parseConfig() does name the wrong proxy among several, and shows its host", () => {
  const error = assertThrows(() => parseProxies('["", "socks5://anna:geheim@h:1080/x"]'), ConfigError);
  assertEquals(
    error.message,
    `config.toml:4:16: network.proxies[1] = "socks5://(hidden)@h:1080/x": ${proxyExpected}`,
  );
});

Deno.test("parseConfig() does never show a password, however wrong the proxy is", () => {
  for (const [raw, expected] of wrong) {
    if (typeof raw !== "string") continue;
    for (
      const toml of [
        JSON.stringify(raw),
        JSON.stringify([raw]),
        JSON.stringify([[raw]]),
        `{ a = ${JSON.stringify(raw)} }`,
      ]
    ) {
      const error = assertThrows(() => parseProxies(toml), ConfigError);
      assert(!error.message.includes("geheim"), error.message);
      if (!toml.startsWith("{") && !toml.startsWith("[[")) assert(error.message.includes(expected), error.message);
    }
  }
  assert(!assertThrows(() => parseProxies('"socks5://anna:geheim@h'), ConfigError).message.includes("geheim"));
});
