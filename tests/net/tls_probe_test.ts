import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import { systemRandom } from "../../lib/crypto/random.ts";
import { makeClientHello } from "../../lib/faketls/own_client_hello.ts";
import { directDialer } from "../../lib/net/dialer.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import { watchFlight } from "../../lib/net/tls_probe.ts";
import { alertRecord, record, siteHelloRecord } from "../faketls/site_flights.ts";
import { concat } from "../support/byte_reader.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { ResettingSite, silence, Site, type SiteScript } from "../support/fronted_site.ts";
import { memoryPipe } from "../support/memory_pipe.ts";
import { NodeSite } from "../support/node_site.ts";

function hello(): Uint8Array {
  const key = new Uint8Array(16).fill(1);
  return makeClientHello({ host: "front.test", key, timeSeconds: 0, random: systemRandom }).bytes;
}

async function watch(port: number) {
  const address: Address = { kind: "tcp", host: "127.0.0.1", port };
  const signal = AbortSignal.timeout(5_000);
  const conn = await directDialer.dial(address, { signal });
  return await watchFlight(conn, hello(), { clock: systemClock, signal });
}

/** Answers every hello with these bytes, then waits for the end. */
function answer(bytes: Uint8Array): SiteScript {
  return async ({ reader, write }) => {
    await reader.some();
    await write(bytes);
    await reader.all();
  };
}

Deno.test("watchFlight() does see what a real server of TLS 1.3 agrees on and sends", async () => {
  await using site = Site.tls();
  const flight = await watch(site.port);
  if (flight?.kind !== "hello") throw new Error(`${flight?.kind}`);
  const { version, group, isRetry } = flight.hello;
  assertEquals([version, group, isRetry], [0x0304, 0x11ec, false]);
  const [change, ...encrypted] = flight.records;
  assertEquals(change, { type: 0x14, size: 1 });
  assert(encrypted.length > 0 && encrypted.every(({ type, size }) => type === 0x17 && size > 16));
});

Deno.test("watchFlight() does see that a server speaks TLS 1.2 alone", async () => {
  await using server = await NodeSite.start({ maxVersion: "TLSv1.2" });
  const flight = await watch(server.port);
  if (flight?.kind !== "hello") throw new Error(`${flight?.kind}`);
  assertEquals([flight.hello.version, flight.hello.group], [0x0303, undefined]);
});

Deno.test("watchFlight() does tell a refusal, another protocol, and a server that hangs up", async () => {
  const notFound = new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n");
  const cases: readonly (readonly [SiteScript, string | undefined])[] = [
    [answer(alertRecord(40)), "alert"],
    [answer(notFound), "not-tls"],
    [async ({ reader }) => void await reader.some(), undefined],
    [async ({ reader, write, closeWrite }) => {
      await reader.some();
      await write(siteHelloRecord({ version: 0x0304 }).subarray(0, 20));
      await closeWrite();
      await reader.all();
    }, undefined],
  ];
  for (const [script, expected] of cases) {
    await using site = Site.plain(script);
    assertEquals((await watch(site.port))?.kind, expected);
  }
});

Deno.test("watchFlight() does reject if a server resets the connection", async () => {
  await using site = await ResettingSite.start();
  await assertRejects(() => watch(site.port), Error);
});

Deno.test("watchFlight() does keep what came before a reset", async () => {
  const bytes = concat(siteHelloRecord({ version: 0x0304, group: 0x1d }), record(0x17, 100));
  await using site = await ResettingSite.start(bytes);
  const flight = await watch(site.port);
  assertEquals(flight?.kind, "hello");
});

Deno.test("watchFlight() does read on until the server pauses, which is told by the clock", async () => {
  const clock = new FakeClock();
  const [near, far] = memoryPipe();
  const { signal } = new AbortController();
  const watching = watchFlight(near, Uint8Array.of(1), { clock, signal });
  await far.write(siteHelloRecord({ version: 0x0304, group: 0x1d }));
  await clock.advance(600);
  await far.write(record(0x17, 100));
  await clock.advance(600);
  await far.write(record(0x17, 50));
  await clock.advance(699);
  assertEquals(clock.pendingMs, [1]);
  await clock.advance(1);
  const flight = await watching;
  assertEquals(flight?.kind === "hello" && flight.records.map(({ size }) => size), [100, 50]);
  assertEquals(clock.pendingMs, []);
  far[Symbol.dispose]();
});

Deno.test("watchFlight() does read no more than 64 KiB", async () => {
  const clock = new FakeClock();
  const [near, far] = memoryPipe();
  const { signal } = new AbortController();
  const watching = watchFlight(near, Uint8Array.of(1), { clock, signal });
  const flood = concat(siteHelloRecord({ version: 0x0304 }), ...Array.from({ length: 8 }, () => record(0x17, 16_000)));
  const flooding = (async () => {
    for (let sent = 0; sent < flood.length;) sent += await far.write(flood.subarray(sent));
  })().catch(() => {});
  const flight = await watching;
  assertEquals(flight?.kind === "hello" && flight.records.length, 4);
  await flooding;
  far[Symbol.dispose]();
});

Deno.test("watchFlight() does end with its signal's reason while the server is silent, and closes", async () => {
  await using site = Site.plain(silence);
  const ending = new AbortController();
  const conn = await directDialer.dial({ kind: "tcp", host: "127.0.0.1", port: site.port }, { signal: ending.signal });
  const watching = watchFlight(conn, hello(), { clock: systemClock, signal: ending.signal });
  await settle();
  ending.abort(new Error("no answer within 4 s"));
  await assertRejects(() => watching, Error, "no answer within 4 s");
});
