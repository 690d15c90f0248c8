/** A configuration of mtg v2 with every key that it has: it starts and serves as it is, and no key is ignored in silence. */
import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { loadConfig } from "../../lib/config/parse.ts";
import { formatSecret } from "../../lib/policy/secret.ts";
import { runMain } from "../cli/fake_environment.ts";
import { TempDir } from "../net/sockets.ts";
import { ByteReader } from "../support/byte_reader.ts";
import { RawClient, sendAll } from "../support/raw_client.ts";
import { SocksServer } from "../support/socks_server.ts";
import { DaemonProcess } from "./daemon_process.ts";
import { effects } from "./mtg_v2_effects.ts";
import { adapted, alone, answer, echo, fixtureKeys, World } from "./mtg_v2_rig.ts";
import { isLater, remarks, told } from "./mtg_v2_told.ts";

/** What a load balancer says before the bytes of a client on `ip`. */
function header(ip: string, port: number): string {
  return `PROXY TCP4 ${ip} 192.0.2.99 ${port} 443\r\n`;
}

const isReplaced = (key: string) => `is deprecated: ${key} is its name now, and acts`;
const keepAlive = "Deno cannot set them, so the system's own values hold " +
  "(sysctl net.ipv4.tcp_keepalive_time, net.ipv4.tcp_keepalive_intvl, net.ipv4.tcp_keepalive_probes)";

const warnings = [
  `14:1: domain-fronting-ip ${isReplaced("domain-fronting.ip")}`,
  `13:1: domain-fronting-port ${isReplaced("domain-fronting.port")}`,
  `15:1: domain-fronting-proxy-protocol ${isReplaced("domain-fronting.proxy-protocol")}`,
  `23:1: network.doh-ip ${isReplaced("network.dns")}`,
  `35:1: network.keep-alive.idle, network.keep-alive.interval, network.keep-alive.count: ${keepAlive}`,
  `45:1: defense.blocklist.enabled: [defense.blocklist] ${isLater}`,
  `57:1: defense.doppelganger.urls: [defense.doppelganger] ${isLater}`,
  `69:1: stats.prometheus.enabled: [stats.prometheus] ${isLater}`,
];

Deno.test("mtg run serves by a file of mtg v2 with every key, and warns of each that does not act as there", async () => {
  using dir = new TempDir();
  const file = dir.at("config.toml");
  await using world = new World();
  await using locked = SocksServer.start({ login: { user: "user", password: "password" } });
  await using plain = SocksServer.start();
  const config = adapted({
    "secret": formatSecret(world.secret, "base64"),
    "bind-to": "127.0.0.1:0",
    "proxy-protocol-listener": true,
    "domain-fronting.ip": "127.0.0.1",
    "domain-fronting.port": world.site.port,
    "network.dns": `udp://127.0.0.1:${world.dns.port}`,
    "network.proxies": [
      // A name that only the stand-in for DNS knows.
      `socks5://user:password@socks.test:${locked.port}?open_threshold=5&half_open_timeout=1m&reset_failures_timeout=10s`,
      `socks5h://127.0.0.1:${plain.port}`,
    ],
  });
  const overrides = `\n[dc-overrides]\n2 = ${JSON.stringify(world.dc.addresses)}\n`;
  await using daemon = await DaemonProcess.start({ config: config + overrides, file });
  let clients = 0;
  // Which of the two proxies it is, is drawn by lot; that it is 50 times the same does not happen.
  while (clients < 50 && (locked.requests.length === 0 || plain.requests.length === 0)) {
    const preface = new TextEncoder().encode(header("203.0.113.9", 1_000 + clients++));
    using client = await RawClient.connect({ port: daemon.port, secret: world.secret, preface });
    await echo(client);
  }
  await beStranger(daemon.port);
  await daemon.logged(/client 203\.0\.113\.10:5 closed/);
  daemon.signal("SIGTERM");
  assertEquals(await daemon.exited, 0);

  const asked = Array(clients).fill(`127.0.0.1:${world.dc.port}`);
  assertEquals([...locked.requests, ...plain.requests], asked);
  assert(locked.requests.length > 0 && plain.requests.length > 0);
  assertEquals(world.dns.queries.map(({ name }) => name).filter((name) => name !== "socks.test"), []);
  assert(world.dns.queries.length > 0);
  const toldToSite = world.site.received(world.site.connections - 1);
  assertEquals(toldToSite.subarray(0, 12).toHex(), "0d0a0d0a000d0a515549540a");
  assertEquals(toldToSite.subarray(16, 20).join("."), "203.0.113.10");
  const log = daemon.log;
  const warned = log.split("\n").filter((line) => line.includes(" [WRN] "));
  assertEquals(warned.map((line) => line.slice(line.indexOf(file))), warnings.map((text) => `${file}:${text}`));
  assertMatch(log, /#1 client 203\.0\.113\.9:1000 came/);
  assertMatch(log, new RegExp(`: ${clients} clients were served,`));
  assertNotMatch(log, /password/);
  assertStringIncludes(daemon.out, `  tg://proxy?server=2001%3Adb8%3A%3A7&port=${daemon.port}&secret=`);
});

async function beStranger(port: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await sendAll(conn, new TextEncoder().encode(`${header("203.0.113.10", 5)}GET / HTTP/1.0\r\n\r\n`));
  assertEquals(await new ByteReader((into) => conn.read(into)).exactly(answer.length), answer);
}

for (const { key, run, os } of effects) {
  Deno.test({
    name: `${key} does have an effect`,
    ignore: os !== undefined && os !== Deno.build.os,
    fn: async () => {
      await using world = new World();
      await run(world);
    },
  });
}

for (const { key, kind, asks, about, says } of told) {
  Deno.test(`${key} does not pass in silence`, async () => {
    const text = alone(asks);
    const { warnings } = loadConfig({ file: { name: "config.toml", text } });
    const quiet = (message: string) => message.replace(/^config\.toml:\d+:\d+: /, "");
    assertEquals(warnings.map(({ kind, message }) => [kind, quiet(message)]), [[kind, `${about}${says}`]]);
    assertEquals(loadConfig({ file: { name: "config.toml", text: alone({}) } }).warnings, []);
    const { code, out, errors } = await runMain(["config", "check", "-"], { standardInput: text });
    assertEquals([code, errors.length], [0, 1]);
    const line = text.split("\n").indexOf(`${key.split(".").at(-1)} = ${JSON.stringify(asks[key])}`) + 1;
    const shown = out.find((row) => row.startsWith(`${key} = `));
    assertEquals(shown?.split(/ +# /), [
      `${key} = ${JSON.stringify(asks[key])}`,
      `(standard input):${line}, ${remarks[kind]}`,
    ]);
  });
}

Deno.test("every key of mtg v2 has an effect, a warning, or the word that it comes later", () => {
  assertEquals([...new Set([...effects, ...told].map(({ key }) => key))].toSorted(), fixtureKeys.toSorted());
  for (const { key, kind } of told) {
    const acts = effects.some((effect) => effect.key === key);
    assertEquals(acts, kind === "deprecated", `${key} acts, or not`);
  }
});
