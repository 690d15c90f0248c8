import { assert, assertEquals, assertThrows } from "@std/assert";
import { createHmac } from "node:crypto";
import { concat, randomBytes } from "./byte_reader.ts";
import { clientHello, clientRandom, type HelloShape, helloShapes, splitHello } from "./client_hello.ts";
import { serverFlight, verifyServerFlight } from "./server_flight.ts";

const key = Uint8Array.fromHex("00112233445566778899aabbccddeeff");
const timeSeconds = 1_700_000_000;
const host = "front.test";

/** Client random XOR digest of the hello with the random zeroed: zeros, then the time. */
function seal(hello: Uint8Array): Uint8Array {
  const zeroed = hello.slice();
  zeroed.fill(0, 11, 43);
  const digest = createHmac("sha256", key).update(zeroed).digest();
  return clientRandom(hello).map((byte, index) => byte ^ digest[index]!);
}

const sizes: Record<HelloShape, readonly number[]> = {
  "tdlib": [1_720, 1_752, 1_784, 1_816],
  "ios": [1_521],
  "short-share": [1_708, 1_740, 1_772, 1_804],
  "old": [517],
  "no-sni": [517],
};

for (const shape of helloShapes) {
  Deno.test(`clientHello() of shape ${shape} is signed, as long as the real ones, and well-formed`, () => {
    const hello = clientHello({ shape, host, key, timeSeconds });
    const expected = new Uint8Array(32);
    new DataView(expected.buffer).setUint32(28, timeSeconds, true);
    assertEquals(seal(hello), expected);
    assert(sizes[shape].includes(hello.length), `${hello.length} bytes`);
    const extensions = walk(hello);
    assertEquals(extensions.has(0), shape !== "no-sni");
    assertEquals(new TextDecoder().decode(extensions.get(0)?.subarray(5)), shape === "no-sni" ? "" : host);
    assertEquals(shareSizes(extensions.get(0x33)!), {
      ...(shape === "old" || shape === "no-sni" ? {} : { [0x11ec]: 1_216 }),
      [0x1d]: shape === "short-share" ? 20 : 32,
    });
    assertEquals(extensions.has(0xfe0d), shape === "tdlib" || shape === "short-share");
  });
}

Deno.test("clientHello() obeys its options", () => {
  const sessionId = randomBytes(7);
  const hello = clientHello({ shape: "ios", host, key, timeSeconds, sessionId, recordVersion: 0x0303 });
  assertEquals(hello.subarray(0, 3).toHex(), "160303");
  assertEquals(hello.subarray(43, 51), concat(Uint8Array.of(7), sessionId));
  const fixed = { shape: "tdlib", host, key, timeSeconds, random: (count: number) => new Uint8Array(count) } as const;
  assertEquals(clientHello(fixed), clientHello(fixed));
});

for (const cuts of [1, 2, 3, 16, [1], [1, 2, 3], [4, 40]] as const) {
  Deno.test(`splitHello() keeps the message over records cut at ${JSON.stringify(cuts)}`, () => {
    const hello = clientHello({ shape: "tdlib", host, key, timeSeconds });
    const parts = [];
    const split = splitHello(hello, cuts);
    for (let at = 0; at < split.length;) {
      assertEquals(split.subarray(at, at + 3).toHex(), "160301");
      const end = at + 5 + ((split[at + 3]! << 8) | split[at + 4]!);
      parts.push(split.subarray(at + 5, end));
      at = end;
    }
    assertEquals(parts.length, typeof cuts === "number" ? cuts : cuts.length + 1);
    assertEquals(concat(...parts), hello.slice(5));
  });
}

/** All extensions but GREASE; every length on the way must fit. */
function walk(hello: Uint8Array): Map<number, Uint8Array> {
  const view = new DataView(hello.buffer, hello.byteOffset);
  assertEquals(view.getUint16(3), hello.length - 5);
  assertEquals(view.getUint32(5), 0x0100_0000 + hello.length - 9);
  let at = 44 + view.getUint8(43);
  at += 2 + view.getUint16(at);
  at += 1 + view.getUint8(at);
  assertEquals(at + 2 + view.getUint16(at), hello.length);
  const found = new Map<number, Uint8Array>();
  const types = new Set<number>();
  for (at += 2; at < hello.length;) {
    const [type, end] = [view.getUint16(at), at + 4 + view.getUint16(at + 2)];
    assert(!types.has(type), `extension ${type} comes twice`);
    types.add(type);
    found.set(type, hello.subarray(at + 4, end));
    at = end;
  }
  assertEquals(at, hello.length);
  return found;
}

function shareSizes(data: Uint8Array): Record<number, number> {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  assertEquals(view.getUint16(0), data.length - 2);
  const sizes: Record<number, number> = {};
  for (let at = 2; at < data.length; at += 4 + view.getUint16(at + 2)) {
    const group = view.getUint16(at);
    if ((group & 0x0f0f) !== 0x0a0a) sizes[group] = view.getUint16(at + 2);
  }
  return sizes;
}

const publishedRandom = Uint8Array.fromHex("6c62e5fc43e3596a3a408709781ba088a59ea33b48cdc2d6cbce10fa2afbf56b");
const published = Uint8Array.fromHex(
  "160303007a020000760303201b66d022ebb459db3027af0f153a8c8a57b5fd2fe03a9183c4446d208b716820000102030405060708090a0b0c0d" +
    "0e0f101112131415161718191a1b1c1d1e1f130100002e00330024001d00200104070a0d101316191c1f2225282b2e3134373a3d404346494c4f" +
    "5255585b5e002b00020304140303000101170303004005101b26313c47525d68737e89949faab5c0cbd6e1ecf7020d18232e39444f5a65707b86" +
    "919ca7b2bdc8d3dee9f4ff0a15202b36414c57626d78838e99a4afba",
);

Deno.test("verifyServerFlight() takes the published flight apart", () => {
  const { sessionId, share, ...rest } = verifyServerFlight(published, key, publishedRandom);
  assertEquals(rest, {
    serverHelloSize: 127,
    applicationDataSize: 64,
    totalSize: published.length,
    suite: 0x1301,
    version: 0x0304,
    group: 0x1d,
  });
  assertEquals(sessionId, Uint8Array.from({ length: 32 }, (_, index) => index));
  assertEquals(share.subarray(0, 3).toHex(), "010407");
});

Deno.test("serverFlight() makes the published flight", () => {
  const { sessionId, share } = verifyServerFlight(published, key, publishedRandom);
  const applicationData = published.subarray(published.length - 64);
  assertEquals(serverFlight({ key, clientRandom: publishedRandom, sessionId, share, applicationData }), published);
});

const wrong: readonly [string, Uint8Array, string][] = [
  ["a wrong digest", published.with(100, 9), "digest"],
  ["a byte more", concat(published, Uint8Array.of(0)), "1 bytes follow"],
  ["a byte less", published.slice(0, -1), "the flight at"],
  ["no application data", published.slice(0, 133), "inside a record header"],
  ["no ChangeCipherSpec", concat(published.subarray(0, 127), published.subarray(133)), "expected type 20"],
  ["a record that iOS refuses", published.with(136, 0x29), "iOS takes"],
];

for (const [name, flight, message] of wrong) {
  Deno.test(`verifyServerFlight() refuses a flight with ${name}`, () => {
    assertThrows(() => verifyServerFlight(flight, key, publishedRandom), Error, message);
  });
}
