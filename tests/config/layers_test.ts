import { assertEquals, assertThrows } from "@std/assert";
import type { Layer } from "../../lib/config/layers.ts";
import { type ConfigSources, loadConfig } from "../../lib/config/parse.ts";
import { ConfigError } from "../../lib/errors.ts";

const secret = "00112233445566778899aabbccddeeff";
const least = `secret = "${secret}"\nbind-to = ":3128"\n`;

const flags = (table: Record<string, unknown>): Layer => ({
  table,
  source: { name: (path) => `--${path.at(-1)}`, place: () => ({}) },
});

function load(text: string | undefined, env: Record<string, string> = {}, flag: Record<string, unknown> = {}) {
  const sources: ConfigSources = {
    file: text === undefined ? undefined : { name: "config.toml", text: least + text },
    env: (name) => env[name],
    flags: flags(flag),
  };
  return loadConfig(sources);
}

function warningsOf(text: string, env: Record<string, string> = {}) {
  return load(text, env).warnings.map(({ kind, path, message }) => [kind, path, message]);
}

Deno.test("loadConfig() does take flags before the environment, that before the file, and that before defaults", () => {
  const values = [[undefined, undefined, undefined], ["1", undefined, undefined], ["1", "2", undefined], [
    "1",
    "2",
    "3",
  ]];
  const seen = values.map(([file, env, flag]) => {
    const text = file === undefined ? "" : `concurrency = ${file}`;
    const { config, values } = load(
      text,
      env === undefined ? {} : { MTG_CONCURRENCY: env },
      flag === undefined ? {} : { concurrency: flag },
    );
    return [config.concurrency, values.find(({ key }) => key === "concurrency")?.from];
  });
  assertEquals(seen, [[8192, "default"], [1, "config.toml:3"], [2, "MTG_CONCURRENCY"], [3, "--concurrency"]]);
});

Deno.test("loadConfig() does merge tables key by key, and replace lists and free tables whole", () => {
  const { config } = load(
    '[network.timeout]\ntcp = "1s"\nidle = "2s"\n[dc-overrides]\n2 = "127.0.0.1:1"\n4 = "127.0.0.1:2"',
    { MTG_NETWORK_TIMEOUT_TCP: "3s", MTG_DC_OVERRIDES: "5=127.0.0.1:3" },
    { "bind-to": [":1"] },
  );
  assertEquals([config.network.timeout.tcpMs, config.network.timeout.idleMs], [3000, 2000]);
  assertEquals([...config.dcOverrides.keys()], [5]);
  assertEquals(config.bindTo, [{ kind: "tcp", host: "::", port: 1 }]);
});

Deno.test("loadConfig() does do without a file", () => {
  const { config, values } = load(undefined, { MTG_SECRET: secret, MTG_BIND_TO: "127.0.0.1:1" });
  assertEquals([config.secret.kind, config.bindTo], ["simple", [{ kind: "tcp", host: "127.0.0.1", port: 1 }]]);
  assertEquals(values.find(({ key }) => key === "secret"), {
    key: "secret",
    kind: "key",
    raw: secret,
    confidential: true,
    from: "MTG_SECRET",
  });
});

Deno.test("loadConfig() does speak of each value as its author knows it", () => {
  const error = assertThrows(
    () => load("grace = 1\ngrce = 1", { MTG_NETWORK_TIMEOUT_TCP: "5x", MTG_BIND_TO: ":1 x" }, { workers: "many" }),
    ConfigError,
  );
  assertEquals(error.message.split("\n"), [
    'MTG_BIND_TO[1] = "x": expected where to listen such as "0.0.0.0:3128", "[::]:443", ":443" or "unix:/run/mtg/mtg.sock"',
    '--workers = "many": expected "auto" or a whole number from 1 to 256',
    'MTG_NETWORK_TIMEOUT_TCP = "5x": expected a duration such as "10s" or "1m30s"',
    'config.toml:3:1: grace = 1: expected a duration such as "10s" or "1m30s"',
    "config.toml:4:1: unknown key grce: the nearest known one is grace",
  ]);
});

