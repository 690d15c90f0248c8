import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Clock } from "../../lib/clock.ts";
import { type CachingResolver, createResolver } from "../../lib/dns/resolver.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import { addresses, dnsAuthority, type DnsScript, DnsTlsServer, mute } from "../support/dns_server.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { siteAuthority } from "../support/fronted_site.ts";

const hosts = ["192.0.2.1", "2001:db8::1"];
const found = ["2001:db8::1", "192.0.2.1"];
const signal = new AbortController().signal;
const answering: DnsScript = (query) => addresses(query, hosts);

interface Choices {
  readonly host?: string;
  readonly clock?: Clock;
  readonly timeoutMs?: number;
  readonly caCerts?: readonly string[];
}

function resolverOf(port: number, choices: Choices = {}): CachingResolver {
  const { host = "127.0.0.1", clock = systemClock, timeoutMs = 5_000, caCerts = [dnsAuthority] } = choices;
  return createResolver({ kind: "tls", host, port }, { clock, timeoutMs, caCerts });
}

Deno.test("DoT: both families on one connection, padded, with different ids, and that for further names", async () => {
  await using server = new DnsTlsServer(answering);
  using resolver = resolverOf(server.port);
  for (const name of ["a.test", "b.test", "c.test"]) assertEquals(await resolver.resolve(name, { signal }), found);
  assertEquals([server.accepted, server.queries.length], [1, 6]);
  assertEquals(server.queries.map(({ transport, size }) => [transport, size]), Array(6).fill(["tls", 128]));
  assertEquals(new Set(server.queries.slice(0, 2).map(({ id }) => id)).size, 2);
});

Deno.test("DoT: the certificate must be for the name or the address of the server", async () => {
  await using server = new DnsTlsServer(answering);
  for (const host of ["localhost", "127.0.0.1"]) {
    using resolver = resolverOf(server.port, { host });
    assertEquals(await resolver.resolve("a.test", { signal }), found);
  }
  await using front = new DnsTlsServer(answering, "front");
  using named = resolverOf(front.port, { host: "localhost", caCerts: [siteAuthority] });
  assertEquals(await named.resolve("a.test", { signal }), found);
  using resolver = resolverOf(front.port, { host: "127.0.0.1", caCerts: [siteAuthority] });
  const message = `Cannot look up a.test with tls://127.0.0.1:${front.port}: invalid peer certificate: `;
  const { message: said } = await assertRejects(() => resolver.resolve("a.test", { signal }), Error, message);
  assert(said.includes("not valid for name"), said);
});

Deno.test("DoT: the certificate must come from an authority that is trusted", async () => {
  await using server = new DnsTlsServer(answering);
  for (const caCerts of [[], [siteAuthority]]) {
    using resolver = resolverOf(server.port, { caCerts });
    const message =
      `Cannot look up a.test with tls://127.0.0.1:${server.port}: invalid peer certificate: UnknownIssuer`;
    await assertRejects(() => resolver.resolve("a.test", { signal }), Error, message);
  }
  assertEquals(server.queries, []);
});

Deno.test("DoT: answers in the other order find their questions", async () => {
  const order: string[] = [];
  const held = Promise.withResolvers<void>();
  await using server = new DnsTlsServer(async (query) => {
    if (query.type === "AAAA") await held.promise;
    order.push(query.type);
    held.resolve();
    return addresses(query, hosts);
  });
  using resolver = resolverOf(server.port);
  assertEquals(await resolver.resolve("a.test", { signal }), found);
  assertEquals(order, ["A", "AAAA"]);
});

Deno.test("DoT: a connection that the server has closed is opened anew", async () => {
  await using server = new DnsTlsServer(answering);
  using resolver = resolverOf(server.port);
  assertEquals(await resolver.resolve("a.test", { signal }), found);
  server.dropAll();
  assertEquals(await resolver.resolve("b.test", { signal }), found);
  assertEquals(server.accepted, 2);
});

