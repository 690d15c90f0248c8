import { assertEquals } from "@std/assert";
import { configText, runMain, tlsBase64, tlsHex } from "./fake_environment.ts";

const links = (server: string, port: number) => [
  "Links for Telegram. Whoever has one can use this proxy:",
  `  tg://proxy?server=${server}&port=${port}&secret=${tlsBase64}`,
  `  https://t.me/proxy?server=${server}&port=${port}&secret=${tlsBase64}`,
  "The same for old clients, with the secret in hex:",
  `  tg://proxy?server=${server}&port=${port}&secret=${tlsHex}`,
  `  https://t.me/proxy?server=${server}&port=${port}&secret=${tlsHex}`,
];

Deno.test("run does serve, and prints links to what is listened on", async () => {
  const files = { "config.toml": configText("127.0.0.1:0", "concurrency = 7") };
  const bound = [{ kind: "tcp", host: "127.0.0.1", port: 40_000 }] as const;
  const { code, out, errors, configs } = await runMain(["run", "config.toml"], { files, bound });
  assertEquals([code, out, errors], [0, links("127.0.0.1", 40_000), []]);
  assertEquals(configs.map((config) => config.concurrency), [7]);
});

Deno.test("run does print links to what is public", async () => {
  const files = { "config.toml": configText(":3128", 'public-host = "example.com"', "public-port = 443") };
  assertEquals((await runMain(["run", "config.toml"], { files })).out, links("example.com", 443));
});

Deno.test("run does serve though the links cannot be printed, and says so", async () => {
  const files = { "config.toml": configText("127.0.0.1:1") };
  const printFault = new Error("No space left on device");
  const { code, errors, configs } = await runMain(["run", "config.toml"], { files, printFault });
  assertEquals([code, errors, configs.length], [0, ["mtg: cannot print the links: No space left on device"], 1]);
});

Deno.test("run --no-links does print nothing", async () => {
  const files = { "config.toml": configText("127.0.0.1:1") };
  for (const args of [["run", "--no-links", "config.toml"], ["run", "config.toml", "--no-links"]]) {
    const { code, out, errors, configs } = await runMain(args, { files });
    assertEquals([code, out, errors, configs.length], [0, [], [], 1]);
  }
});

Deno.test("run does say what to set where nobody knows the links", async () => {
  const hint = "mtg: no links: [::]:3128 does not tell under which address and port clients reach the proxy; " +
    "set public-host (or public-ipv4, public-ipv6) and, if it is another than the one listened on, public-port";
  for (const detected of [{ problems: ["nobody answered"] }, new Error("nobody answered")]) {
    const world = { standardInput: configText(":3128"), detected };
    const { code, out, errors, configs, asked } = await runMain(["run", "-"], world);
    assertEquals([code, out, configs.length, asked], [0, [], 1, [["ipv4", "ipv6"]]]);
    assertEquals(errors, ["mtg: nobody answered", hint]);
  }
});

Deno.test("run does print links to the address that others see, once they have told it", async () => {
  const world = { standardInput: configText(":3128"), detected: { ipv4: "198.51.100.4", problems: [] } };
  const { code, out, errors, asked } = await runMain(["run", "-"], world);
  assertEquals([code, out, errors, asked], [0, links("198.51.100.4", 3128), [], [["ipv4", "ipv6"]]]);
});

Deno.test("run does say nothing more about links when it is told to stop before they are known", async () => {
  const detected = { ipv4: "198.51.100.4", problems: [] };
  const world = { standardInput: configText(":3128"), detected, stopsAtOnce: true };
  const { code, out, errors, asked } = await runMain(["run", "-"], world);
  assertEquals([code, out, errors, asked.length], [0, [], [], 1]);
});

Deno.test("run does print links again when a reload has changed them, and only then", async () => {
  const text = (host: string, ...more: readonly string[]) => configText(":443", `public-host = "${host}"`, ...more);
  const edits = [text("a.test", "concurrency = 7"), text("b.test"), text("b.test", "debug = true")];
  const { out, configs } = await runMain(["run", "config.toml"], { files: { "config.toml": text("a.test") }, edits });
  assertEquals(out, [...links("a.test", 443), ...links("b.test", 443)]);
  assertEquals(configs.map(({ concurrency, debug }) => [concurrency, debug]), [
    [8192, false],
    [7, false],
    [8192, false],
    [8192, true],
  ]);
});

Deno.test("run does ask nobody where it knows a link, or is to print none", async () => {
  const one = { standardInput: configText(":3128", 'public-ipv6 = "2001:db8::7"') };
  assertEquals((await runMain(["run", "-"], one)).asked, []);
  assertEquals((await runMain(["run", "-", "--no-links"], { standardInput: configText(":3128") })).asked, []);
  assertEquals((await runMain(["simple-run", ":3128", tlsHex, "--no-links"])).asked, []);
});

Deno.test("run does serve nothing with a wrong configuration", async () => {
  const files = { "config.toml": configText("3128", "grace = 1") };
  const { code, out, errors, configs } = await runMain(["run", "config.toml"], { files });
  assertEquals([code, out, configs], [2, [], []]);
  assertEquals(errors, [
    'mtg: config.toml:2:1: bind-to = "3128": expected where to listen such as "0.0.0.0:3128", "[::]:443", ":443" or "unix:/run/mtg/mtg.sock"',
    'mtg: config.toml:3:1: grace = 1: expected a duration such as "10s" or "1m30s"',
  ]);
});
