import { assertEquals } from "@std/assert";
import type { Config } from "../../lib/config/config.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { runMain, tlsBase64, tlsHex } from "./fake_environment.ts";

async function served(...args: readonly string[]): Promise<Config> {
  const { code, errors, configs } = await runMain(["simple-run", ...args]);
  assertEquals([code, errors], [0, []]);
  const [config] = configs;
  if (config === undefined) throw new Error("nothing was served");
  return config;
}

Deno.test("simple-run does what run does with the same configuration", async () => {
  const base = `secret = "${tlsHex}"\nbind-to = "127.0.0.1:3128"\nallow-fallback-on-unknown-dc = true\n`;
  const cases: readonly (readonly [readonly string[], string])[] = [
    [[], ""],
    [["--debug"], "debug = true"],
    [["-d"], "debug = true"],
    [["--log-level", "warning"], 'log-level = "warning"'],
    [["-c", "100000"], "concurrency = 100000"],
    [["--concurrency=5"], "concurrency = 5"],
    [["--workers", "3"], "workers = 3"],
    [["--workers=AUTO"], 'workers = "auto"'],
    [["-i", "only-ipv4"], 'prefer-ip = "only-ipv4"'],
    [["--prefer-ip", "PREFER-IPV4"], 'prefer-ip = "prefer-ipv4"'],
    [["-p", "8443"], "domain-fronting.port = 8443"],
    [["--domain-fronting-ip", "::1"], 'domain-fronting.ip = "::1"'],
    [["-t", "3s"], 'network.timeout = { tcp = "3s", http = "3s" }'],
    [["-t3s"], 'network.timeout = { tcp = "3s", http = "3s" }'],
    [["-t=3s"], 'network.timeout = { tcp = "3s", http = "3s" }'],
    [["--timeout", "1s", "--timeout", "2s"], 'network.timeout = { tcp = "2s", http = "2s" }'],
    [["--dns", "tls://dns.example.com"], 'network.dns = "tls://dns.example.com"'],
    [["--socks5-proxy", "socks5://u:p@a:1"], 'network.proxies = "socks5://u:p@a:1"'],
    [
      ["-s", "socks5://a:1, socks5h://b,", "-ssocks5://c:3"],
      'network.proxies = ["socks5://a:1", "socks5h://b", "socks5://c:3"]',
    ],
    [["-a", "2mib"], 'defense.anti-replay.max-size = "2mib"'],
    [["-a", "0"], "defense.anti-replay.max-size = 0"],
    [["--fast-mode"], "telegram.fast-mode = true"],
    [["--no-fast-mode"], "telegram.fast-mode = false"],
    [["-dc", "5"], "debug = true\nconcurrency = 5"],
    [["-dc5"], "debug = true\nconcurrency = 5"],
    [["-dc=5"], "debug = true\nconcurrency = 5"],
    [["-d=false"], ""],
    [
      ["--dc-override", "2=127.0.0.1:1", "--dc-override", "2=[::1]:2", "--dc-override=203=127.0.0.1:3"],
      'dc-overrides = { 2 = ["127.0.0.1:1", "[::1]:2"], 203 = "127.0.0.1:3" }',
    ],
    [["--dc-override", "-2=127.0.0.1:1"], 'dc-overrides = { -2 = "127.0.0.1:1" }'],
  ];
  for (const [flags, lines] of cases) {
    const expected = parseConfig(base + lines, { file: "config.toml" });
    assertEquals(await served("127.0.0.1:3128", tlsBase64, ...flags), expected);
    assertEquals(await served(...flags, "127.0.0.1:3128", tlsHex), expected);
  }
});

Deno.test("simple-run does keep a long idle timeout, and fall back on unknown data centres", async () => {
  const config = await served(":3128", tlsHex, "--no-links", "-t", "1s");
  assertEquals(config.network.timeout, { tcpMs: 1000, httpMs: 1000, handshakeMs: 10_000, idleMs: 300_000 });
  assertEquals(config.allowFallbackOnUnknownDc, true);
});

Deno.test("simple-run does take --doh-ip as mtg v2 does, and tells the better name", async () => {
  for (const flags of [["-n", "1.1.1.1"], ["--doh-ip=1.1.1.1"]]) {
    const { code, warnings, configs } = await runMain(["simple-run", "127.0.0.1:1", tlsHex, ...flags]);
    assertEquals([code, warnings], [0, ['--doh-ip is deprecated: use --dns, here "https://1.1.1.1"']]);
    assertEquals(configs[0]?.network.dns, { kind: "https", url: "https://1.1.1.1/dns-query" });
  }
});

