import { assertEquals, assertThrows } from "@std/assert";
import { envLayer, envName } from "../../lib/config/env.ts";
import { allFields } from "../../lib/config/fields.ts";
import { loadConfig, parseConfig } from "../../lib/config/parse.ts";
import { ConfigError } from "../../lib/errors.ts";

const secret = "00112233445566778899aabbccddeeff";
const must = { MTG_SECRET: secret, MTG_BIND_TO: ":3128" };
const least = `secret = "${secret}"\nbind-to = ":3128"\n`;

function load(env: Record<string, string>) {
  const all: Record<string, string> = { ...must, ...env };
  return loadConfig({ env: (name) => all[name] });
}

Deno.test("envName() does name each key, and no two keys alike but a deprecated one and its successor", () => {
  assertEquals(envName("network.timeout.tcp"), "MTG_NETWORK_TIMEOUT_TCP");
  assertEquals(envName("public-ipv4"), "MTG_PUBLIC_IPV4");
  const owners = new Map<string, string>();
  for (const { key, replacement } of allFields) {
    const name = envName(key);
    if (replacement !== undefined && name === envName(replacement.key)) continue;
    assertEquals(owners.get(name), undefined, key);
    owners.set(name, key);
  }
  assertEquals(owners.get("MTG_DOMAIN_FRONTING_PORT"), "domain-fronting.port");
  // Kubernetes and Docker make these of a service called mtg.
  for (const name of ["MTG_PORT", "MTG_SERVICE_HOST", "MTG_SERVICE_PORT", "MTG_PORT_443_TCP_ADDR", "MTG_NAME"]) {
    assertEquals(owners.get(name), undefined, name);
  }
});

/** A variable, its text, and the line of a file that means the same. */
const forms: readonly (readonly [string, string, string])[] = [
  ["MTG_BIND_TO", "0.0.0.0:443, [::]:443", 'bind-to = ["0.0.0.0:443", "[::]:443"]'],
  ["MTG_BIND_TO", "[::]:443", 'bind-to = "[::]:443"'],
  ["MTG_BIND_TO", "unix:/run/a.sock :443", 'bind-to = ["unix:/run/a.sock", ":443"]'],
  ["MTG_BIND_TO", '["unix:/run/my sock", ":443"]', 'bind-to = ["unix:/run/my sock", ":443"]'],
  ["MTG_BIND_TO", "['[::1]:1', '127.0.0.1:1']", 'bind-to = ["[::1]:1", "127.0.0.1:1"]'],
  ["MTG_CONCURRENCY", " 5 ", "concurrency = 5"],
  ["MTG_WORKERS", "auto", 'workers = "auto"'],
  ["MTG_WORKERS", "2", "workers = 2"],
  ["MTG_DEBUG", "1", "debug = true"],
  ["MTG_DEBUG", "YES", "debug = true"],
  ["MTG_DEBUG", "on", "debug = true"],
  ["MTG_TELEGRAM_FAST_MODE", "0", "telegram.fast-mode = false"],
  ["MTG_TELEGRAM_FAST_MODE", "no", "telegram.fast-mode = false"],
  ["MTG_TELEGRAM_FAST_MODE", "False", "telegram.fast-mode = false"],
  ["MTG_GRACE", "0", 'grace = "0s"'],
  ["MTG_GRACE", "1m30s", 'grace = "1m30s"'],
  ["MTG_DEFENSE_ANTI_REPLAY_ERROR_RATE", "0.01", "defense.anti-replay.error-rate = 0.01"],
  ["MTG_DEFENSE_ANTI_REPLAY_MAX_SIZE", "2mib", 'defense.anti-replay.max-size = "2mib"'],
  ["MTG_PREFER_IP", "only-ipv4", 'prefer-ip = "only-ipv4"'],
  ["MTG_PROXY_PROTOCOL_TRUSTED", "10.0.0.0/8\n192.0.2.1", 'proxy-protocol-trusted = ["10.0.0.0/8", "192.0.2.1"]'],
  ["MTG_NETWORK_DNS", "udp://1.1.1.1:5353", 'network.dns = "udp://1.1.1.1:5353"'],
  ["MTG_NETWORK_DOH_IP", "1.1.1.1", 'network.dns = "https://1.1.1.1"'],
  ["MTG_NETWORK_PROXIES", "socks5://a:1,socks5://b:2", 'network.proxies = ["socks5://a:1", "socks5://b:2"]'],
  ["MTG_NETWORK_PROXIES", '["socks5://a:1", ""]', 'network.proxies = ["socks5://a:1", ""]'],
  ["MTG_NETWORK_KEEP_ALIVE_DISABLED", "true", "network.keep-alive.disabled = true"],
  ["MTG_DOMAIN_FRONTING_PORT", "8443", "domain-fronting.port = 8443"],
  [
    "MTG_DC_OVERRIDES",
    "2=127.0.0.1:8443,[::1]:8443; -4 = 192.0.2.4:443;",
    'dc-overrides = { 2 = ["127.0.0.1:8443", "[::1]:8443"], -4 = "192.0.2.4:443" }',
  ],
  ["MTG_DC_OVERRIDES", '2=["127.0.0.1:8443"]', 'dc-overrides.2 = "127.0.0.1:8443"'],
  ["MTG_PUBLIC_HOST", "", ""],
  ["MTG_PUBLIC_HOST", "  ", ""],
];

