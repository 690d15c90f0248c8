/** Doctor with stand-ins for all that it asks, on loopback: a proxy, data centres, a site, a name server, a time server. */
import { assert, assertEquals } from "@std/assert";
import { loadConfig } from "../../lib/config/parse.ts";
import { examine } from "../../lib/doctor/examine.ts";
import type { Group } from "../../lib/doctor/report.ts";
import { systemWorld } from "../../lib/doctor/system_world.ts";
import { formatSecret, type Secret } from "../../lib/policy/secret.ts";
import { addresses, DnsUdpServer } from "../support/dns_server.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { Site, siteAuthority, siteName } from "../support/fronted_site.ts";
import { MtprotoServer } from "../support/mtproto/server.ts";
import { NodeSite } from "../support/node_site.ts";
import { patient, patientClock } from "../support/patience.ts";
import { SocksServer } from "../support/socks_server.ts";
import { binary, mtgCommand } from "../support/subject.ts";
import { timeBehind, TimeServer } from "../support/time_server.ts";
import { LoopbackProxy } from "./loopback_proxy.ts";

const dcs = [1, 2, 3, 4, 5, 203];

interface Parts {
  readonly secret: Secret;
  readonly proxyPort: number;
  readonly dcAddress: string;
  readonly dnsPort: number;
  readonly frontPort: number;
}

/** Leads nowhere but to loopback. */
function configText({ secret, proxyPort, dcAddress, dnsPort, frontPort }: Parts, ...more: readonly string[]): string {
  return [
    `secret = "${formatSecret(secret, "hex")}"`,
    `bind-to = "127.0.0.1:${proxyPort}"`,
    'public-ipv4 = "127.0.0.1"',
    'public-ipv6 = "::1"',
    `domain-fronting = { ip = "127.0.0.1", port = ${frontPort} }`,
    `network.dns = "udp://127.0.0.1:${dnsPort}"`,
    ...more,
    "[dc-overrides]",
    ...dcs.map((dc) => `"${dc}" = "${dcAddress}"`),
  ].join("\n");
}

/** `group/check verdict` of all that does not hang on the machine that this runs on. */
function verdicts(groups: readonly Group[]): readonly string[] {
  return groups.filter(({ id }) => id !== "limits").flatMap(({ id, checks }) =>
    checks.map((check) => `${id}/${check.id.replace(/\d{4,}$/, "PORT")} ${check.verdict}`)
  );
}

function seen(groups: readonly Group[], group: string, check: string): string {
  return groups.find(({ id }) => id === group)?.checks.find(({ id }) => id === check)?.seen ?? "";
}

const direct = dcs.map((dc) => `telegram-direct/dc-${dc}`);

Deno.test("doctor finds all well where all is, through sockets from end to end", async () => {
  const server = await MtprotoServer.create();
  await using dc = FakeDc.start({ mode: server.handler });
  await using site = await NodeSite.start({
    protocols: ["h2", "http/1.1"],
    answer: `HTTP/1.1 200 OK\r\nDate: ${new Date().toUTCString()}\r\n\r\n`,
  });
  await using proxy = await LoopbackProxy.start({ dc, frontPort: site.port });
  await using names = new DnsUdpServer((query) => addresses(query, ["127.0.0.1", "::1"]));
  await using time = new TimeServer(timeBehind(0));
  await using socks = SocksServer.start({ login: { user: "anna", password: "hunter2" } });
  const text = configText(
    {
      secret: proxy.secret,
      proxyPort: proxy.port,
      dcAddress: dc.addresses[0]!,
      dnsPort: names.port,
      frontPort: site.port,
    },
    'ntp-servers = ["time.test"]',
    `network.proxies = ["socks5://anna:hunter2@127.0.0.1:${socks.port}", ""]`,
  );
  const { config, warnings } = loadConfig({ file: { name: "config.toml", text } });
  using world = systemWorld(config, { clock: patientClock, caCerts: [siteAuthority], timePort: time.address.port });
  const groups = await Promise.all(examine({ config, warnings, file: "config.toml" }, world));

  assertEquals(verdicts(groups), [
    "config/valid good",
    "config/secret good",
    "clock/offset good",
    ...direct.map((id) => `${id} good`),
    ...dcs.map((dc) => `telegram-proxy-1/dc-${dc} good`),
    "front/reachable good",
    "front/loop good",
    "front/tls good",
    "front/group good",
    "front/flight good",
    "front/certificate good",
    "front/protocol good",
    "names/public-address good",
    "names/server-name good",
    "port/listener-127.0.0.1:PORT good",
    "port/public-ipv4 good",
    "port/public-ipv6 warning", // the proxy of this test has no IPv6
  ]);
  assertEquals(socks.logins.length, dcs.length);
  assertEquals(server.events.filter(({ what }) => what === "be7e8ef1").length, 2 * dcs.length);
  const printed = JSON.stringify(groups);
  for (const secret of ["hunter2", formatSecret(proxy.secret, "hex"), formatSecret(proxy.secret, "base64")]) {
    assert(!printed.includes(secret));
  }
});

