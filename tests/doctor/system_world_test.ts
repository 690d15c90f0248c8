import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Config } from "../../lib/config/config.ts";
import { loadConfig } from "../../lib/config/parse.ts";
import { systemWorld } from "../../lib/doctor/system_world.ts";
import type { Site as SiteToAsk } from "../../lib/doctor/world.ts";
import { tlsHex } from "../cli/fake_environment.ts";
import { Site, type SiteScript } from "../support/fronted_site.ts";

function configOf(...lines: readonly string[]): Config {
  const text = [`secret = "${tlsHex}"`, 'bind-to = "127.0.0.1:443"', ...lines].join("\n");
  return loadConfig({ file: { name: "config.toml", text } }).config;
}

const asking = () => ({ signal: AbortSignal.timeout(5_000) });
/** Version 2, LOCAL: nobody has come by this connection. */
const localHeader = "0d0a0d0a000d0a515549540a20000000";
const hangUp: SiteScript = async ({ reader }) => void await reader.exactly(30);

function at(site: Site): SiteToAsk {
  return { address: { kind: "tcp", host: "127.0.0.1", port: site.port }, name: "example.com" };
}

Deno.test("systemWorld() does ask a site as it wants to be asked: with a PROXY protocol header, or without", async () => {
  for (const [wants, expected] of [[true, localHeader], [false, ""]] as const) {
    await using site = Site.plain(hangUp);
    using world = systemWorld(configOf(`domain-fronting.proxy-protocol = ${wants}`));
    await world.watchSite(at(site), asking());
    await assertRejects(() => world.visitSite(at(site), asking()), Error);
    await assertRejects(() => world.askSiteDate(at(site), asking()), Error);
    assertEquals(site.connections, 3);
    for (let index = 0; index < 3; index++) {
      const start = site.received(index).subarray(0, expected.length / 2 + 2).toHex();
      assertEquals(start, `${expected}1603`);
    }
  }
});

Deno.test("systemWorld() does stand in for the load balancer where the proxy listens, and only there", async () => {
  using world = systemWorld(configOf("proxy-protocol-listener = true"));
  for (const [asBalancer, expected] of [[true, localHeader], [false, ""]] as const) {
    await using site = Site.plain(hangUp);
    assertEquals(await world.whoAnswers(at(site).address, { asBalancer, ...asking() }), "other");
    assertEquals(site.received(0).subarray(0, expected.length / 2 + 2).toHex(), `${expected}1603`);
  }
});

Deno.test("systemWorld() does name the ways to Telegram without their passwords, and knows which are used", () => {
  const cases: readonly (readonly [string, readonly (readonly [string, boolean, boolean])[]])[] = [
    ["[]", [["directly", true, true]]],
    ['["socks5://anna:hunter2@127.0.0.1:1"]', [["directly", true, false], [
      "through socks5 127.0.0.1:1",
      false,
      true,
    ]]],
    ['["", "socks5h://proxy.test:2"]', [["directly", true, true], ["through socks5 proxy.test:2", false, true]]],
  ];
  for (const [proxies, expected] of cases) {
    using world = systemWorld(configOf(`network.proxies = ${proxies}`));
    assertEquals(world.ways.map(({ label, isDirect, isUsed }) => [label, isDirect, isUsed]), expected);
  }
});

Deno.test("systemWorld() does touch without a trace: both ends are known, and nothing is sent", async () => {
  await using site = Site.plain(async ({ reader }) => void await reader.all());
  using world = systemWorld(configOf());
  const { local, remote } = await world.touch(at(site).address, asking());
  assertEquals(remote, at(site).address);
  assert(local.kind === "tcp" && local.host === "127.0.0.1" && local.port !== site.port);
  assertEquals(site.received(0).length, 0);
});
