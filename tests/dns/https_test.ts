import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Clock } from "../../lib/clock.ts";
import { DnsHttps } from "../../lib/dns/https.ts";
import { type CachingResolver, createResolver } from "../../lib/dns/resolver.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import {
  addresses,
  dnsAuthority,
  DnsHttpsServer,
  type DnsReply,
  type DnsScript,
  mute,
  nothing,
  rcodes,
} from "../support/dns_server.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const hosts = ["192.0.2.1", "2001:db8::1"];
const found = ["2001:db8::1", "192.0.2.1"];
const signal = new AbortController().signal;
const answering: DnsScript = (query) => addresses(query, hosts);

function resolverOf(
  url: string,
  { clock = systemClock, caCerts = [dnsAuthority] }: { clock?: Clock; caCerts?: string[] } = {},
): CachingResolver {
  return createResolver({ kind: "https", url }, { clock, timeoutMs: 5_000, caCerts });
}

/** What a server that answers every request with `response` brings for `a.test`. */
async function refusal(respond: () => Response): Promise<string> {
  await using server = new DnsHttpsServer(answering, respond);
  using resolver = resolverOf(server.url);
  const error = await assertRejects(() => resolver.resolve("a.test", { signal }), Error);
  return error.message.replace(new URL(server.url).origin, "ORIGIN");
}

const cannot = (reason: string) => `Cannot look up a.test with ORIGIN: ${reason}`;

Deno.test("DoH: both families by POST, padded, under id 0", async () => {
  await using server = new DnsHttpsServer(answering);
  using resolver = resolverOf(server.url);
  for (const name of ["a.test", "b.test"]) assertEquals(await resolver.resolve(name, { signal }), found);
  const type = "application/dns-message";
  assertEquals(server.requests, Array(4).fill({ method: "POST", path: "/dns-query", contentType: type, accept: type }));
  assertEquals(server.queries.map(({ id, size }) => [id, size]), Array(4).fill([0, 128]));
});

Deno.test("DoH: a name in the URL is looked up by the system", async () => {
  await using server = new DnsHttpsServer(answering);
  using resolver = resolverOf(server.url.replace("127.0.0.1", "localhost"));
  assertEquals(await resolver.resolve("a.test", { signal }), found);
});

Deno.test("DoH: what a server says that has no addresses", async () => {
  for (
    const [reply, reason] of [
      [nothing(rcodes.nxdomain, 60), "it says that there is no such name"],
      [{ rcode: rcodes.servfail }, "it answered SERVFAIL"],
      [{ question: { name: "b.test", type: "A" } }, "it sent something else than an answer"],
    ] as const
  ) {
    await using server = new DnsHttpsServer(() => reply);
    using resolver = resolverOf(server.url);
    const message = `Cannot look up a.test with ${new URL(server.url).origin}: ${reason}`;
    await assertRejects(() => resolver.resolve("a.test", { signal }), Error, message);
  }
});

Deno.test("DoH: what is no DNS message over HTTP is refused, in words", async () => {
  const type = "application/dns-message";
  const page = () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } });
  assertEquals(await refusal(page), cannot(`it answered with text/html, expected ${type}`));
  assertEquals(await refusal(() => new Response(null)), cannot(`it answered with no content type, expected ${type}`));
  const missing = () => new Response("Not here", { status: 404, headers: { "content-type": type } });
  assertEquals(await refusal(missing), cannot("it answered with HTTP status 404"));
  const garbage = () => new Response("garbage", { headers: { "content-type": type } });
  assertEquals(await refusal(garbage), cannot("it sent something else than an answer"));
  const huge = () => new Response(new Uint8Array(65_536), { headers: { "content-type": `${type}; charset=x` } });
  assertEquals(await refusal(huge), cannot("it sent more than 65535 bytes"));
});

Deno.test("DoH: redirects are not followed", async () => {
  const message = await refusal(() =>
    new Response(null, { status: 302, headers: { location: "https://127.0.0.1:1/" } })
  );
  assert(message.includes("redirect"), message);
});

Deno.test("DoH: the certificate must come from an authority that is trusted, and no error shows the URL's path", async () => {
  await using server = new DnsHttpsServer(answering);
  using resolver = resolverOf(server.url.replace("dns-query", "account-4711?key=x"), { caCerts: [] });
  const error = await assertRejects(() => resolver.resolve("a.test", { signal }), Error, "UnknownIssuer");
  assert(!error.message.includes("4711"), error.message);
  assertEquals(server.requests, []);
});

Deno.test("DoH: a request that fails leaves one alone that is under way", async () => {
  const held = Promise.withResolvers<DnsReply>();
  let broken: Response | undefined = new Response("broken", { status: 500 });
  await using server = new DnsHttpsServer((query) => query.type === "A" ? held.promise : nothing(0, 60), () => {
    const response = broken;
    broken = undefined;
    return response;
  });
  using transport = new DnsHttps(server.url, [dnsAuthority]);
  const slow = transport.exchange({ name: "a.test", type: "A" }, signal);
  while (server.queries.length < 1) await settle();
  const failing = () => transport.exchange({ name: "a.test", type: "AAAA" }, signal);
  await assertRejects(failing, Error, "it answered with HTTP status 500");
  held.resolve(addresses({ name: "a.test", type: "A" }, hosts));
  assertEquals(await slow, { kind: "addresses", addresses: ["192.0.2.1"], ttlSeconds: 60 });
  assertEquals((await failing()).kind, "none");
});

Deno.test("DoH: a server that came back at the same address is asked again", async () => {
  const first = new DnsHttpsServer(answering);
  using resolver = resolverOf(first.url);
  assertEquals(await resolver.resolve("a.test", { signal }), found);
  await first[Symbol.asyncDispose]();
  await assertRejects(() => resolver.resolve("b.test", { signal }), Error, "refused");
  await using second = new DnsHttpsServer(answering, undefined, Number(new URL(first.url).port));
  assertEquals(await resolver.resolve("c.test", { signal }), found);
  assertEquals(second.queries.length, 2);
});

Deno.test("DoH: a server that says nothing is given up in time, and its connection, which may be dead, with it", async () => {
  await using server = new DnsHttpsServer((query) => query.name === "mute.test" ? mute : addresses(query, hosts));
  const clock = new FakeClock();
  using resolver = resolverOf(server.url, { clock });
  const message = `Cannot look up mute.test with ${new URL(server.url).origin}: no answer within 5 s`;
  const givenUp = assertRejects(() => resolver.resolve("mute.test", { signal }), Error, message);
  while (server.queries.length < 2) await settle();
  await clock.advance(5_000);
  await givenUp;
  assertEquals(await resolver.resolve("a.test", { signal }), found);
  assertEquals(await resolver.resolve("b.test", { signal }), found);
  const ports = (name: string) =>
    new Set(server.queries.filter((query) => query.name === name).map(({ port }) => port));
  assertEquals(ports("mute.test").intersection(ports("a.test")).size, 0);
  assert(ports("a.test").intersection(ports("b.test")).size > 0);
});

Deno.test("DoH: disposing ends what is pending", async () => {
  await using server = new DnsHttpsServer(() => mute);
  const resolver = resolverOf(server.url);
  const pending = assertRejects(() => resolver.resolve("a.test", { signal }), Error, "the resolver was closed");
  while (server.queries.length < 2) await settle();
  resolver[Symbol.dispose]();
  await pending;
});
