import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { Clock } from "../../lib/clock.ts";
import { type CachingResolver, createResolver } from "../../lib/dns/resolver.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import { hasIpv6 } from "../net/sockets.ts";
import { addresses, type DnsScript, DnsUdpServer, encodeReply, mute, nothing, rcodes } from "../support/dns_server.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const both = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
const signal = new AbortController().signal;

function resolverOf(server: DnsUdpServer, clock: Clock = systemClock, timeoutMs = 5_000): CachingResolver {
  return createResolver({ kind: "udp", host: "127.0.0.1", port: server.port }, { clock, timeoutMs });
}

/** What a server that answers by `script` brings for `a.test`. */
async function outcome(script: DnsScript): Promise<string> {
  await using server = new DnsUdpServer(script);
  using resolver = resolverOf(server);
  return await resolver.resolve("a.test", { signal }).then(
    (found) => found.join(),
    (error: Error) => error.message.replace(`${server.port}`, "PORT"),
  );
}

const cannot = (reason: string) => `Cannot look up a.test with udp://127.0.0.1:PORT: ${reason}`;

Deno.test("UDP: the addresses of both families, IPv6 first, by two questions on two ports", async () => {
  await using server = new DnsUdpServer((query) => addresses(query, both));
  using resolver = resolverOf(server);
  assertEquals(await resolver.resolve("a.test", { signal }), ["2001:db8::1", "192.0.2.1", "192.0.2.2"]);
  const [one, two] = server.queries;
  assertEquals(server.queries.map(({ type }) => type).sort(), ["A", "AAAA"]);
  assertEquals(server.queries.map(({ transport, size }) => [transport, size]), [["udp", 24], ["udp", 24]]);
  assertNotEquals(one!.port, two!.port);
});

Deno.test("UDP: ids are random", async () => {
  await using server = new DnsUdpServer((query) => addresses(query, both));
  const fill = (into: Uint8Array) => into.fill(0xab);
  const random = { fill, x25519PublicKey: () => new Uint8Array(32) };
  const dns = { kind: "udp", host: "127.0.0.1", port: server.port } as const;
  using fixed = createResolver(dns, { clock: systemClock, timeoutMs: 5_000, random });
  await fixed.resolve("a.test", { signal });
  assertEquals(server.queries.map(({ id }) => id), [0xabab, 0xabab]);
  using resolver = resolverOf(server);
  for (let index = 0; index < 8; index++) await resolver.resolve(`n${index}.test`, { signal });
  assert(new Set(server.queries.slice(2).map(({ id }) => id)).size > 8);
});

Deno.test("UDP: a family that has no address, or fails, leaves the other alone", async () => {
  assertEquals(
    await outcome((query) => query.type === "A" ? addresses(query, both) : nothing(0, 60)),
    both.slice(0, 2).join(),
  );
  assertEquals(await outcome((query) => query.type === "AAAA" ? addresses(query, both) : { rcode: 2 }), both[2]);
});

Deno.test("UDP: half of an answer is remembered for half a minute only", async () => {
  await using server = new DnsUdpServer((query) =>
    query.type === "AAAA" && query.nth === 1 ? { rcode: rcodes.servfail } : addresses(query, both, 3_600)
  );
  const clock = new FakeClock();
  using resolver = resolverOf(server, clock);
  assertEquals(await resolver.resolve("a.test", { signal }), both.slice(0, 2));
  await clock.advance(29_999);
  assertEquals(await resolver.resolve("a.test", { signal }), both.slice(0, 2));
  await clock.advance(1);
  assertEquals((await resolver.resolve("a.test", { signal })).length, 3);
});

Deno.test("UDP: addresses of one family wait 1.5 s for an answer about the other", async () => {
  await using server = new DnsUdpServer((query) => query.type === "A" ? addresses(query, both) : mute);
  const clock = new FakeClock();
  using resolver = resolverOf(server, clock);
  let found: readonly string[] | undefined;
  const done = resolver.resolve("a.test", { signal }).then((it) => found = it);
  while (!clock.pendingMs.includes(1_500)) await settle();
  await clock.advance(1_499);
  assertEquals(found, undefined);
  await clock.advance(1);
  await done;
  assertEquals([found, clock.pendingMs], [both.slice(0, 2), []]);
});

Deno.test("UDP: what a server says that has no addresses", async () => {
  assertEquals(await outcome(() => nothing(rcodes.nxdomain, 60)), cannot("it says that there is no such name"));
  assertEquals(await outcome(() => nothing(0, 60)), cannot("it knows no address of that name"));
  assertEquals(await outcome(() => ({ rcode: rcodes.servfail })), cannot("it answered SERVFAIL"));
  assertEquals(
    await outcome(({ type }) => ({ rcode: type === "A" ? rcodes.servfail : rcodes.refused })),
    cannot("it answered REFUSED; it answered SERVFAIL"),
  );
  // One family alone cannot tell that there is nothing to be had; but that there is no such name, it can.
  assertEquals(
    await outcome(({ type }) => type === "A" ? { rcode: 2 } : nothing(0, 60)),
    cannot("it answered SERVFAIL"),
  );
  assertEquals(
    await outcome(({ type }) => type === "A" ? { rcode: 2 } : nothing(3, 60)),
    cannot("it says that there is no such name"),
  );
});