Deno.test("doctor finds what is wrong: clock, data centres, site, name, port", async () => {
  await using dc = FakeDc.start({ mode: () => Promise.resolve() });
  await using site = await NodeSite.start({ maxVersion: "TLSv1.2" });
  await using stranger = Site.tls();
  await using names = new DnsUdpServer((query) => addresses(query, ["192.0.2.1"]));
  await using time = new TimeServer(timeBehind(-90_000));
  await using proxy = await LoopbackProxy.start({ frontPort: site.port });
  const text = configText(
    {
      secret: proxy.secret,
      proxyPort: stranger.port,
      dcAddress: dc.addresses[0]!,
      dnsPort: names.port,
      frontPort: site.port,
    },
    'ntp-servers = ["127.0.0.1"]',
  );
  const { config, warnings } = loadConfig({ file: { name: "config.toml", text } });
  using world = systemWorld(config, { clock: patientClock, timePort: time.address.port });
  const groups = await Promise.all(examine({ config, warnings, file: "config.toml" }, world));
  assertEquals(verdicts(groups), [
    "config/valid good",
    "config/secret good",
    "clock/offset bad",
    ...direct.map((id) => `${id} bad`),
    "front/reachable good",
    "front/loop good",
    "front/tls bad",
    "front/certificate bad",
    "front/protocol warning",
    "names/public-address good",
    "names/server-name warning",
    "port/listener-127.0.0.1:PORT bad",
    "port/public note",
  ]);
  assert(/^the clock is 90 s behind that of 127\.0\.0\.1, /.test(seen(groups, "clock", "offset")));
  const closed = `data centre 2: ${dc.addresses[0]} The connection was closed without an answer`;
  assertEquals(seen(groups, "telegram-direct", "dc-2"), closed);
});

Deno.test("doctor finds that the front is the proxy itself", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using proxy = await LoopbackProxy.start({ dc, frontsItself: true });
  await using names = new DnsUdpServer((query) => addresses(query, ["127.0.0.1"]));
  const parts = { secret: proxy.secret, proxyPort: proxy.port, dcAddress: dc.addresses[0]!, dnsPort: names.port };
  const text = configText({ ...parts, frontPort: proxy.port }, "ntp-servers = []");
  const { config, warnings } = loadConfig({ file: { name: "config.toml", text } });
  using world = systemWorld(config, { clock: patientClock });
  const groups = await Promise.all(examine({ config, warnings, file: "config.toml" }, world));
  assertEquals(verdicts(groups.filter(({ id }) => id === "front" || id === "port")).slice(0, 4), [
    "front/reachable good",
    "front/loop bad",
    "port/listener-127.0.0.1:PORT good",
    "port/public-ipv4 good",
  ]);
});

Deno.test("mtg doctor runs with the permissions of mtg run, and its exit code tells that something is wrong", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using site = Site.tls();
  await using names = new DnsUdpServer((query) => addresses(query, ["127.0.0.1"]));
  await using proxy = await LoopbackProxy.start({ frontPort: site.port });
  const parts = { secret: proxy.secret, proxyPort: proxy.port, dcAddress: dc.addresses[0]!, dnsPort: names.port };
  const [command, ...args] = mtgCommand(["doctor", "--json", "-"], ["--allow-net", "--allow-read"]);
  const child = new Deno.Command(command, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  const text = configText({ ...parts, frontPort: site.port }, "ntp-servers = []");
  await input.write(new TextEncoder().encode(text));
  await input.close();
  const { code, stdout, stderr } = await child.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [1, ""]);
  const { verdict, counts, groups } = JSON.parse(new TextDecoder().decode(stdout));
  assertEquals([verdict, groups.length], ["bad", 7]);
  assertEquals(
    seen(groups, "config", "valid"),
    "standard input can be used: every key is known, and every value is right",
  );
  // The limits of its questions are its own: what is emulated may be too slow for an answer. An executable may have a Deno before
  // 2.9, whose node:tls shows no certificate that nobody trusts.
  if (patient(1) === 1) {
    const certificate = "its certificate is by no authority that browsers trust";
    if (binary === undefined) assertEquals(seen(groups, "front", "certificate"), certificate);
    assertEquals(seen(groups, "front", "tls"), "it speaks TLS 1.3");
    assertEquals(
      seen(groups, "names", "server-name"),
      `${siteName}, the host of the secret, leads to 127.0.0.1, which leaves out ::1 of this server`,
    );
    assert(counts.bad >= 7 && counts.good >= 5);
  }
  const limits: Group | undefined = groups.find(({ id }: Group) => id === "limits");
  // Only with -A may Deno read what these stand in.
  if (Deno.build.os === "linux") {
    assert(limits?.checks.every(({ verdict, seen }) => verdict === "note" && seen.includes("not read")));
  }
});
