/** Clients that reach their data centre through SOCKS5 proxies. */
import { assert, assertEquals } from "@std/assert";
import type { Uplink } from "../../lib/config/config.ts";
import { uplink } from "../../lib/config/uri_values.ts";
import { systemRandom } from "../../lib/crypto/random.ts";
import type { Event } from "../../lib/events/event.ts";
import { directDialer } from "../../lib/net/dialer.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import { UplinkDialer, uplinkDialers } from "../../lib/net/uplinks.ts";
import { ByteReader, randomBytes } from "../support/byte_reader.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { answerAfterFin, Site } from "../support/fronted_site.ts";
import { RawClient, sendAll } from "../support/raw_client.ts";
import { SocksServer } from "../support/socks_server.ts";
import { LoopbackProxy } from "./loopback_proxy.ts";

const login = { user: "anna", password: "ge:heim" };

function uplinksOf(...uris: readonly string[]): Uplink[] {
  return uris.map((uri) => {
    const parsed = uplink(uri);
    if (!parsed.ok) throw new Error(parsed.expected);
    return parsed.value;
  });
}

/** As the daemon puts it together; `events` are what becomes of the uplinks. */
function chain(
  uplinks: readonly Uplink[],
  timeoutMs: number,
): { readonly dialer: UplinkDialer; readonly events: Event[] } {
  const events: Event[] = [];
  const parts = { clock: systemClock, timeoutMs };
  const resolver = { resolve: (host: string) => Promise.resolve([host]) };
  const dialers = uplinkDialers({ ...parts, direct: directDialer, resolver });
  const sink = { emit: (event: Event) => void events.push(event) };
  return { dialer: new UplinkDialer({ ...parts, ...dialers, uplinks, events: sink, random: systemRandom }), events };
}

/** Sends all, then its end, and gets all back, and the end. */
async function echo(proxy: LoopbackProxy, size: number): Promise<void> {
  using client = await RawClient.connect({ port: proxy.port, secret: proxy.secret });
  const bytes = randomBytes(size);
  const [got] = await Promise.all([client.readAll(), client.write(bytes).then(() => client.closeWrite())]);
  assertEquals(got, bytes);
}

for (const scheme of ["socks5", "socks5h"]) {
  Deno.test(`a client is served through a ${scheme} proxy with a password, and no end is lost on the way`, async () => {
    await using dc = FakeDc.start({ mode: "echo" });
    await using server = SocksServer.start({ login });
    const { dialer, events } = chain(uplinksOf(`${scheme}://anna:ge%3Aheim@127.0.0.1:${server.port}`), 5_000);
    await using proxy = await LoopbackProxy.start({ dc, dialer });
    for (let i = 0; i < 5; i++) await echo(proxy, 300_000);
    await proxy.ledger.until("closed", { count: 5 });
    assertEquals(proxy.ledger.of("closed").map(({ reason }) => reason), Array(5).fill("ended"));
    assertEquals(dc.connections.map(({ end, fault }) => [end, fault]), Array(5).fill(["fin", undefined]));
    assertEquals(server.requests, Array(5).fill(`127.0.0.1:${dc.port}`));
    assertEquals(server.logins, Array(5).fill("anna:ge:heim"));
    const [connected] = proxy.ledger.of("connected");
    assertEquals(connected?.address, { kind: "tcp", host: "127.0.0.1", port: dc.port }, "not the proxy's");
    assertEquals(events, []);
  });
}

Deno.test("a client gets the first bytes of its data centre, though they come with the proxy's reply", async () => {
  const firstPayload = randomBytes(5_000);
  await using dc = FakeDc.start({ mode: "echo" });
  await using server = SocksServer.start({ firstPayload });
  const { dialer } = chain(uplinksOf(`socks5://127.0.0.1:${server.port}`), 5_000);
  await using proxy = await LoopbackProxy.start({ dc, dialer });
  using client = await RawClient.connect({ port: proxy.port, secret: proxy.secret });
  await client.write(randomBytes(100));
  // They are no ciphertext of the data centre, so only their number can be looked at.
  assertEquals((await client.readExactly(5_100)).length, 5_100);
});

