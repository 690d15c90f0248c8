import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { systemRandom } from "../../lib/crypto/random.ts";
import { checkServerName, checkTimestamp, verifyDigest } from "../../lib/faketls/digest.ts";
import { makeClientHello } from "../../lib/faketls/own_client_hello.ts";
import { decodeDone, decodeWhole, host, key, recorded, sign, timeSeconds } from "./hellos.ts";

const make = (name = host) => makeClientHello({ host: name, key, timeSeconds, random: systemRandom });

Deno.test("makeClientHello() signs as the oracle does, and tells the time", () => {
  for (const seconds of [0, 1, timeSeconds, 0xffff_ffff]) {
    const { bytes, random } = makeClientHello({ host, key, timeSeconds: seconds, random: systemRandom });
    assertEquals(sign(bytes, seconds), bytes);
    assertEquals(random, bytes.slice(11, 43));
  }
});

Deno.test("makeClientHello() makes one record that a proxy verifies", () => {
  for (const name of ["a.bc", host, "x".repeat(182)]) {
    const { bytes } = make(name);
    const { value: hello, consumed } = decodeDone(bytes);
    assertEquals(consumed, bytes.length);
    assertEquals(verifyDigest(hello, key), timeSeconds);
    checkTimestamp(timeSeconds, timeSeconds * 1_000, 1);
    checkServerName(hello, name);
    assertEquals([hello.serverName, hello.sessionId.length], [name, 32]);
    assertEquals(bytes.slice(0, 3).toHex(), "160301");
  }
});

Deno.test("makeClientHello() has the size of Telegram's own, and each is another", () => {
  const hellos = Array.from({ length: 50 }, () => make().bytes);
  for (const { length } of hellos) assert(length >= 1_716 && length <= 1_820, String(length));
  assertEquals(new Set(hellos.map((bytes) => bytes.toHex())).size, 50);
  assert(new Set(hellos.map(({ length }) => length)).size > 1, "the GREASE of ECH has several sizes");
});

/** Extensions by type, in their order. */
function extensionsOf(bytes: Uint8Array): Map<number, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let at = 76 + 2 + view.getUint16(76) + 2;
  const end = at + 2 + view.getUint16(at);
  assertEquals(end, bytes.length);
  const found = new Map<number, Uint8Array>();
  for (at += 2; at < end;) {
    const size = view.getUint16(at + 2);
    assert(!found.has(view.getUint16(at)), "an extension comes twice");
    found.set(view.getUint16(at), bytes.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  assertEquals(at, end);
  return found;
}

const isGrease = (type: number) => (type & 0x0f0f) === 0x0a0a && type >> 8 === (type & 0xff);

Deno.test("makeClientHello() offers what a recorded hello of a client offers, in random order", () => {
  const client = recorded.map(({ bytes }) => bytes).find((bytes) => bytes.length > 1_700 && bytes[43] === 32)!;
  const types = (bytes: Uint8Array) => [...extensionsOf(bytes).keys()].filter((type) => !isGrease(type));
  const sorted = (bytes: Uint8Array) => types(bytes).sort((a, b) => a - b);
  assertEquals(sorted(make().bytes), sorted(client));
  const orders = new Set(Array.from({ length: 20 }, () => types(make().bytes).join()));
  assert(orders.size > 10);
  const suites = (bytes: Uint8Array) => decodeWhole(bytes).cipherSuites.slice(2).toHex();
  assertEquals(suites(make().bytes), suites(client));
});

Deno.test("makeClientHello() has GREASE around its extensions, and never twice the same", () => {
  for (let i = 0; i < 100; i++) {
    const types = [...extensionsOf(make().bytes).keys()];
    assertEquals(types.map(isGrease), [true, ...types.slice(2).map(() => false), true]);
  }
});

Deno.test("makeClientHello() has shares of three groups, and ML-KEM numbers below the modulus", () => {
  const shares = extensionsOf(make().bytes).get(0x33)!;
  const view = new DataView(shares.buffer, shares.byteOffset, shares.byteLength);
  assert(isGrease(view.getUint16(2)));
  assertEquals([view.getUint16(4), view.getUint16(7), view.getUint16(9)], [1, 0x11ec, 1_216]);
  const hybrid = shares.subarray(11, 11 + 1_216);
  assertEquals([view.getUint16(1_227), view.getUint16(1_229), shares.length], [0x1d, 32, 1_231 + 32]);
  for (let at = 0; at < 1_152; at += 3) {
    const [first, second, third] = [hybrid[at]!, hybrid[at + 1]!, hybrid[at + 2]!];
    assert((first | (second & 15) << 8) < 3_329 && (second >> 4 | third << 4) < 3_329, `numbers at ${at}`);
  }
  assertNotEquals(hybrid.slice(1_184), shares.slice(1_231), "two keys, not one");
});