Deno.test("UDP: a question that is lost is sent again after 1 s, 2 s and so on, from the same socket", async () => {
  await using server = new DnsUdpServer((query) => query.nth < 3 ? mute : addresses(query, both));
  const clock = new FakeClock();
  using resolver = resolverOf(server, clock);
  const done = resolver.resolve("a.test", { signal });
  const asked = (count: number) => settleUntil(() => server.queries.length === count && clock.pendingMs.length === 3);
  await asked(2);
  assertEquals(clock.pendingMs, [1_000, 1_000, 5_000]);
  await clock.advance(1_000);
  await asked(4);
  assertEquals(clock.pendingMs, [2_000, 2_000, 4_000]);
  await clock.advance(2_000);
  assertEquals((await done).length, 3);
  for (const type of ["A", "AAAA"]) {
    const same = server.queries.filter((query) => query.type === type);
    assertEquals([same.length, new Set(same.map(({ id, port }) => `${id} ${port}`)).size], [3, 1]);
  }
  assertEquals(clock.pendingMs, []);
});

Deno.test("UDP: a server that says nothing is given up in time", async () => {
  await using server = new DnsUdpServer(() => mute);
  using resolver = resolverOf(server, systemClock, 100);
  const message = `Cannot look up a.test with udp://127.0.0.1:${server.port}: no answer within 0.1 s`;
  await assertRejects(() => resolver.resolve("a.test", { signal }), Error, message);
});

Deno.test("UDP: answers with another id, or to another question, are ignored", async () => {
  const forged = { name: "a.test", type: "A", ttl: 60, data: "203.0.113.66" };
  const found = await outcome((query) => [
    { id: query.id ^ 1, answers: [forged] },
    { question: { name: "b.test", type: query.type }, answers: [{ ...forged, name: "b.test" }] },
    addresses(query, both),
  ]);
  assertEquals(found, "2001:db8::1,192.0.2.1,192.0.2.2");
});

Deno.test("UDP: the right answer from the wrong address is ignored", async () => {
  await using stranger = new DnsUdpServer(() => mute);
  await using server = new DnsUdpServer(async (query) => {
    await stranger.inject(query.port, encodeReply(query, addresses(query, ["203.0.113.66", "2001:db8::66"])));
    await stranger.inject(query.port, new Uint8Array(3));
    return addresses(query, both);
  });
  using resolver = resolverOf(server);
  assertEquals(await resolver.resolve("a.test", { signal }), ["2001:db8::1", "192.0.2.1", "192.0.2.2"]);
});

Deno.test("UDP: an answer that has no room is fetched over TCP", async () => {
  const many = Array.from({ length: 200 }, (_, index) => `192.0.2.${index}`);
  await using server = new DnsUdpServer((query) =>
    query.transport === "udp" ? { truncated: true } : addresses(query, many)
  );
  using resolver = resolverOf(server);
  assertEquals(await resolver.resolve("a.test", { signal }), many);
  assertEquals(server.queries.map(({ transport }) => transport).sort(), ["tcp", "tcp", "udp", "udp"]);
});

Deno.test("UDP: a server that answers nothing over TCP, or too little, has failed", async () => {
  assertEquals(await outcome(() => ({ truncated: true })), cannot("its answer was cut short"));
  const wrong = await outcome((query) =>
    query.transport === "udp" ? { truncated: true } : { question: { name: "b.test", type: "A" } }
  );
  assertEquals(wrong, cannot("it sent something else than an answer"));
});

Deno.test("UDP: addresses live as long as their records say, by the clock", async () => {
  await using server = new DnsUdpServer((query) => addresses(query, [`192.0.2.${query.nth}`], 90));
  const clock = new FakeClock();
  using resolver = resolverOf(server, clock);
  assertEquals(await resolver.resolve("a.test", { signal }), ["192.0.2.1"]);
  await clock.advance(89_999);
  assertEquals(await resolver.resolve("a.test", { signal }), ["192.0.2.1"]);
  await clock.advance(1);
  assertEquals(await resolver.resolve("a.test", { signal }), ["192.0.2.2"]);
});

Deno.test("UDP: disposing closes the sockets of what is pending", async () => {
  await using server = new DnsUdpServer(() => mute);
  const clock = new FakeClock();
  const resolver = resolverOf(server, clock);
  const pending = assertRejects(() => resolver.resolve("a.test", { signal }), Error, "the resolver was closed");
  await settleUntil(() => server.queries.length === 2);
  resolver[Symbol.dispose]();
  await pending;
  await settleUntil(() => clock.pendingMs.length === 0);
});

Deno.test({
  name: "UDP: a server with an IPv6 address, however it is written",
  ignore: !hasIpv6(),
  async fn() {
    await using server = new DnsUdpServer((query) => addresses(query, both), "::1");
    const dns = { kind: "udp", host: "0:0:0:0:0:0:0:1", port: server.port } as const;
    using resolver = createResolver(dns, { clock: systemClock, timeoutMs: 5_000 });
    assertEquals((await resolver.resolve("a.test", { signal })).length, 3);
  },
});

async function settleUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await settle();
}
