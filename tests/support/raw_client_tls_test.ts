import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Secret, secretOf } from "../../lib/policy/secret.ts";
import { ByteReader, concat, randomBytes } from "./byte_reader.ts";
import { clientRandom, helloShapes } from "./client_hello.ts";
import { answerAfter, Site, type SiteConn, type SiteScript } from "./fronted_site.ts";
import { acceptFrame } from "./obfuscated2_client.ts";
import { RawClient, type RawClientOptions, records } from "./raw_client.ts";
import { serverFlight } from "./server_flight.ts";

const key = randomBytes(16);
const secret: Secret = secretOf("tls", key, "front.test");

interface SeenRecord {
  readonly type: number;
  readonly size: number;
}

/** Just enough of a fake-TLS proxy to try the client against: it echoes, in records of at most 1,000 bytes. */
function fakeTlsEcho(seen: SeenRecord[], spoil: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes): SiteScript {
  return async (conn) => {
    const hello = await readHello(conn);
    await conn.write(spoil(serverFlight({ key, clientRandom: clientRandom(hello), sessionId: hello.slice(44, 76) })));
    const wire = new ByteReader(async (into) => {
      const record = await nextRecord(conn, seen);
      into.set(record ?? []);
      return record === null ? null : record.length;
    });
    const { ciphers } = acceptFrame(await wire.exactly(64), key);
    using _ = ciphers;
    for (let part = await wire.some(); part !== null; part = await wire.some()) {
      await conn.write(records(ciphers.encrypt.update(ciphers.decrypt.update(part)), 1_000));
    }
    await conn.closeWrite();
  };
}

/** The hello as if it had come in one record. */
async function readHello(conn: SiteConn): Promise<Uint8Array> {
  let body = new Uint8Array(0);
  let version = new Uint8Array(0);
  while (body.length < 4 || body.length < 4 + new DataView(body.buffer).getUint32(0) % (1 << 24)) {
    const header = await conn.reader.exactly(5);
    version = header.slice(0, 3);
    body = concat(body, await conn.reader.exactly((header[3]! << 8) | header[4]!));
  }
  return concat(version, Uint8Array.of(body.length >> 8, body.length & 0xff), body);
}

/** The next application data; anything else is noted and skipped. */
async function nextRecord(conn: SiteConn, seen: SeenRecord[]): Promise<Uint8Array | null> {
  for (let first = await conn.reader.some(1); first !== null; first = await conn.reader.some(1)) {
    const header = concat(first, await conn.reader.exactly(4));
    const payload = await conn.reader.exactly((header[3]! << 8) | header[4]!);
    seen.push({ type: header[0]!, size: payload.length });
    if (header[0] === 0x17) return payload;
  }
  return null;
}

async function roundTrip(options: Omit<RawClientOptions, "port" | "secret">, payload: Uint8Array) {
  const seen: SeenRecord[] = [];
  await using site = Site.plain(fakeTlsEcho(seen));
  using client = await RawClient.connect({ port: site.port, secret, ...options });
  await client.write(payload);
  await client.closeWrite();
  assertEquals(await client.readAll(), payload);
  return { seen, client };
}

for (const shape of helloShapes) {
  Deno.test(`RawClient greets a fake-TLS proxy with a hello of shape ${shape}`, async () => {
    const { client } = await roundTrip({ hello: { shape } }, randomBytes(100));
    assertEquals([client.flight?.serverHelloSize, client.flight?.group, client.flight?.version], [127, 0x1d, 0x0304]);
  });
}

Deno.test("RawClient sends the ChangeCipherSpec first, and the frame with the first payload", async () => {
  const { seen } = await roundTrip({}, randomBytes(3_000));
  assertEquals(seen, [{ type: 0x14, size: 1 }, { type: 0x17, size: 2_878 }, { type: 0x17, size: 186 }]);
});

Deno.test("RawClient spreads the frame over records", async () => {
  const { seen } = await roundTrip({ frameRecords: 3 }, randomBytes(10));
  assertEquals(seen.map(({ size }) => size), [1, 22, 22, 20, 10]);
});

Deno.test("RawClient sends records as large as those of iOS", async () => {
  const { seen } = await roundTrip({ recordSize: 16_408 }, randomBytes(20_000));
  assertEquals(seen.map(({ size }) => size), [1, 16_408, 3_656]);
});

Deno.test("RawClient splits its hello over records", async () => {
  const { client } = await roundTrip({ helloCuts: 16 }, randomBytes(10));
  assert(client.hello.filter((byte, at) => byte === 0x16 && client.hello[at + 1] === 3).length >= 16);
});

Deno.test("RawClient reports the sizes of the records that it gets", async () => {
  const { client } = await roundTrip({}, randomBytes(2_500));
  assertEquals(client.recordSizes, [1_000, 1_000, 500]);
});

Deno.test("RawClient refuses a flight with a wrong digest", async () => {
  await using site = Site.plain(fakeTlsEcho([], (flight) => flight.with(60, flight[60]! ^ 1)));
  await assertRejects(() => RawClient.connect({ port: site.port, secret }), Error, "digest");
});

Deno.test("RawClient refuses bytes after the flight", async () => {
  await using site = Site.plain(fakeTlsEcho([], (flight) => concat(flight, records(randomBytes(40), 40))));
  await assertRejects(() => RawClient.connect({ port: site.port, secret }), Error, "followed the flight");
});

const refused: readonly [string, Uint8Array, string][] = [
  ["an alert", Uint8Array.of(0x15, 3, 3, 0, 2, 1, 0), "every client closes here"],
  ["an empty record", Uint8Array.of(0x17, 3, 3, 0, 0), "iOS would stall"],
  ["an over-long record", Uint8Array.of(0x17, 3, 3, 0x40, 1), "TLS allows"],
  ["half a record", Uint8Array.of(0x17, 3, 3, 0, 9, 1), "before the end of a record"],
];

for (const [name, bytes, message] of refused) {
  Deno.test(`RawClient refuses ${name}`, async () => {
    await using site = Site.plain(async (conn) => {
      const hello = await readHello(conn);
      await conn.write(serverFlight({ key, clientRandom: clientRandom(hello), sessionId: hello.slice(44, 76) }));
      await answerAfter(1, bytes)({ ...conn, write: (part) => conn.write(part).then(conn.closeWrite) });
    });
    using client = await RawClient.connect({ port: site.port, secret });
    await client.write(randomBytes(10));
    await assertRejects(() => client.readAll(), Error, message);
  });
}
