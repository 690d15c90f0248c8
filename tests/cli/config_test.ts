import { assertEquals, assertStringIncludes } from "@std/assert";
import { allFields } from "../../lib/config/fields.ts";
import { configSchema } from "../../lib/config/schema.ts";
import { configText, hexKey, runMain, tlsHex } from "./fake_environment.ts";

/** The lines of a listing as value and remark, by key. */
function rowsOf(out: readonly string[]): ReadonlyMap<string, readonly [string, string]> {
  return new Map(out.map((line) => {
    const [, key = "", value = "", remark = ""] = /^(#?\S+) = *(.*?) +# (.*)$/.exec(line) ?? [];
    return [key, [value, remark]];
  }));
}

Deno.test("config check does print every key with its value and where it comes from", async () => {
  const files = { "config.toml": configText(":3128", "concurrency = 7", '[network.timeout]\ntcp = "3s"') };
  const env = { MTG_GRACE: "1m", MTG_NETWORK_TIMEOUT_TCP: "4s", MTG_DEBUG: "yes" };
  const { code, out, errors, configs } = await runMain(["config", "check", "config.toml"], { files, env });
  assertEquals([code, errors, configs], [0, [], []]);
  const rows = rowsOf(out);
  assertEquals(rows.get("secret"), ["(hidden)", "config.toml:1"]);
  assertEquals(rows.get("bind-to"), ['":3128"', "config.toml:2"]);
  assertEquals(rows.get("concurrency"), ["7", "config.toml:3"]);
  assertEquals(rows.get("debug"), ["true", "MTG_DEBUG"]);
  assertEquals(rows.get("grace"), ['"1m"', "MTG_GRACE"]);
  assertEquals(rows.get("network.timeout.tcp"), ['"4s"', "MTG_NETWORK_TIMEOUT_TCP"]);
  assertEquals(rows.get("network.timeout.idle"), ['"5m"', "default"]);
  assertEquals(rows.get("#public-host"), ["", "not set"]);
  assertEquals(
    [...rows.keys()].map((key) => key.replace("#", "")),
    allFields.filter(({ kind }) => kind === "key").map(({ key }) => key),
  );
});

Deno.test("config check does hide secrets, users and passwords, and print the rest whole", async () => {
  const host = `${"very-".repeat(10)}long.${"very-".repeat(10)}long.example.com`;
  const lines = [
    `public-host = "${host}"`,
    "[network]",
    'proxies = ["", "socks5://me:hunter2@[::1]:1080?open_threshold=2"]',
    "[dc-overrides]",
    '2 = ["127.0.0.1:1", "127.0.0.1:2"]',
  ];
  const { out, errors } = await runMain(["config", "check", "-"], { standardInput: configText(":3128", ...lines) });
  const rows = rowsOf(out);
  assertEquals(rows.get("public-host"), [`"${host}"`, "(standard input):3"]);
  assertEquals(rows.get("network.proxies")?.[0], '["", "socks5://(hidden)@[::1]:1080?open_threshold=2"]');
  assertEquals(rows.get("dc-overrides"), ['{ 2 = ["127.0.0.1:1", "127.0.0.1:2"] }', "(standard input):6"]);
  for (const secret of [hexKey, tlsHex, "hunter2", "me:"]) {
    assertEquals([...out, ...errors].join("\n").includes(secret), false);
  }
});

Deno.test("config check does warn on standard error, and shows what does not act", async () => {
  const lines = [
    "domain-fronting-port = 8443",
    'network.keep-alive.idle = "5s"',
    "stats.prometheus.enabled = true",
    "stats.statsd.enabled = false",
  ];
  const files = { "config.toml": configText(":3128", ...lines) };
  const { code, out, errors } = await runMain(["config", "check", "config.toml"], { files });
  assertEquals(code, 0);
  assertEquals(errors, [
    "mtg: warning: config.toml:3:1: domain-fronting-port is deprecated: use domain-fronting.port, here 8443",
    "mtg: warning: config.toml:4:1: network.keep-alive.idle: Deno cannot set it, so the system's own values hold " +
    "(sysctl net.ipv4.tcp_keepalive_time)",
    "mtg: warning: config.toml:5:1: stats.prometheus.enabled: [stats.prometheus] is not in this version yet, " +
    "the proxy runs without it",
  ]);
  const rows = rowsOf(out);
  assertEquals(rows.get("domain-fronting.port"), ["8443", "config.toml:3"]);
  assertEquals(rows.get("domain-fronting-port"), ["8443", "config.toml:3, deprecated"]);
  assertEquals(rows.get("network.keep-alive.idle"), ['"5s"', "config.toml:4, which Deno cannot set"]);
  assertEquals(rows.get("stats.prometheus.enabled"), ["true", "config.toml:5, not in this version yet"]);
});

Deno.test("config check does give 2 and say what is wrong", async () => {
  const files = { "config.toml": configText("3128", "grace = 1") };
  const { code, out, errors } = await runMain(["config", "check", "config.toml"], { files });
  assertEquals([code, out, errors.length], [2, [], 2]);
  assertStringIncludes(errors[1] ?? "", "mtg: config.toml:3:1: grace = 1: expected");
});

Deno.test("run, access and config check do without a file where the environment says enough", async () => {
  const env = { MTG_SECRET: tlsHex, MTG_BIND_TO: "127.0.0.1:3128" };
  for (const command of [["run"], ["access"], ["config", "check"]]) {
    const { code, errors, configs } = await runMain(command, { env });
    assertEquals([code, errors, configs.length], [0, [], command[0] === "run" ? 1 : 0]);
  }
  const { code, errors } = await runMain(["run"], { env: { MTG_SECRET: tlsHex } });
  assertEquals([code, errors], [2, ['mtg: MTG_BIND_TO is missing: say where to listen, such as "0.0.0.0:3128"']]);
});

Deno.test("run does have warnings logged", async () => {
  const files = { "config.toml": configText("127.0.0.1:1", "defense.allowlist.enabled = true") };
  const { code, warnings, configs } = await runMain(["run", "--no-links", "config.toml"], { files });
  assertEquals([code, configs.length], [0, 1]);
  assertEquals(warnings, [
    "config.toml:3:1: defense.allowlist.enabled: [defense.allowlist] is not in this version yet, the proxy runs without it",
  ]);
});

Deno.test("config schema does print the schema", async () => {
  const { code, out, errors } = await runMain(["config", "schema"]);
  assertEquals([code, errors], [0, []]);
  assertEquals(JSON.parse(out.join("\n")), JSON.parse(JSON.stringify(configSchema())));
});

Deno.test("config does tell its commands, and show help of each or of all", async () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["config"], 'unknown command "config": expected one of config check, config schema'],
    [["config", "chck"], 'unknown command "config chck": the nearest known one is config check'],
    [["config", "check", "a", "b"], 'config check does not take "b" as well'],
    [["config", "schema", "a"], 'config schema does not take "a" as well'],
    [["help", "config", "shema"], 'unknown command "config shema": the nearest known one is config schema'],
  ];
  for (const [args, message] of cases) {
    const { code, errors } = await runMain(args);
    assertEquals([code, errors], [2, [`mtg: ${message}`]]);
  }
  const both = await runMain(["help", "config"]);
  assertEquals((await runMain(["config", "--help"])).out, both.out);
  const each = await Promise.all(["check", "schema"].map((name) => runMain(["help", "config", name])));
  assertEquals(both.out, [...each[0]?.out ?? [], "", ...each[1]?.out ?? []]);
});