Deno.test("DoT: a connection that breaks under a question is opened anew, once", async () => {
  let breaks = 0;
  await using server: DnsTlsServer = new DnsTlsServer((query) => {
    if (query.name === "a.test" || breaks === 0) return addresses(query, hosts);
    breaks--;
    server.dropAll();
    return mute;
  });
  using resolver = resolverOf(server.port);
  await resolver.resolve("a.test", { signal });
  breaks = 1;
  assertEquals(await resolver.resolve("b.test", { signal }), found);
  assertEquals(server.accepted, 2);
  breaks = 100;
  const message = `Cannot look up c.test with tls://127.0.0.1:${server.port}: the server closed the connection`;
  await assertRejects(() => resolver.resolve("c.test", { signal }), Error, message);
  assertEquals(server.accepted, 3);
});

Deno.test("DoT: a connection that was open and stays silent for 2 s is given up for a new one", async () => {
  let isDead = false;
  await using server: DnsTlsServer = new DnsTlsServer((query) =>
    isDead && server.accepted === 1 ? mute : addresses(query, hosts)
  );
  const clock = new FakeClock();
  using resolver = resolverOf(server.port, { clock });
  await resolver.resolve("a.test", { signal });
  isDead = true;
  const done = resolver.resolve("b.test", { signal });
  await settleUntil(() => server.queries.length === 4);
  await clock.advance(1_999);
  assertEquals(server.accepted, 1);
  await clock.advance(1);
  assertEquals([await done, server.accepted], [found, 2]);
});

Deno.test("DoT: a server that says nothing is given up in time", async () => {
  await using server = new DnsTlsServer(() => mute);
  using resolver = resolverOf(server.port, { timeoutMs: 300 });
  const message = `Cannot look up a.test with tls://127.0.0.1:${server.port}: no answer within 0.3 s`;
  await assertRejects(() => resolver.resolve("a.test", { signal }), Error, message);
});

Deno.test("DoT: a server that does not finish the handshake is given up in time, and leaves no socket behind", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = listener.accept();
  const { port } = listener.addr as Deno.NetAddr;
  using resolver = resolverOf(port, { timeoutMs: 100 });
  await assertRejects(() => resolver.resolve("a.test", { signal }), Error, "no answer within 0.1 s");
  (await accepting).close();
});

Deno.test("DoT: where nobody listens, or no TLS server, the error says so", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  {
    using resolver = resolverOf(port);
    const accepting = listener.accept().then(async (conn) => {
      await conn.write(new TextEncoder().encode("SSH-2.0-OpenSSH_9.2\r\n"));
      conn.close();
    });
    const message = `Cannot look up a.test with tls://127.0.0.1:${port}: `;
    await assertRejects(() => resolver.resolve("a.test", { signal }), Error, message);
    await accepting;
  }
  listener.close();
  using resolver = resolverOf(port);
  await assertRejects(() => resolver.resolve("a.test", { signal }), Error, "refused");
});

Deno.test("DoT: disposing ends a connection, a handshake, and what waits for them", async () => {
  await using server = new DnsTlsServer((query) => query.name === "a.test" ? addresses(query, hosts) : mute);
  const resolver = resolverOf(server.port);
  await resolver.resolve("a.test", { signal });
  const pending = assertRejects(() => resolver.resolve("b.test", { signal }), Error, "the resolver was closed");
  await settleUntil(() => server.queries.length === 4);
  resolver[Symbol.dispose]();
  await pending;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const early = resolverOf((listener.addr as Deno.NetAddr).port);
  const handshaking = assertRejects(() => early.resolve("a.test", { signal }), Error, "the resolver was closed");
  const accepted = await listener.accept();
  await accepted.read(new Uint8Array(1));
  early[Symbol.dispose]();
  await handshaking;
  accepted.close();
});

async function settleUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await settle();
}