Deno.test("clients do not notice a dead proxy beside one that works; it is left out and said to be", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using server = SocksServer.start({ login });
  await using dead = SocksServer.start({ behaviour: "drop" });
  const { dialer, events } = chain(
    uplinksOf(
      `socks5://127.0.0.1:${dead.port}?open_threshold=2&half_open_timeout=1h&reset_failures_timeout=1h`,
      `socks5://anna:ge%3Aheim@127.0.0.1:${server.port}`,
    ),
    5_000,
  );
  await using proxy = await LoopbackProxy.start({ dc, dialer });
  for (let i = 0; i < 40; i++) await echo(proxy, 1_000);
  assertEquals([dead.accepted, server.requests.length, dc.connections.length], [2, 40, 40]);
  const reason = "closed the connection instead of giving an answer to the greeting";
  const address = { kind: "tcp", host: "127.0.0.1", port: dead.port } as const;
  assertEquals(events, [{ type: "uplink-down", uplink: address, reason, leftOutMs: 3_600_000 }]);
  assertEquals(proxy.ledger.of("dial-failed"), []);
});

Deno.test("a proxy that works again is used again", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using server = SocksServer.start({ behaviour: 1 });
  const { dialer, events } = chain(
    uplinksOf(`socks5://127.0.0.1:${server.port}?open_threshold=1&half_open_timeout=1ms`, ""),
    5_000,
  );
  await using proxy = await LoopbackProxy.start({ dc, dialer });
  while (events.length === 0) await echo(proxy, 10);
  server.behaviour = "connect";
  while (events.length === 1) await echo(proxy, 10);
  assertEquals(events.map(({ type }) => type), ["uplink-down", "uplink-up"]);
});

Deno.test("clients are served within their time beside a mute proxy", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using mute = SocksServer.start({ behaviour: "mute" });
  const tcpMs = 3_000;
  const { dialer, events } = chain(uplinksOf(`socks5://127.0.0.1:${mute.port}?open_threshold=1`, "", ""), tcpMs);
  await using proxy = await LoopbackProxy.start({ dc, dialer, timeouts: { tcpMs } });
  for (let i = 0; mute.accepted === 0 || i < 10; i++) await echo(proxy, 1_000);
  assertEquals([mute.accepted, events.map(({ type }) => type)], [1, ["uplink-down"]]);
  assertEquals(proxy.ledger.of("dial-failed"), []);
});

Deno.test("a client is not served where its data centre cannot be reached, and the log keeps the login", async () => {
  await using server = SocksServer.start({ login, behaviour: 4 });
  await using dc = FakeDc.start({ mode: "echo" });
  const { dialer, events } = chain(uplinksOf(`socks5://anna:ge%3Aheim@127.0.0.1:${server.port}`), 5_000);
  await using proxy = await LoopbackProxy.start({ dc, dialer });
  using client = await RawClient.connect({ port: proxy.port, secret: proxy.secret });
  await client.write(randomBytes(10));
  await proxy.ledger.until("dial-failed");
  const [failed] = proxy.ledger.of("dial-failed");
  const target = `127.0.0.1:${dc.port}`;
  const said = `the SOCKS5 proxy 127.0.0.1:${server.port} cannot connect to ${target}: host unreachable`;
  assertEquals(failed?.reason, `${target}: ${said}`);
  assertEquals(events, [], "which is nothing against the proxy");
  assert(!JSON.stringify(proxy.ledger.lines).includes("heim"));
});

Deno.test("strangers reach the fronted site directly where clients go through a proxy", async () => {
  await using server = SocksServer.start();
  const answer = randomBytes(300);
  await using site = Site.plain(answerAfterFin(answer));
  const { dialer } = chain(uplinksOf(`socks5://127.0.0.1:${server.port}`), 5_000);
  await using proxy = await LoopbackProxy.start({ dialer, frontDialer: directDialer, frontPort: site.port });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  await sendAll(conn, new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
  await conn.closeWrite();
  assertEquals(await new ByteReader((into) => conn.read(into)).all(), answer);
  assertEquals(server.accepted, 0);
});
