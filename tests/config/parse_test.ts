import { assertEquals, assertThrows } from "@std/assert";
import type { Config } from "../../lib/config/config.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { ConfigError } from "../../lib/errors.ts";

const hex = "00112233445566778899aabbccddeeff";
const least = `secret = "${hex}"\nbind-to = ":3128"\n`;

function fixture(name: string): string {
  return Deno.readTextFileSync(new URL(`../fixtures/config/${name}`, import.meta.url));
}

function parse(text: string): Config {
  return parseConfig(text, { file: "config.toml" });
}

function errorOf(text: string): ConfigError {
  return assertThrows(() => parse(text), ConfigError);
}

Deno.test("parseConfig() does give every default", () => {
  const { secret, ...rest } = parse(least);
  assertEquals([secret.kind, secret.key.toHex()], ["simple", hex]);
  assertEquals(rest, {
    bindTo: [{ kind: "tcp", host: "::", port: 3128 }],
    concurrency: 8192,
    strangerConcurrency: 8192,
    workers: "auto",
    isolate: false,
    preferIp: "prefer-ipv6",
    debug: false,
    logLevel: "info",
    publicIpv4: undefined,
    publicIpv6: undefined,
    publicHost: undefined,
    publicPort: undefined,
    tolerateTimeSkewnessMs: 120_000,
    allowFallbackOnUnknownDc: false,
    proxyProtocolListener: false,
    proxyProtocolTrusted: ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
    autoUpdate: false,
    watchConfig: false,
    ntpServers: ["0.pool.ntp.org", "time.cloudflare.com"],
    graceMs: 5000,
    telegram: { fastMode: true },
    state: { directory: "mtg-data" },
    domainFronting: { host: undefined, unixPath: undefined, ip: undefined, port: 443, proxyProtocol: false },
    network: {
      dns: undefined,
      uplinks: [],
      largestBufferBytes: 262_144,
      keepAlive: true,
      timeout: { tcpMs: 10_000, httpMs: 10_000, handshakeMs: 10_000, idleMs: 300_000 },
    },
    defense: { antiReplay: { enabled: true, maxSizeBytes: 1_048_576, errorRate: 0.001 } },
    dcOverrides: new Map(),
  });
});

Deno.test("parseConfig() does read every key", () => {
  const { secret, ...rest } = parse(fixture("full.toml"));
  assertEquals([secret.kind, secret.host], ["tls", "www3.example.com"]);
  assertEquals(rest, {
    bindTo: [
      { kind: "tcp", host: "127.0.0.1", port: 8443 },
      { kind: "tcp", host: "::1", port: 8443 },
      { kind: "unix", path: "/run/mtg.sock" },
    ],
    concurrency: 1_000_000,
    strangerConcurrency: 999,
    workers: 3,
    isolate: true,
    preferIp: "only-ipv4",
    debug: false,
    logLevel: "warning",
    publicIpv4: "203.0.113.7",
    publicIpv6: "2001:db8::7",
    publicHost: "proxy.example.com",
    publicPort: 443,
    tolerateTimeSkewnessMs: 30_000,
    allowFallbackOnUnknownDc: true,
    proxyProtocolListener: true,
    proxyProtocolTrusted: ["192.0.2.7/32"],
    autoUpdate: true,
    watchConfig: true,
    ntpServers: ["ntp.example.com", "192.0.2.123"],
    graceMs: 0,
    telegram: { fastMode: false },
    state: { directory: "mtg-data/proxy" },
    domainFronting: {
      host: "www.example.net",
      unixPath: undefined,
      ip: "203.0.113.80",
      port: 8443,
      proxyProtocol: true,
    },
    network: {
      dns: { kind: "tls", host: "dns.example.com", port: 853 },
      uplinks: [
        {
          kind: "socks5",
          address: { kind: "tcp", host: "proxy.example.com", port: 1081 },
          credentials: { user: "user", password: "pass word" },
          remoteDns: true,
          breaker: { openThreshold: 3, halfOpenTimeoutMs: 60_000, resetFailuresTimeoutMs: 10_000 },
        },
        { kind: "direct" },
      ],
      largestBufferBytes: 65_536,
      keepAlive: false,
      timeout: { tcpMs: 90_000, httpMs: 20_000, handshakeMs: 2500, idleMs: 3_600_000 },
    },
    defense: { antiReplay: { enabled: false, maxSizeBytes: 1_572_864, errorRate: 0.01 } },
    dcOverrides: new Map([
      [203, [{ kind: "tcp", host: "127.0.0.1", port: 8445 }]],
      [2, [{ kind: "tcp", host: "127.0.0.1", port: 8443 }, { kind: "tcp", host: "::1", port: 8443 }]],
      [-2, [{ kind: "tcp", host: "127.0.0.1", port: 8444 }]],
    ]),
  });
});

