/** HAProxy before the proxy and behind it: a real implementation of the PROXY protocol says who came, and hears it. */
import { assertEquals } from "@std/assert";
import { type Address, formatAddress } from "../../lib/address.ts";
import { decodeProxyHeader } from "../../lib/wire/proxy_protocol.ts";
import { hasIpv6 } from "../net/sockets.ts";
import { ByteReader, randomBytes } from "../support/byte_reader.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { answerAfterFin, Site } from "../support/fronted_site.ts";
import { RawClient, sendAll } from "../support/raw_client.ts";
import { type Passage, startHaProxy } from "./haproxy.ts";
import { startProxy } from "./tested_proxy.ts";
import { whatIsMissing } from "./router.ts";

const why = await whatIsMissing("haproxy");
const ignore = why !== undefined;
if (ignore) Deno.stderr.writeSync(new TextEncoder().encode(`haproxy: ${why}: the tests with it are left out\n`));

const trusted = ["127.0.0.0/8"];
const answer = randomBytes(3_000);
const request = randomBytes(700);

const ways: readonly (readonly [string, Omit<Passage, "toPort">])[] = [
  ["version 1", { serverOptions: "send-proxy" }],
  ["version 2", { serverOptions: "send-proxy-v2" }],
  ["version 2 with TLVs", { serverOptions: "send-proxy-v2 proxy-v2-options unique-id,crc32c" }],
  ...hasIpv6()
    ? [
      ["version 1 from IPv6", { hostname: "::1", serverOptions: "send-proxy" }],
      ["version 2 from IPv6", { hostname: "::1", serverOptions: "send-proxy-v2" }],
    ] as const
    : [],
];

for (const [name, way] of ways) {
  const { hostname = "127.0.0.1" } = way;

  Deno.test({
    name: `a client behind HAProxy is served under its own address: ${name}`,
    ignore,
    fn: async () => {
      for (const kind of ["tls", "simple"] as const) {
        await using dc = FakeDc.start({ mode: "echo" });
        await using proxy = await startProxy({ kind, dc, trusted });
        await using haproxy = await startHaProxy({ ...way, toPort: proxy.port });
        using client = await RawClient.connect({ hostname, port: haproxy.ports[0]!, secret: proxy.secret });
        const bytes = randomBytes(50_000);
        const sending = client.write(bytes);
        assertEquals(await client.readExactly(50_000), bytes);
        await sending;
        await client.closeWrite();
        assertEquals(await client.read(), null);
        await proxy.ledger.until("closed");
        assertEquals(proxy.ledger.story(1), ["opened", "connected", "closed ended"]);
        for (const type of ["opened", "closed"] as const) {
          assertEquals(proxy.ledger.of(type).map(({ remote }) => remote), [addressOf(client.conn)], type);
        }
      }
    },
  });

  Deno.test({
    name: `a stranger behind HAProxy sees the fronted site, which knows its address: ${name}`,
    ignore,
    fn: async () => {
      await using site = Site.plain(answerAfterFin(answer));
      await using proxy = await startProxy({ site, trusted, frontProxyProtocol: true });
      await using haproxy = await startHaProxy({ ...way, toPort: proxy.port });
      const port = haproxy.ports[0]!;
      const stranger = await visit(hostname, port);
      const header = decodeProxyHeader(site.received());
      assertEquals(header.kind, "done");
      if (header.kind !== "done") return;
      assertEquals([header.source, header.destination], [stranger, { kind: "tcp", host: hostname, port }]);
      assertEquals(site.received().subarray(header.consumed), request);
      await proxy.ledger.until("closed");
      assertEquals(proxy.ledger.story(1), ["opened", "refused bad-client-hello fronted", "closed ended"]);
      assertEquals(proxy.ledger.of("refused").map(({ remote }) => remote), [stranger]);
    },
  });
}

Deno.test({
  name: "a fronted site behind HAProxy learns where a stranger has come from",
  ignore,
  fn: async () => {
    await using site = Site.plain(answerAfterFin(answer));
    await using behind = await startHaProxy({
      bindOptions: "accept-proxy",
      toPort: site.port,
      serverOptions: "send-proxy",
    });
    await using proxy = await startProxy({ frontPort: behind.ports[0], frontProxyProtocol: true });
    const stranger = await visit("127.0.0.1", proxy.port);
    const line = `PROXY TCP4 127.0.0.1 127.0.0.1 ${stranger.port} ${proxy.port}\r\n`;
    assertEquals(new TextDecoder().decode(site.received().subarray(0, line.length)), line);
    assertEquals(site.received().subarray(line.length), request);
    await proxy.ledger.until("closed");
  },
});

Deno.test({
  name: "an HAProxy that is not trusted is told apart: its clients see the site, and the log says why",
  ignore,
  fn: async () => {
    await using site = Site.plain(answerAfterFin(answer));
    await using proxy = await startProxy({ site, trusted: ["192.0.2.0/24"] });
    await using haproxy = await startHaProxy({ serverOptions: "send-proxy", toPort: proxy.port });
    const stranger = await visit("127.0.0.1", haproxy.ports[0]!);
    const line = `PROXY TCP4 127.0.0.1 127.0.0.1 ${stranger.port} ${haproxy.ports[0]}\r\n`;
    assertEquals(new TextDecoder().decode(site.received().subarray(0, line.length)), line);
    await proxy.ledger.until("closed");
    const story = ["opened", "untrusted-header", "refused bad-client-hello fronted", "closed ended"];
    assertEquals(proxy.ledger.story(1), story);
    const [remote] = proxy.ledger.of("untrusted-header").map(({ remote }) => formatAddress(remote));
    assertEquals(remote === formatAddress(stranger), false, "the balancer's address, not the stranger's");
  },
});

function addressOf({ localAddr: { hostname: host, port } }: Deno.TcpConn): Address & { readonly kind: "tcp" } {
  return { kind: "tcp", host, port };
}

/** Asks and gets the answer. @returns Where the visitor has come from. */
async function visit(hostname: string, port: number): Promise<Address & { readonly kind: "tcp" }> {
  using conn = await Deno.connect({ hostname, port });
  await sendAll(conn, request);
  await conn.closeWrite();
  assertEquals(await new ByteReader((into) => conn.read(into)).all(), answer);
  return addressOf(conn);
}