Deno.test("loadConfig() does name the variable that is missing where there is no file", () => {
  const error = assertThrows(
    () => loadConfig({ env: (name) => name === "MTG_SECRET" ? secret : undefined }),
    ConfigError,
  );
  assertEquals(error.message, 'MTG_BIND_TO is missing: say where to listen, such as "0.0.0.0:3128"');
});

Deno.test("loadConfig() does take deprecated keys for those that replace them, and tells", () => {
  const { config, warnings, values } = load(
    'domain-fronting-ip = "192.0.2.1"\ndomain-fronting-port = 8443\ndomain-fronting-proxy-protocol = true\n' +
      'network.doh-ip = "2606:4700::1111"',
  );
  assertEquals(config.domainFronting, {
    host: undefined,
    unixPath: undefined,
    ip: "192.0.2.1",
    port: 8443,
    proxyProtocol: true,
  });
  assertEquals(config.network.dns, { kind: "https", url: "https://[2606:4700::1111]/dns-query" });
  assertEquals(warnings.map(({ message }) => message), [
    'config.toml:3:1: domain-fronting-ip is deprecated: use domain-fronting.ip, here "192.0.2.1"',
    "config.toml:4:1: domain-fronting-port is deprecated: use domain-fronting.port, here 8443",
    "config.toml:5:1: domain-fronting-proxy-protocol is deprecated: use domain-fronting.proxy-protocol, here true",
    'config.toml:6:1: network.doh-ip is deprecated: use network.dns, here "https://[2606:4700::1111]"',
  ]);
  assertEquals(warnings.every(({ kind }) => kind === "deprecated"), true);
  assertEquals(values.find(({ key }) => key === "domain-fronting.port")?.from, "config.toml:4");
});

Deno.test("loadConfig() does front with PROXY protocol if either the deprecated or the new key says so", () => {
  for (const [old, now, expected] of [[true, false, true], [false, true, true], [false, false, false]]) {
    const { config } = load(`domain-fronting-proxy-protocol = ${old}\n[domain-fronting]\nproxy-protocol = ${now}`);
    assertEquals(config.domainFronting.proxyProtocol, expected);
  }
});

Deno.test("loadConfig() does let the new key act where the deprecated one is given too", () => {
  const text =
    'domain-fronting-port = 8443\n[domain-fronting]\nport = 9443\n[network]\ndoh-ip = "1.1.1.1"\ndns = "9.9.9.9"';
  const { config } = load(text);
  assertEquals([config.domainFronting.port, config.network.dns], [9443, { kind: "udp", host: "9.9.9.9", port: 53 }]);
  assertEquals(warningsOf(text).map(([, , message]) => message), [
    "config.toml:3:1: domain-fronting-port is deprecated: domain-fronting.port is its name now, and acts",
    "config.toml:7:1: network.doh-ip is deprecated: network.dns is its name now, and acts",
  ]);
  const { config: over, warnings } = load('network.dns = "9.9.9.9"', { MTG_NETWORK_DOH_IP: "1.1.1.1" });
  assertEquals(over.network.dns, { kind: "https", url: "https://1.1.1.1/dns-query" });
  assertEquals(warnings.map(({ message }) => message), [
    'MTG_NETWORK_DOH_IP is deprecated: use MTG_NETWORK_DNS, here "https://1.1.1.1"',
  ]);
});

Deno.test("loadConfig() does check deprecated keys under their own names, once", () => {
  const error = assertThrows(() => load('domain-fronting-port = 70000\nnetwork.doh-ip = "dns"'), ConfigError);
  assertEquals(error.message.split("\n"), [
    "config.toml:3:1: domain-fronting-port = 70000: expected a port, which is a number from 1 to 65535",
    'config.toml:4:1: network.doh-ip = "dns": expected an IP address such as "203.0.113.7" or "2001:db8::7" (without brackets)',
  ]);
});

