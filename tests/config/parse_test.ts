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
    'config.toml:2:27: bind-to[1] = "localhost": expected where to listen such as "0.0.0.0:3128", "[::]:443", ":443" or "unix:/run/mtg.sock"',
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

const secretForms = "expected 32 hex digits (simple), dd and 32 hex digits (secured), " +
  "or ee, 32 hex digits and a host (fake TLS), as hex or base64";
const listenForms = 'expected where to listen such as "0.0.0.0:3128", "[::]:443", ":443" or "unix:/run/mtg.sock"';
const durationForms = 'expected a duration such as "10s" or "1m30s"';
const sizeForms = 'expected a size with its unit such as "512kib" or "1mib"';

/** A line that replaces the one of the same key in a good configuration, or follows it, and the message about it. */
const singleMistakes: readonly (readonly [string, string])[] = [
  ['secret = ""', 'secret is missing: make one with "mtg generate-secret www.example.com"'],
  ['secret = "paste it here"', `secret = (hidden): cannot decode the secret: ${secretForms}`],
  [`secret = "ee${hex}"`, `secret = (hidden): cannot use the secret: it has 17 bytes, ${secretForms}`],
  [
    `secret = "ee${hex}${hex}"`,
    "secret = (hidden): cannot use what it holds as host of a secret: expected a DNS name like example.com",
  ],
  ["secret = 7", "secret = (hidden): expected a text in quotes"],
  ['bind-to = ""', 'bind-to is missing: say where to listen, such as "0.0.0.0:3128"'],
  ["bind-to = 443", `bind-to = 443: ${listenForms}`],
  ['bind-to = "443"', `bind-to = "443": ${listenForms}`],
  ['bind-to = "*:443"', `bind-to = "*:443": ${listenForms}`],
  ["bind-to = []", "bind-to = []: expected at least one address"],
  ["concurrency = 1_000_001", "concurrency = 1000001: expected a whole number from 1 to 1000000"],
  ["concurrency = 10.5", "concurrency = 10.5: expected a whole number from 1 to 1000000"],
  ["stranger-concurrency = 0", "stranger-concurrency = 0: expected a whole number from 1 to 1000000"],
  ['network.largest-buffer = "1kib"', 'network.largest-buffer = "1kib": expected a size from "4kib" to "256kib"'],
  ['network.largest-buffer = "1mib"', 'network.largest-buffer = "1mib": expected a size of at most "256kib"'],
  ["debug = 1", "debug = 1: expected true or false"],
  ['debug = "yes"', 'debug = "yes": expected true or false'],
  ['log-level = "verbose"', 'log-level = "verbose": expected one of debug, info, warning, error'],
  [
    'public-host = "https://example.com"',
    'public-host = "https://example.com": expected a host name such as "proxy.example.com", or an IP address',
  ],
  [
    'public-ipv6 = "[::1]"',
    'public-ipv6 = "[::1]": expected an IPv6 address without brackets such as "2001:db8::7"',
  ],
  ["public-port = 0", "public-port = 0: expected a port, which is a number from 1 to 65535"],
  ["grace = 5", `grace = 5: ${durationForms}`],
  ['grace = "-5s"', `grace = "-5s": ${durationForms}`],
  ['grace = "1d"', `grace = "1d": ${durationForms}`],
  ['grace = "1000h"', 'grace = "1000h": expected a duration of at most "576h"'],
  ["grace = 1979-05-27", `grace = "1979-05-27": ${durationForms}`],
  [
    'domain-fronting.port = "https"',
    'domain-fronting.port = "https": expected a port, which is a number from 1 to 65535',
  ],
  [
    'domain-fronting.ip = "example.com"',
    'domain-fronting.ip = "example.com": expected an IP address such as "203.0.113.7" or "2001:db8::7" (without brackets)',
  ],
  ["defense.anti-replay.max-size = 1024", `defense.anti-replay.max-size = 1024: ${sizeForms}`],
  ['defense.anti-replay.max-size = "1m"', `defense.anti-replay.max-size = "1m": ${sizeForms}`],
  [
    'defense.anti-replay.max-size = "2gib"',
    'defense.anti-replay.max-size = "2gib": expected a size of at most "1gib"',
  ],
  [
    "defense.anti-replay.error-rate = 1",
    "defense.anti-replay.error-rate = 1: expected a number between 0 and 1 such as 0.001 (a probability, not a percentage)",
  ],
  ["network = 5", "network = 5: expected a table, with keys such as dns"],
  ["domain-fronting-prot = 443", "unknown key domain-fronting-prot: the nearest known one is domain-fronting.port"],
  [
    "domain-fronting-port = 0",
    "domain-fronting-port = 0: expected a port, which is a number from 1 to 65535",
  ],
  [
    `dc-overrides.ee${hex} = "127.0.0.1:1"`,
    'dc-overrides.(hidden): expected the number of a data centre such as "2", "-2" (media) or "10002" (test)',
  ],
  ["bindto = 5", "unknown key bindto: the nearest known one is bind-to"],
  [`${hex} = 1`, "unknown key (hidden): the nearest known one is stats.statsd.address"],
  [
    'dc-overrides.0 = "127.0.0.1:1"',
    'dc-overrides.0: expected the number of a data centre such as "2", "-2" (media) or "10002" (test)',
  ],
  ['dc-overrides = "127.0.0.1:1"', 'dc-overrides = "127.0.0.1:1": expected a table, [dc-overrides]'],
];