Deno.test("simple-run does take flags before the environment, and that before defaults", async () => {
  const env = {
    MTG_CONCURRENCY: "5",
    MTG_GRACE: "7s",
    MTG_BIND_TO: ":1",
    MTG_ALLOW_FALLBACK_ON_UNKNOWN_DC: "no",
    MTG_DC_OVERRIDES: "2=127.0.0.1:1",
    MTG_NETWORK_PROXIES: "socks5://a:1",
  };
  const { errors, configs } = await runMain(["simple-run", "127.0.0.1:2", tlsHex, "-c", "6"], { env });
  assertEquals(errors, []);
  const [config] = configs;
  assertEquals([config?.concurrency, config?.graceMs, config?.bindTo[0]], [6, 7000, {
    kind: "tcp",
    host: "127.0.0.1",
    port: 2,
  }]);
  assertEquals([config?.allowFallbackOnUnknownDc, config?.dcOverrides.size, config?.network.uplinks.length], [
    false,
    1,
    1,
  ]);
  const wrong = await runMain(["simple-run", "127.0.0.1:2", tlsHex, "-t", "x"], { env: { ...env, MTG_GRACE: "7" } });
  assertEquals(wrong.errors, [
    'mtg: MTG_GRACE = "7": expected a duration such as "10s" or "1m30s"',
    'mtg: --timeout = "x": expected a duration such as "10s" or "1m30s"',
  ]);
});

Deno.test("simple-run does print links unless told not to", async () => {
  const shown = await runMain(["simple-run", "127.0.0.1:3128", tlsHex]);
  assertEquals(shown.out[1], `  tg://proxy?server=127.0.0.1&port=3128&secret=${tlsBase64}`);
  assertEquals((await runMain(["simple-run", "--no-links", "127.0.0.1:3128", tlsHex])).out, []);
});

Deno.test("simple-run does accept --tcp-buffer, and says that it is without effect", async () => {
  const { code, errors, configs } = await runMain(["simple-run", "-b", "4KB", "127.0.0.1:3128", tlsHex]);
  assertEquals([code, configs.length], [0, 1]);
  assertEquals(errors, ["mtg: --tcp-buffer has no effect: buffers find their size by themselves"]);
});

Deno.test("simple-run does speak of flags and arguments in its messages", async () => {
  const mistakes: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["3128", tlsHex], [
      '<bind-to> = "3128": expected where to listen such as "0.0.0.0:3128", "[::]:443", ":443" or "unix:/run/mtg/mtg.sock"',
    ]],
    [[":3128", tlsHex.slice(0, 34)], [
      "<secret> = (hidden): cannot use the secret: it has 17 bytes, expected 32 hex digits (simple), " +
      "dd and 32 hex digits (secured), or ee, 32 hex digits and a host (fake TLS), as hex or base64",
    ]],
    [[":3128", tlsHex, "-c", "0", "-t", "5x"], [
      '--concurrency = "0": expected a whole number from 1 to 1000000',
      '--timeout = "5x": expected a duration such as "10s" or "1m30s"',
    ]],
    [[":3128", tlsHex, "--workers", "many"], [
      '--workers = "many": expected "auto" or a whole number from 1 to 256',
    ]],
    [[":3128", tlsHex, "--dns", "dns"], [
      '--dns = "dns": expected a DNS server such as "https://1.1.1.1", "tls://dns.example.com", "udp://1.1.1.1" or "1.1.1.1"' +
      ": with udp the server must be an IP address",
    ]],
    [[":3128", tlsHex, "-s", "http://me:hunter2@a"], [
      '--socks5-proxy = "http://(hidden)@a": expected a SOCKS5 proxy such as ' +
      '"socks5://user:password@203.0.113.9:1080", or "" for the direct way',
    ]],
    [[":3128", tlsHex, "--dc-override", "2"], [
      '--dc-override = "2": expected a data centre and its address, 2=127.0.0.1:8443',
    ]],
    [[":3128", tlsHex, "--dc-override", "2=localhost:1"], [
      '--dc-override = "localhost:1": expected an IP address and a port such as "203.0.113.7:443" or "[2001:db8::7]:443"',
    ]],
    [[":3128", tlsHex, "--dc-override", "two=127.0.0.1:1"], [
      '--dc-override: expected the number of a data centre such as "2", "-2" (media) or "10002" (test)',
    ]],
    [[":3128", tlsHex, "--fast-mode", "--no-fast-mode"], [
      "--fast-mode and --no-fast-mode: expected only one of them",
    ]],
  ];
  for (const [args, messages] of mistakes) {
    const { code, errors, configs } = await runMain(["simple-run", ...args]);
    assertEquals([code, errors, configs], [2, messages.map((message) => `mtg: ${message}`), []]);
  }
});
