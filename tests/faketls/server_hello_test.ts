import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { type RandomSource, systemRandom } from "../../lib/crypto/random.ts";
import {
  certificateSizes,
  chooseSuite,
  flightAtMost,
  flightRecordAtMost,
  randomCertificateSize,
  writeServerFlight,
} from "../../lib/faketls/server_hello.ts";
import { patterned } from "../crypto/oracle.ts";
import published from "../fixtures/vectors/server_flight.json" with { type: "json" };
import { AndroidParser } from "../support/android_parser.ts";
import { concat } from "../support/byte_reader.ts";
import { clientRandom, helloShapes } from "../support/client_hello.ts";
import { verifyServerFlight } from "../support/server_flight.ts";
import { decodeWhole, helloAround, key, makeHello, recorded } from "./hellos.ts";

/** The bytes of a flight's records before the application data, at a session id of 32 bytes. */
const helloEnd = 127;

function flightFor(hello: Uint8Array, certificateSize: number = certificateSizes.least): Uint8Array {
  const into = new Uint8Array(flightAtMost).fill(0x77);
  return writeServerFlight(into, { key, hello: decodeWhole(hello), random: systemRandom, certificateSize });
}

for (const shape of helloShapes) {
  Deno.test(`writeServerFlight() answers a hello of shape ${shape} as every client wants it`, () => {
    const hello = makeHello({ shape });
    const certificateSize = randomCertificateSize(systemRandom);
    const { share, sessionId, ...seen } = verifyServerFlight(
      flightFor(hello, certificateSize),
      key,
      clientRandom(hello),
    );
    assertEquals(sessionId, decodeWhole(hello).sessionId.slice());
    assertEquals(share.length, 32);
    assertEquals(seen, {
      serverHelloSize: helloEnd,
      applicationDataSize: certificateSize,
      totalSize: helloEnd + 6 + 5 + certificateSize,
      suite: shape === "ios" ? 0x1302 : 0x1301,
      version: 0x0304,
      group: 0x1d,
    });
  });
}

for (let size = 0; size <= 255; size += size < 32 ? 1 : 223) {
  Deno.test(`writeServerFlight() gives a session id of ${size} bytes back`, () => {
    const sessionId = patterned(size, 1);
    const hello = makeHello({ sessionId });
    const flight = flightFor(hello);
    assertEquals(flight.length, helloEnd - 32 + size + 11 + certificateSizes.least);
    assertEquals(verifyServerFlight(flight, key, clientRandom(hello)).sessionId, sessionId);
  });
}

Deno.test("writeServerFlight() answers a hello of which nothing but the random can be read", () => {
  const hello = helloAround(Uint8Array.of(0xff));
  const flight = flightFor(hello);
  const { suite, sessionId } = verifyServerFlight(flight, key, clientRandom(hello));
  assertEquals([suite, sessionId.length], [0x1301, 0]);
});

Deno.test("writeServerFlight() writes the records that a published flight consists of", () => {
  // Theirs has key_share before supported_versions; both are right, and no client looks.
  const hello = {
    random: Uint8Array.fromHex(published.clientRandom),
    sessionId: Uint8Array.fromHex(published.sessionId),
    cipherSuites: Uint8Array.fromHex(published.suite),
  };
  const random: RandomSource = {
    fill: (into) => {
      into.set(Uint8Array.fromHex(published.applicationData));
      return into;
    },
    x25519PublicKey: () => Uint8Array.fromHex(published.x25519PublicKey),
  };
  const into = new Uint8Array(flightAtMost);
  const flight = writeServerFlight(into, {
    key: Uint8Array.fromHex(published.key),
    hello,
    random,
    certificateSize: published.applicationData.length / 2,
  });
  const versions = "002b00020304";
  const share = `00330024001d0020${published.x25519PublicKey}`;
  const inTheirOrder = flight.toHex().replace(versions + share, share + versions);
  const withoutRandom = (hex: string) => hex.slice(0, 22) + hex.slice(22 + 64);
  assertEquals(withoutRandom(inTheirOrder), withoutRandom(published.flight));
  verifyServerFlight(flight, Uint8Array.fromHex(published.key), hello.random);
  verifyServerFlight(Uint8Array.fromHex(published.flight), Uint8Array.fromHex(published.key), hello.random);
});

Deno.test("writeServerFlight() takes the start of its buffer, whatever it held, and nothing behind the flight", () => {
  const hello = makeHello();
  const into = new Uint8Array(flightAtMost).fill(0xab);
  const parts = { key, hello: decodeWhole(hello), random: systemRandom, certificateSize: 1 };
  const flight = writeServerFlight(into, parts);
  assert(flight.buffer === into.buffer && flight.byteOffset === 0);
  assert(into.subarray(flight.length).every((byte) => byte === 0xab));
  verifyServerFlight(flight, key, clientRandom(hello));
});