Deno.test("parseConfig() does say what is wrong with a value, where, and what is right", () => {
  for (const [line, message] of singleMistakes) {
    const key = line.split(" ")[0] ?? "";
    const kept = least.split("\n").filter((other) => other !== "" && !other.startsWith(`${key} `));
    const error = errorOf([...kept, line].join("\n"));
    const place = `config.toml:${kept.length + 1}:1`;
    assertEquals(error.message, `${place}: ${message}`);
    assertEquals([error.line, error.column], [kept.length + 1, 1]);
    assertEquals(error.message.includes(hex), false);
  }
});

const quotesHint = '(text stands in quotes, as in grace = "5s")';

Deno.test("parseConfig() does place mistakes of syntax, and quotes nothing of the text", () => {
  const cases: readonly (readonly [string, string])[] = [
    [`secret = ${hex}`, `config.toml:1:10: not TOML: illegal leading zero ${quotesHint}`],
    [`secret = ee${hex}`, `config.toml:1:10: not TOML: invalid value ${quotesHint}`],
    [`secret = "${hex}`, "config.toml:1:10: not TOML: unfinished string"],
    [`secret: "${hex}"`, "config.toml:1:7: not TOML: illegal character in key"],
    [
      `secret = "${hex}" bind-to = ":1"`,
      `config.toml:1:45: not TOML: each key-value declaration must be followed by an end-of-line ${quotesHint}`,
    ],
    [`${least}bind-to = ":2"`, "config.toml:3:1: not TOML: trying to redefine an already defined table or value"],
    [`${least}[network.timeout`, "config.toml:3:2: not TOML: incomplete key-value: cannot find end of key"],
    [`${least}grace = 5s`, `config.toml:3:10: not TOML: illegal character in numeric literal ${quotesHint}`],
    [`secret = "${hex}"\nbind-to = :443`, `config.toml:2:11: not TOML: invalid value ${quotesHint}`],
    [`${least}debug = yes`, `config.toml:3:9: not TOML: invalid value ${quotesHint}`],
  ];
  for (const [text, message] of cases) {
    const error = errorOf(text);
    assertEquals(error.message, message);
    assertEquals(error.path, "");
  }
});

Deno.test("parseConfig() does ask for what must be given when the file is empty", () => {
  assertEquals(errorOf("").message.split("\n"), [
    'config.toml: secret is missing: make one with "mtg generate-secret www.example.com"',
    'config.toml: bind-to is missing: say where to listen, such as "0.0.0.0:3128"',
  ]);
});