Deno.test("parseConfig() does log everything when debug is on", () => {
  assertEquals(parse(`${least}debug = true\nlog-level = "error"`).logLevel, "debug");
});

Deno.test("parseConfig() does take zero for the default, but for grace and the replay filter", () => {
  const config = parse(`${least}
    tolerate-time-skewness = "0s"
    grace = "0s"
    network.timeout = { tcp = "0", http = 0, handshake = 0, idle = "0h" }
    defense.anti-replay.max-size = 0
  `);
  assertEquals(config.tolerateTimeSkewnessMs, 120_000);
  assertEquals(config.graceMs, 0);
  assertEquals(config.network.timeout, { tcpMs: 10_000, httpMs: 10_000, handshakeMs: 10_000, idleMs: 300_000 });
  assertEquals(config.defense.antiReplay.maxSizeBytes, 0);
});

Deno.test("parseConfig() does take an empty text for a key that is left out", () => {
  const config = parse(`${least}public-host = ""\nlog-level = ""\n`);
  assertEquals([config.publicHost, config.logLevel], [undefined, "info"]);
});

Deno.test("parseConfig() does name all mistakes with their places", () => {
  const error = errorOf(fixture("mistakes.toml"));
  assertEquals(error.message.split("\n"), [
    'config.toml: secret is missing: make one with "mtg generate-secret www.example.com"',
    "config.toml:1:1: unknown key secert: the nearest known one is secret",
    'config.toml:2:27: bind-to[1] = "localhost": expected where to listen such as "0.0.0.0:3128", "[::]:443", ":443" or "unix:/run/mtg/mtg.sock"',
    "config.toml:3:1: concurrency = 0: expected a whole number from 1 to 1000000",
    'config.toml:4:1: prefer-ip = "ipv4": expected one of prefer-ipv4, prefer-ipv6, only-ipv4, only-ipv6',
    'config.toml:5:1: public-host = "(hidden)": expected a host name such as "proxy.example.com", or an IP address',
    'config.toml:6:1: public-ipv4 = "2001:db8::7": expected an IPv4 address such as "203.0.113.7"',
    'config.toml:7:1: unknown key "network.timeout.tcp": the nearest known one is network.timeout.tcp (without the quotes)',
    "config.toml:10:1: unknown key network.tcp: the nearest known one is network.timeout.tcp",
    'config.toml:11:13: network.timeout.tcp = "5x": expected a duration such as "10s" or "1m30s"',
    'config.toml:11:25: network.timeout.idle = 5: expected a duration such as "10s" or "1m30s"',
    "config.toml:14:1: defense.anti-replay = true: expected a table, with keys such as enabled",
    "config.toml:17:1: unknown key domain-fronting.concurrency: the nearest known one is concurrency",
    "config.toml:19:1: unknown key statistics: the nearest known one is stats",
    'config.toml:23:1: dc-overrides.two: expected the number of a data centre such as "2", "-2" (media) or "10002" (test)',
    'config.toml:24:22: dc-overrides.2[1] = "example.com:80": expected an IP address and a port such as "203.0.113.7:443" or "[2001:db8::7]:443"',
    'config.toml:25:22: dc-overrides.4[1] = "127.0.0.1:80": expected each address only once',
  ]);
  assertEquals([error.path, error.file, error.line], ["secret", "config.toml", undefined]);
});

Deno.test("parseConfig() does ask for what must be given when the file is empty", () => {
  assertEquals(errorOf("").message.split("\n"), [
    'config.toml: secret is missing: make one with "mtg generate-secret www.example.com"',
    'config.toml: bind-to is missing: say where to listen, such as "0.0.0.0:3128"',
  ]);
});
