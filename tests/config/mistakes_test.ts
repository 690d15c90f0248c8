/** What a wrong file is told: each message names the key, what is wrong, and what would be right. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseConfig } from "../../lib/config/parse.ts";
import { ConfigError } from "../../lib/errors.ts";

const hex = "00112233445566778899aabbccddeeff";
const password = "hunter2";
const least = `secret = "${hex}"\nbind-to = ":3128"\n`;

function errorOf(text: string): ConfigError {
  return assertThrows(() => parseConfig(text, { file: "config.toml" }), ConfigError);
}

const secretForms = "expected 32 hex digits (simple), dd and 32 hex digits (secured), " +
  "or ee, 32 hex digits and a host (fake TLS), as hex or base64";
const listenForms = 'expected where to listen such as "0.0.0.0:3128", "[::]:443", ":443" or "unix:/run/mtg/mtg.sock"';
const durationForms = 'expected a duration such as "10s" or "1m30s"';
const sizeForms = 'expected a size with its unit such as "512kib" or "1mib"';
const portForms = "expected a port, which is a number from 1 to 65535";
const ipForms = 'expected an IP address such as "203.0.113.7" or "2001:db8::7" (without brackets)';
const ipAndPortForms = 'expected an IP address and a port such as "203.0.113.7:443" or "[2001:db8::7]:443"';
const hostForms = 'expected a host name such as "proxy.example.com", or an IP address';
const networkForms = 'expected a network such as "10.0.0.0/8" or "2001:db8::/32", or an IP address';
const dnsForms =
  'expected a DNS server such as "https://1.1.1.1", "tls://dns.example.com", "udp://1.1.1.1" or "1.1.1.1"';
const proxyForms =
  'expected a SOCKS5 proxy such as "socks5://user:password@203.0.113.9:1080", or "" for the direct way';
const dcForms = 'expected the number of a data centre such as "2", "-2" (media) or "10002" (test)';
const writableForms = "mtg may write files and use sockets in mtg-data, /var/lib/mtg, /data and /run/mtg only";
const quotes = '(text stands in quotes, as in grace = "5s")';

/** A line that replaces the one of the same key in a good configuration, or follows it, and the message about it. */
const wrongValues: readonly (readonly [string, string])[] = [
  ['secret = ""', 'secret is missing: make one with "mtg generate-secret www.example.com"'],
  ['secret = "paste it here"', `secret = (hidden): cannot decode the secret: ${secretForms}`],
  [`secret = "ee${hex}"`, `secret = (hidden): cannot use the secret: it has 17 bytes, ${secretForms}`],
  [`secret = "${hex.slice(2)}"`, `secret = (hidden): cannot use the secret: it has 15 bytes, ${secretForms}`],
  [
    `secret = "ee${hex}${hex}"`,
    "secret = (hidden): cannot use what it holds as host of a secret: expected a DNS name like example.com",
  ],
  ["secret = 7", "secret = (hidden): expected a text in quotes"],
  ['bind-to = ""', 'bind-to is missing: say where to listen, such as "0.0.0.0:3128"'],
  ["bind-to = 443", `bind-to = 443: ${listenForms}`],
  ['bind-to = "443"', `bind-to = "443": ${listenForms}`],
  ['bind-to = "*:443"', `bind-to = "*:443": ${listenForms}`],
  ['bind-to = "0.0.0.0:65536"', `bind-to = "0.0.0.0:65536": ${listenForms}`],
  ["bind-to = []", "bind-to = []: expected at least one address"],
  ["concurrency = 0", "concurrency = 0: expected a whole number from 1 to 1000000"],
  ["concurrency = 1_000_001", "concurrency = 1000001: expected a whole number from 1 to 1000000"],
  ["concurrency = 10.5", "concurrency = 10.5: expected a whole number from 1 to 1000000"],
  ["stranger-concurrency = 0", "stranger-concurrency = 0: expected a whole number from 1 to 1000000"],
  ["workers = 257", 'workers = 257: expected "auto" or a whole number from 1 to 256'],
  ['state.directory = "/srv/mtg"', `state.directory = "/srv/mtg": ${writableForms}`],
  ['state.directory = "data"', `state.directory = "data": ${writableForms}`],
  ['state.directory = "/database"', `state.directory = "/database": ${writableForms}`],
  ['state.directory = "/data/../etc"', `state.directory = "/data/../etc": ${writableForms}`],
  ["state.directory = true", "state.directory = true: expected a text in quotes"],
  ["debug = 1", "debug = 1: expected true or false"],
  ['debug = "yes"', 'debug = "yes": expected true or false'],
  ['prefer-ip = "ipv4"', 'prefer-ip = "ipv4": expected one of prefer-ipv4, prefer-ipv6, only-ipv4, only-ipv6'],
  ['log-level = "verbose"', 'log-level = "verbose": expected one of debug, info, warning, error'],
  ['public-host = "https://example.com"', `public-host = "https://example.com": ${hostForms}`],
  [
    'public-ipv4 = "2001:db8::7"',
    'public-ipv4 = "2001:db8::7": expected an IPv4 address such as "203.0.113.7"',
  ],
  [
    'public-ipv6 = "[::1]"',
    'public-ipv6 = "[::1]": expected an IPv6 address without brackets such as "2001:db8::7"',
  ],
  ["public-port = 0", `public-port = 0: ${portForms}`],
  ["public-port = 65536", `public-port = 65536: ${portForms}`],
  ['domain-fronting.port = "https"', `domain-fronting.port = "https": ${portForms}`],
  ['domain-fronting.ip = "example.com"', `domain-fronting.ip = "example.com": ${ipForms}`],
  [
    'domain-fronting.host = "unix:"',
    'domain-fronting.host = "unix:": expected a host name such as "www.example.com", an IP address or "unix:/run/mtg/site.sock"',
  ],
  ["domain-fronting-port = 0", `domain-fronting-port = 0: ${portForms}`],
  ['domain-fronting-ip = "[::1]"', `domain-fronting-ip = "[::1]": ${ipForms}`],
  ['network.doh-ip = "https://1.1.1.1"', `network.doh-ip = "https://1.1.1.1": ${ipForms}`],
  ["grace = 5", `grace = 5: ${durationForms}`],
  ['grace = "5"', `grace = "5": ${durationForms}`],
  ['grace = "-5s"', `grace = "-5s": ${durationForms}`],
  ['grace = "1d"', `grace = "1d": ${durationForms}`],
  ['grace = "1000h"', 'grace = "1000h": expected a duration of at most "576h"'],
  ["grace = 1979-05-27", `grace = "1979-05-27": ${durationForms}`],
  ['network.keep-alive.idle = "15"', `network.keep-alive.idle = "15": ${durationForms}`],
  ["network.keep-alive.count = -1", "network.keep-alive.count = -1: expected a whole number from 0 to 65535"],
  ['network.largest-buffer = "1kib"', 'network.largest-buffer = "1kib": expected a size from "4kib" to "256kib"'],
  ['network.largest-buffer = "1mib"', 'network.largest-buffer = "1mib": expected a size of at most "256kib"'],
  ["defense.anti-replay.max-size = 1024", `defense.anti-replay.max-size = 1024: ${sizeForms}`],
  ['defense.anti-replay.max-size = "1m"', `defense.anti-replay.max-size = "1m": ${sizeForms}`],
  ['defense.anti-replay.max-size = "2gib"', 'defense.anti-replay.max-size = "2gib": expected a size of at most "1gib"'],
  [
    "defense.anti-replay.error-rate = 1",
    "defense.anti-replay.error-rate = 1: expected a number between 0 and 1 such as 0.001 (a probability, not a percentage)",
  ],
  ['network.dns = "ftp://1.1.1.1"', `network.dns = "ftp://1.1.1.1": ${dnsForms}`],
  [
    'network.dns = "udp://dns.example.com"',
    `network.dns = "udp://dns.example.com": ${dnsForms}: with udp the server must be an IP address`,
  ],
  [
    `network.dns = "https://me:${password}@1.1.1.1"`,
    `network.dns = "https://(hidden)@1.1.1.1": ${dnsForms}`,
  ],
  [
    `network.proxies = "http://me:${password}@203.0.113.9:1080"`,
    `network.proxies = "http://(hidden)@203.0.113.9:1080": ${proxyForms}`,
  ],
  [
    `network.proxies = "me:${password}@203.0.113.9:1080"`,
    `network.proxies = "(hidden)@203.0.113.9:1080": ${proxyForms}`,
  ],
  ["proxy-protocol-trusted = '10.0.0.0/33'", `proxy-protocol-trusted = "10.0.0.0/33": ${networkForms}`],
  ["proxy-protocol-trusted = 'lan'", `proxy-protocol-trusted = "lan": ${networkForms}`],
  ["ntp-servers = 5", `ntp-servers = 5: ${hostForms}`],
  ["network = 5", "network = 5: expected a table, with keys such as dns"],
  ['dc-overrides = "127.0.0.1:1"', 'dc-overrides = "127.0.0.1:1": expected a table, [dc-overrides]'],
  ['dc-overrides.0 = "127.0.0.1:1"', `dc-overrides.0: ${dcForms}`],
  ['dc-overrides.2 = "example.com:443"', `dc-overrides.2 = "example.com:443": ${ipAndPortForms}`],
  [`dc-overrides.ee${hex} = "127.0.0.1:1"`, `dc-overrides.(hidden): ${dcForms}`],
  [
    'defense.doppelganger.urls = "http://example.com"',
    'defense.doppelganger.urls = "http://example.com": expected an address such as "https://www.example.com/page"',
  ],
  [
    'defense.blocklist.urls = "ftp://example.com"',
    'defense.blocklist.urls = "ftp://example.com": expected an address such as "https://example.com/list.netset", or a file',
  ],
  ['stats.statsd.address = "localhost:8125"', `stats.statsd.address = "localhost:8125": ${ipAndPortForms}`],
  [
    'stats.statsd.tag-format = "json"',
    'stats.statsd.tag-format = "json": expected one of datadog, influxdb, graphite',
  ],
  [
    'stats.prometheus.metric-prefix = "MTG-"',
    'stats.prometheus.metric-prefix = "MTG-": expected small letters, digits, "_" and "." such as "mtg"',
  ],
  ["stats.prometheus.http-path = 5", 'stats.prometheus.http-path = 5: expected a path such as "/"'],
  ["bindto = 5", "unknown key bindto: the nearest known one is bind-to"],
  ["Concurrency = 5", "unknown key Concurrency: the nearest known one is concurrency"],
  ["network.tcp = 5", "unknown key network.tcp: the nearest known one is network.timeout.tcp"],
  ["domain-fronting-prot = 443", "unknown key domain-fronting-prot: the nearest known one is domain-fronting.port"],
  [
    '"network.timeout.tcp" = "5s"',
    'unknown key "network.timeout.tcp": the nearest known one is network.timeout.tcp (without the quotes)',
  ],
  [`${hex} = 1`, "unknown key (hidden): the nearest known one is stats.statsd.address"],
];

