/** Hellos over real sockets: slow, in many records, replayed, with a clock that is off. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ByteReader, randomBytes } from "../support/byte_reader.ts";
import { clientHello, clientRandom, type HelloShape, helloShapes, splitHello } from "../support/client_hello.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { answerAfterFin, Site, siteName } from "../support/fronted_site.ts";
import { RawClient, sendAll } from "../support/raw_client.ts";
import { readServerFlight, verifyServerFlight } from "../support/server_flight.ts";
import { startProxy } from "./tested_proxy.ts";

const answer = randomBytes(900);
const now = () => Math.floor(Date.now() / 1_000);

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Sends bytes one by one, with a pause now and then so that they do not all arrive together. */
async function sendSlowly(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at++) {
    await sendAll(conn, bytes.subarray(at, at + 1));
    if (at % 64 === 0) await pause(1);
  }
}

for (const shape of helloShapes) {
  Deno.test(`a client with a hello of shape ${shape} reaches its data centre`, async () => {
    await using dc = FakeDc.start({ mode: "packets" });
    await using proxy = await startProxy({ dc });
    using client = await RawClient.connect({ port: proxy.port, secret: proxy.secret, hello: { shape } });
    await client.write(new Uint8Array(0));
    await client.closeWrite();
    assertEquals(await client.readAll(), new Uint8Array(0));
  });
}

const slow: readonly (readonly [HelloShape, number])[] = [["tdlib", 1], ["tdlib", 16], ["old", 1], ["old", 16]];

for (const [shape, records] of slow) {
  Deno.test(`a hello of shape ${shape} in ${records} records is answered, a byte at a time`, async () => {
    await using proxy = await startProxy();
    const { key } = proxy.secret;
    const whole = clientHello({ shape, host: siteName, key, timeSeconds: now() });
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
    conn.setNoDelay(true);
    await sendSlowly(conn, splitHello(whole, records));
    const reader = new ByteReader((into) => conn.read(into));
    verifyServerFlight(await readServerFlight(reader), key, clientRandom(whole));
    assertEquals(reader.heldBytes, 0);
  });
}

Deno.test("a client may spread its frame over many records and segments", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using proxy = await startProxy({ dc });
  for (const frameRecords of [1, 2, 16, 64]) {
    using client = await RawClient.connect({
      port: proxy.port,
      secret: proxy.secret,
      frameRecords,
      recordSize: frameRecords * 3,
      helloCuts: frameRecords === 2 ? [1, 2, 3, 4, 37] : undefined,
    });
    const bytes = randomBytes(2_000);
    await client.write(bytes);
    assertEquals(await client.readExactly(bytes.length), bytes);
  }
});

Deno.test("a replayed hello goes to the fronted site, and the first client is not disturbed", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using site = Site.plain(answerAfterFin(answer));
  await using proxy = await startProxy({ dc, site });
  using client = await RawClient.connect({ port: proxy.port, secret: proxy.secret });
  for (let i = 0; i < 2; i++) {
    using replay = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
    await sendAll(replay, client.hello);
    await replay.closeWrite();
    assertEquals(await new ByteReader((into) => replay.read(into)).all(), answer);
    assertEquals(site.received(i), client.hello);
  }
  const bytes = randomBytes(100);
  await client.write(bytes);
  assertEquals(await client.readExactly(100), bytes);
  await proxy.ledger.until("refused", { count: 2 });
  assertEquals(proxy.ledger.of("refused").map(({ code }) => code), ["replayed", "replayed"]);
});

for (const offSeconds of [-130, 130, -86_400]) {
  Deno.test(`a client whose clock is off by ${offSeconds} s sees the fronted site`, async () => {
    await using site = Site.plain(answerAfterFin(answer));
    await using proxy = await startProxy({ site });
    const { key } = proxy.secret;
    const hello = clientHello({ shape: "ios", host: siteName, key, timeSeconds: now() + offSeconds });
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
    await sendAll(conn, hello);
    await conn.closeWrite();
    assertEquals(await new ByteReader((into) => conn.read(into)).all(), answer);
    await proxy.ledger.until("refused");
    assertEquals([site.received(), proxy.ledger.of("refused")[0]?.code], [hello, "bad-timestamp"]);
  });
}

for (const offSeconds of [-110, 110]) {
  Deno.test(`a client whose clock is off by ${offSeconds} s is served`, async () => {
    await using proxy = await startProxy();
    using client = await RawClient.connect({
      port: proxy.port,
      secret: proxy.secret,
      hello: { timeSeconds: now() + offSeconds },
    });
    assert(client.flight !== undefined);
  });
}

Deno.test("a client beyond the limit is closed, and there is room again when one has gone", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using proxy = await startProxy({ dc, concurrency: 2 });
  const connect = () => RawClient.connect({ port: proxy.port, secret: proxy.secret });
  using first = await connect();
  using second = await connect();
  for (const client of [first, second]) await client.write(randomBytes(4));
  await assertRejects(connect);
  await proxy.ledger.until("limited");
  assertEquals(proxy.ledger.of("limited").map(({ concurrency }) => concurrency), [2]);
  first.close();
  await proxy.ledger.until("closed", { count: 2 });
  using fourth = await connect();
  await fourth.write(randomBytes(4));
  assertEquals((await fourth.readExactly(4)).length, 4);
});