Deno.test("loadConfig() does tell once what Deno cannot set", () => {
  assertEquals(warningsOf('[network.keep-alive]\nidle = "15s"\ncount = 9\ninterval = "0s"'), [[
    "unsupported",
    "network.keep-alive.idle",
    "config.toml:4:1: network.keep-alive.idle, network.keep-alive.count: Deno cannot set them, " +
    "so the system's own values hold (sysctl net.ipv4.tcp_keepalive_time, net.ipv4.tcp_keepalive_probes)",
  ]]);
  assertEquals(warningsOf("", { MTG_NETWORK_KEEP_ALIVE_COUNT: "3" }).map(([, , message]) => message), [
    "MTG_NETWORK_KEEP_ALIVE_COUNT: Deno cannot set it, so the system's own values hold " +
    "(sysctl net.ipv4.tcp_keepalive_probes)",
  ]);
  assertEquals(warningsOf("[network.keep-alive]\ndisabled = true"), []);
});

const later: readonly (readonly [string, string])[] = [
  ["[defense.blocklist]\nenabled = true", "defense.blocklist.enabled: [defense.blocklist]"],
  ["[defense.allowlist]\nenabled = true", "defense.allowlist.enabled: [defense.allowlist]"],
  ['[defense.doppelganger]\nurls = ["https://a.example/"]', "defense.doppelganger.urls: [defense.doppelganger]"],
  ["[defense.doppelganger]\ndrs = true", "defense.doppelganger.drs: [defense.doppelganger]"],
  ["[stats.statsd]\nenabled = true", "stats.statsd.enabled: [stats.statsd]"],
  ["[stats.prometheus]\nenabled = true", "stats.prometheus.enabled: [stats.prometheus]"],
];

Deno.test("loadConfig() does run without what is not there yet, and tells if it is wanted", () => {
  for (const [text, message] of later) {
    assertEquals(warningsOf(text), [[
      "later",
      message.split(":")[0],
      `config.toml:4:1: ${message} is not in this version yet, the proxy runs without it`,
    ]]);
    assertEquals(warningsOf(text.replace("true", "false").replace(/\[".*"\]/, "[]")), []);
  }
});

Deno.test("loadConfig() does take a file with every key of mtg v2", () => {
  const text = Deno.readTextFileSync(new URL("../fixtures/config/mtg_v2.toml", import.meta.url));
  const { config, warnings } = loadConfig({ file: { name: "config.toml", text } });
  const keepAlive = "net.ipv4.tcp_keepalive_time, net.ipv4.tcp_keepalive_intvl, net.ipv4.tcp_keepalive_probes";
  assertEquals(warnings.map(({ message }) => message.replace("config.toml:", "")), [
    "14:1: domain-fronting-ip is deprecated: domain-fronting.ip is its name now, and acts",
    "13:1: domain-fronting-port is deprecated: domain-fronting.port is its name now, and acts",
    "15:1: domain-fronting-proxy-protocol is deprecated: domain-fronting.proxy-protocol is its name now, and acts",
    "23:1: network.doh-ip is deprecated: network.dns is its name now, and acts",
    "35:1: network.keep-alive.idle, network.keep-alive.interval, network.keep-alive.count: Deno cannot set them, " +
    `so the system's own values hold (sysctl ${keepAlive})`,
    "45:1: defense.blocklist.enabled: [defense.blocklist] is not in this version yet, the proxy runs without it",
    "57:1: defense.doppelganger.urls: [defense.doppelganger] is not in this version yet, the proxy runs without it",
    "69:1: stats.prometheus.enabled: [stats.prometheus] is not in this version yet, the proxy runs without it",
  ]);
  assertEquals([config.domainFronting.ip, config.domainFronting.port], ["192.0.2.11", 8443]);
  assertEquals([config.network.uplinks.length, config.network.timeout.idleMs], [2, 60_000]);
});