Deno.test("loadConfig() does read from a variable what a file would say", () => {
  for (const [name, text, line] of forms) {
    const kept = name === "MTG_BIND_TO" ? `secret = "${secret}"\n` : least;
    assertEquals(load({ [name]: text }).config, parseConfig(kept + line, { file: "" }), `${name}=${text}`);
  }
});

Deno.test("loadConfig() does call a wrong variable by its name", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["MTG_SECRET", secret.slice(2), "MTG_SECRET = (hidden): cannot use the secret: it has 15 bytes, "],
    ["MTG_BIND_TO", ":1,:1", 'MTG_BIND_TO[1] = ":1": expected each address only once'],
    ["MTG_BIND_TO", "[::1", 'MTG_BIND_TO[0] = "[::1": expected where to listen such as '],
    ["MTG_DEBUG", "maybe", 'MTG_DEBUG = "maybe": expected true or false'],
    ["MTG_CONCURRENCY", "many", 'MTG_CONCURRENCY = "many": expected a whole number from 1 to 1000000'],
    ["MTG_NETWORK_PROXIES", "a:b@c", 'MTG_NETWORK_PROXIES[0] = "(hidden)@c": expected a SOCKS5 proxy such as '],
    [
      "MTG_DC_OVERRIDES",
      "127.0.0.1:1",
      'MTG_DC_OVERRIDES = "127.0.0.1:1": expected data centres and their addresses such as ' +
      '"2=127.0.0.1:8443,[::1]:8443; 4=192.0.2.4:443"',
    ],
    ["MTG_DC_OVERRIDES", "two=127.0.0.1:1", "MTG_DC_OVERRIDES.two: expected the number of a data centre such as "],
    ["MTG_DC_OVERRIDES", "2=x", 'MTG_DC_OVERRIDES.2[0] = "x": expected an IP address and a port such as '],
    ["MTG_STATS_STATSD_TAG_FORMAT", "x", 'MTG_STATS_STATSD_TAG_FORMAT = "x": expected one of datadog, '],
  ];
  for (const [name, text, message] of cases) {
    const error = assertThrows(() => load({ [name]: text }), ConfigError);
    assertEquals(error.message.slice(0, message.length), message);
    assertEquals([error.file, error.line, error.message.split("\n").length], [undefined, undefined, 1]);
  }
});

Deno.test("loadConfig() does not fail of what an orchestrator sets for a service, and tells where it comes from", () => {
  const cause = (name: string, service: string) =>
    `${name} = "tcp://10.0.0.1:443" is ignored: Kubernetes sets it for a service called ${service}, ` +
    "Docker for a linked container; enableServiceLinks: false or another name keeps it away";
  const link = "tcp://10.0.0.1:443";
  const links = {
    MTG_PORT: link,
    MTG_PUBLIC_PORT: link,
    MTG_DOMAIN_FRONTING_PORT: link,
    // Nobody looks for these.
    MTG_SERVICE_HOST: "10.0.0.1",
    MTG_SERVICE_PORT: "443",
    MTG_PORT_443_TCP: link,
    MTG_PORT_443_TCP_ADDR: "10.0.0.1",
  };
  const { config, warnings } = load(links);
  assertEquals(config, load({}).config);
  assertEquals(warnings, [
    { kind: "environment", path: "public-port", message: cause("MTG_PUBLIC_PORT", "mtg-public") },
    {
      kind: "environment",
      path: "domain-fronting.port",
      message: cause("MTG_DOMAIN_FRONTING_PORT", "mtg-domain-fronting"),
    },
    { kind: "environment", path: "", message: cause("MTG_PORT", "mtg") },
  ]);
});

Deno.test("loadConfig() does tell that there is no MTG_PORT", () => {
  assertEquals(load({ MTG_PORT: "443" }).warnings, [{
    kind: "environment",
    path: "",
    message: 'MTG_PORT = "443" has no effect: MTG_BIND_TO says where to listen',
  }]);
});

Deno.test("envLayer() does look up known names alone", () => {
  const asked: string[] = [];
  envLayer((name) => void asked.push(name), allFields);
  assertEquals(asked.every((name) => /^MTG_[A-Z0-9_]+$/.test(name)), true);
  assertEquals(new Set(asked).size, asked.length);
});