Deno.test("parseConfig() does say what is wrong with a value, where, and what is right", () => {
  for (const [line, message] of wrongValues) {
    const key = line.split(" ")[0] ?? "";
    const kept = least.split("\n").filter((other) => other !== "" && !other.startsWith(`${key} `));
    const error = errorOf([...kept, line].join("\n"));
    assertEquals(error.message, `config.toml:${kept.length + 1}:1: ${message}`);
    assertEquals([error.line, error.column], [kept.length + 1, 1]);
    assertSecretive(error.message);
  }
});

/** A whole file, and all that is said about it. */
const wrongFiles: readonly (readonly [string, string])[] = [
  // No TOML.
  [`secret = ${hex}`, `config.toml:1:10: secret: expected a value ${quotes}`],
  [`secret = ee${hex}`, `config.toml:1:10: secret: expected a value ${quotes}`],
  [`secret = “${hex}”`, `config.toml:1:10: secret: expected a value ${quotes}`],
  [`${least}grace = 5s`, `config.toml:3:10: grace: expected a value ${quotes}`],
  [`${least}grace = 5 s`, `config.toml:3:11: grace: expected nothing more on this line ${quotes}`],
  [`secret = "${hex}"\nbind-to = :443`, `config.toml:2:11: bind-to: expected a value ${quotes}`],
  [`${least}public-ipv4 = 203.0.113.7`, `config.toml:3:20: public-ipv4: expected a value ${quotes}`],
  [`${least}debug = yes`, "config.toml:3:9: debug: expected true or false, in small letters"],
  [`${least}debug = True`, "config.toml:3:9: debug: expected true or false, in small letters"],
  [`${least}concurrency = 99999999999999999999`, "config.toml:3:15: concurrency: expected a smaller number"],
  [`secret = "${hex}`, "config.toml:1:10: secret: expected a quote at the end of the text"],
  [`secret = "${hex}\nbind-to = ":1"`, "config.toml:1:43: secret: expected a quote at the end of the text"],
  [`secret = "${hex}\r\nbind-to = ":1"`, "config.toml:1:43: secret: expected a quote at the end of the text"],
  [`${least}public-host = "a\u0001"`, "config.toml:3:17: public-host: expected no control character in the text"],
  [
    `${least}public-host = "C:\\users"`,
    "config.toml:3:20: public-host: expected two backslashes for one, or the text in single quotes",
  ],
  [
    `secret = "${hex}" bind-to = ":1"`,
    "config.toml:1:45: bind-to: expected one key on a line, so this one on the next",
  ],
  [
    `${least}[network.timeout] tcp = "5s"`,
    "config.toml:3:19: network.timeout.tcp: expected one key on a line, so this one on the next",
  ],
  [`${least}bind-to = ":2"`, "config.toml:3:1: bind-to is given a second time: expected it only once"],
  [
    `${least}[network]\ndns = "1.1.1.1"\ndns = "9.9.9.9"`,
    "config.toml:5:1: network.dns is given a second time: expected it only once",
  ],
  [
    `${least}[network]\ntimeout = { tcp = "5s", tcp = "6s" }`,
    "config.toml:4:25: network.timeout.tcp is given a second time: expected it only once",
  ],
  [
    `${least}[network]\nproxies = []\n[telegram]\n[network]\ndns = "1.1.1.1"`,
    "config.toml:6:2: [network] is given a second time: expected it only once, with all its keys",
  ],
  [
    `${least}network.timeout.tcp = "5s"\n[network.timeout]\nidle = "1m"`,
    "config.toml:4:2: [network.timeout] is given a second time: expected it only once, with all its keys",
  ],
  [
    `bind-to = [":1", ":2"\nsecret = "${hex}"`,
    "config.toml:2:1: bind-to: expected a comma between values, and a bracket at the end",
  ],
  ['bind-to = [":1" ":2"]', "config.toml:1:17: bind-to: expected a comma between values, and a bracket at the end"],
  ['bind-to = [":1",', "config.toml:1:11: bind-to: expected a comma between values, and a bracket at the end"],
  [
    `${least}[network.timeout`,
    "config.toml:3:2: [network.timeout: expected a name between brackets, as in [network.timeout]",
  ],
  [`${least}[]`, "config.toml:3:2: []: expected a name between brackets, as in [network.timeout]"],
  [`secret: "${hex}"`, 'config.toml:1:7: secret: expected a key, = and a value, as in grace = "5s"'],
  [`secret ${hex}`, 'config.toml:1:8: secret: expected a key, = and a value, as in grace = "5s"'],
  [hex, 'config.toml:1:1: (hidden): expected a key, = and a value, as in grace = "5s"'],
  [`= "${hex}"`, 'config.toml:1:1: this line: expected a key, = and a value, as in grace = "5s"'],
  ['network..dns = ""', 'config.toml:1:9: network..dns: expected a key, = and a value, as in grace = "5s"'],
  // TOML, and wrong.
  [
    "",
    'config.toml: secret is missing: make one with "mtg generate-secret www.example.com"\n' +
    'config.toml: bind-to is missing: say where to listen, such as "0.0.0.0:3128"',
  ],
  [
    `\uFEFF${least.replaceAll("\n", "\r\n")}\r\n[network]\r\ndnss = 1\r\n`,
    "config.toml:5:1: unknown key network.dnss: the nearest known one is network.dns",
  ],
  [
    `${least}[network]\nproxies = ["", "socks4://me:${password}@203.0.113.9"]`,
    `config.toml:4:16: network.proxies[1] = "socks4://(hidden)@203.0.113.9": ${proxyForms}`,
  ],
  [
    `${least}[[network]]\ndns = "1.1.1.1"`,
    'config.toml:3:1: network = [{"dns":"1.1.1.1"}]: expected a table, with keys such as dns',
  ],
  [
    `${least}[timeouts]\ntcp = "5s"`,
    "config.toml:3:1: unknown key timeouts: the nearest known one is network.timeout",
  ],
  [
    `${least}[network]\ndns = "1.1.1.1"\nconcurrency = 5`,
    "config.toml:5:1: unknown key network.concurrency: the nearest known one is concurrency",
  ],
];

Deno.test("parseConfig() does tell what is wrong with a whole file, and quotes nothing secret of it", () => {
  for (const [text, message] of wrongFiles) {
    const error = errorOf(text);
    assertEquals(error.message, message, text);
    assertSecretive(error.message);
  }
});

Deno.test("parseConfig() does take what some editors add to a file", () => {
  for (const text of [`\uFEFF${least}`, least.replaceAll("\n", "\r\n"), least.trimEnd(), `\n\n  ${least}\t# end`]) {
    assertEquals(parseConfig(text, { file: "" }).secret.key.toHex(), hex);
  }
});

function assertSecretive(message: string): void {
  for (const secret of [hex, hex.slice(0, 16), password]) assert(!message.includes(secret), message);
}