Deno.test("writeServerFlight() stays within its buffer and within iOS's limit at the largest of everything", () => {
  const hello = makeHello({ sessionId: patterned(255, 1) });
  const flight = flightFor(hello, flightRecordAtMost);
  assert(flight.length <= flightAtMost);
  assertEquals(flightRecordAtMost, 10_240);
  assertEquals(verifyServerFlight(flight, key, clientRandom(hello)).applicationDataSize, 10_240);
  for (const size of [0, -1, 10_241]) assertThrows(() => flightFor(hello, size), RangeError, String(size));
});

Deno.test("writeServerFlight() never makes two flights that look alike", () => {
  const hello = makeHello();
  const [one, two] = [flightFor(hello), flightFor(hello)];
  const [a, b] = [one, two].map((flight) => verifyServerFlight(flight, key, clientRandom(hello)));
  assertNotEquals(a!.share, b!.share);
  assertNotEquals(one.subarray(11, 43), two.subarray(11, 43));
  assertNotEquals(one.subarray(-2_000), two.subarray(-2_000));
});

const suiteLists: readonly [string, string, number][] = [
  ["the first of TLS 1.3", "130213011303", 0x1302],
  ["the third", "13031301", 0x1303],
  ["no GREASE", "8a8aaaaa1303", 0x1303],
  ["none of TLS 1.2", "c02bc02fc02cc030cca91302009c", 0x1302],
  ["none that TLS 1.3 has and OpenSSL has not", "130413051302", 0x1302],
  ["none that stands across two", "c01301131301", 0x1301],
  ["the last whole one of an odd list", "130313", 0x1303],
  ["a suite of TLS 1.3 though none was offered", "c02bc02f", 0x1301],
  ["a suite for an empty list", "", 0x1301],
  ["a suite for half a one", "13", 0x1301],
];

for (const [name, hex, suite] of suiteLists) {
  Deno.test(`chooseSuite() takes ${name}`, () => assertEquals(chooseSuite(Uint8Array.fromHex(hex)), suite));
}

for (const { name, cipherSuites } of recorded) {
  Deno.test(`chooseSuite() takes what ${name} offers first of TLS 1.3`, () => {
    const suite = chooseSuite(Uint8Array.fromHex(cipherSuites)).toString(16);
    assertEquals(suite, cipherSuites.match(/.{4}/g)?.find((offered) => /^130[123]$/.test(offered)));
  });
}

Deno.test("randomCertificateSize() stays within its bounds, reaches both, and fits into a record of iOS", () => {
  const constant = (byte: number): RandomSource => ({ ...systemRandom, fill: (into) => into.fill(byte) });
  assertEquals(randomCertificateSize(constant(0)), certificateSizes.least);
  assertEquals([certificateSizes.least, certificateSizes.most], [2_500, 4_700]);
  const seen = new Set<number>();
  for (let round = 0; round < 40_000; round++) {
    const size = randomCertificateSize(systemRandom);
    assert(size >= 2_500 && size <= 4_700, `${size}`);
    seen.add(size);
  }
  assert(seen.has(2_500) && seen.has(4_700) && seen.size > 2_190, `${seen.size} sizes`);
});

for (const shape of helloShapes) {
  Deno.test(`Android takes the flight for a hello of shape ${shape} at every split but inside eleven bytes`, () => {
    const hello = makeHello({ shape });
    const flight = flightFor(hello, 2_600);
    const failed: number[] = [];
    for (let cut = 0; cut <= flight.length; cut++) {
      const verdict = androidVerdict(hello, flight.subarray(0, cut), flight.subarray(cut));
      if (verdict !== "ok") failed.push(cut);
    }
    // It looks at these without asking whether they have come; one write of the whole flight keeps them together.
    assertEquals(failed, Array.from({ length: 11 }, (_, index) => helloEnd + index));
  });
}

Deno.test("Android takes the flight byte by byte up to the eleven bytes, and fails there", () => {
  const hello = makeHello();
  const flight = flightFor(hello);
  const parser = new AndroidParser(key, clientRandom(hello));
  for (let at = 0; at < helloEnd - 1; at++) assertEquals(parser.push(flight.subarray(at, at + 1)), "waiting", `${at}`);
  assertEquals(parser.push(flight.subarray(helloEnd - 1, helloEnd)), "failed");
});

Deno.test("Android takes the flight in segments of any size that do not end inside the eleven bytes", () => {
  const hello = makeHello();
  const flight = flightFor(hello);
  for (const size of [139, 536, 1_220, 1_280, 1_400, 1_460, 9_000]) {
    const segments = [];
    for (let at = 0; at < flight.length; at += size) segments.push(flight.subarray(at, at + size));
    assertEquals(androidVerdict(hello, ...segments), "ok", `segments of ${size}`);
  }
});

Deno.test("Android does not take the flight with a byte behind it", () => {
  const hello = makeHello();
  assertEquals(androidVerdict(hello, concat(flightFor(hello), Uint8Array.of(0x17))), "failed");
});

function androidVerdict(hello: Uint8Array, ...chunks: readonly Uint8Array[]): string {
  const parser = new AndroidParser(key, clientRandom(hello));
  return chunks.reduce<string>((_, chunk) => parser.push(chunk), "waiting");
}
