import { assert, assertEquals } from "@std/assert";
import { CtrKeystream } from "../../lib/crypto/aes_ctr.ts";
import { CtrXor, wordSize, xorBytes } from "../../lib/crypto/ctr_xor.ts";
import { Chunk } from "../../lib/relay/chunk.ts";
import { counters, oracleKeystream, patterned, xor } from "./oracle.ts";

const [key, iv, otherKey, otherIv] = [patterned(32, 1), patterned(16, 2), patterned(32, 3), patterned(16, 4)];

/** Combines `data` from offset `start` of a chunk on, and gives the result; nothing around it may change. */
function applyAt(cipher: CtrXor, data: Uint8Array, start: number): Uint8Array {
  const chunk = new Chunk(0, new Uint8Array(Math.ceil((start + data.length + 9) / 8) * 8));
  chunk.bytes.fill(0x5a);
  chunk.bytes.set(data, start);
  cipher.apply(chunk, start, start + data.length);
  const end = start + data.length;
  assert(chunk.bytes.subarray(0, start).every((byte) => byte === 0x5a), "bytes before the data changed");
  assert(chunk.bytes.subarray(end).every((byte) => byte === 0x5a), "bytes after the data changed");
  return chunk.bytes.slice(start, end);
}

async function joint(from: number, count: number): Promise<Uint8Array> {
  return xor(await oracleKeystream(key, iv, from, count), await oracleKeystream(otherKey, otherIv, from, count));
}

Deno.test("CtrXor combines any piece at any offset as AES-CTR does, with one stream", async () => {
  const keystream = await oracleKeystream(key, iv, 0, 40_000);
  const cipher = new CtrXor(new CtrKeystream(key, iv));
  let done = 0;
  for (let start = 0; start < 17; start++) {
    for (let length = 0; length < 40; length++) {
      const data = patterned(length, start * 40 + length);
      assertEquals(applyAt(cipher, data, start), xor(data, keystream.subarray(done)), `${length} bytes at ${start}`);
      done += length;
    }
  }
  cipher.release();
});

Deno.test("CtrXor combines any piece at any offset as AES-CTR does twice, with two streams", async () => {
  const keystream = await joint(0, 40_000);
  const cipher = new CtrXor(new CtrKeystream(key, iv), new CtrKeystream(otherKey, otherIv));
  let done = 0;
  for (let start = 0; start < 17; start++) {
    for (let length = 39; length >= 0; length--) {
      const data = patterned(length, start * 40 + length);
      assertEquals(applyAt(cipher, data, start), xor(data, keystream.subarray(done)), `${length} bytes at ${start}`);
      done += length;
    }
  }
  cipher.release();
});

for (const [name, hex] of counters) {
  Deno.test(`CtrXor goes over ${name} with both streams`, async () => {
    const counter = Uint8Array.fromHex(hex);
    const cipher = new CtrXor(new CtrKeystream(key, counter), new CtrKeystream(otherKey, counter));
    const data = patterned(1_000, 5);
    const [a, b] = [
      await oracleKeystream(key, counter, 0, 1_000),
      await oracleKeystream(otherKey, counter, 0, 1_000),
    ];
    assertEquals(applyAt(cipher, data, 0), xor(xor(data, a), b));
    cipher.release();
  });
}

for (const second of [false, true]) {
  const streams = second ? "two streams" : "one stream";

  Deno.test(`CtrXor takes pieces larger than it makes keystream at a time, with ${streams}`, async () => {
    const sizes = [65_535, 65_536, 65_537, 131_072, 200_003];
    const cipher = new CtrXor(new CtrKeystream(key, iv), second ? new CtrKeystream(otherKey, otherIv) : undefined);
    let done = 0;
    for (const [index, size] of sizes.entries()) {
      const data = patterned(size, size);
      const keystream = second ? await joint(done, size) : await oracleKeystream(key, iv, done, size);
      const result = applyAt(cipher, data, index % 2 === 0 ? cipher.alignment : 3);
      assert(xor(data, keystream).every((byte, at) => byte === result[at]), `piece of ${size} bytes`);
      done += size;
    }
    cipher.release();
  });

  Deno.test(`CtrXor goes on where it was after release() at every position, with ${streams}`, async () => {
    // 512 bytes are kept as they are; what is made next is more, and wound back.
    const keystream = second ? await joint(0, 4_000) : await oracleKeystream(key, iv, 0, 4_000);
    for (let position = 0; position <= 2_600; position += position < 40 || position > 2_500 ? 1 : 13) {
      const cipher = new CtrXor(new CtrKeystream(key, iv), second ? new CtrKeystream(otherKey, otherIv) : undefined);
      const data = patterned(position + 700, position);
      const parts = [applyAt(cipher, data.subarray(0, position), 0)];
      for (const end of [position, position + 1, position + 17, position + 700]) {
        cipher.release();
        const from = parts.reduce((sum, part) => sum + part.length, 0);
        parts.push(applyAt(cipher, data.subarray(from, end), cipher.alignment));
      }
      cipher.release();
      cipher.release();
      const result = Uint8Array.from(parts.flatMap((part) => [...part]));
      assertEquals(result, xor(data, keystream), `released at ${position}`);
    }
  });
}

for (const aheadBlocks of [1, 2, 31, 32, 33, 64]) {
  Deno.test(`CtrXor first takes ${aheadBlocks} blocks that were made ahead, also when it is released meanwhile`, async () => {
    const keystream = await joint(0, 3_000);
    for (let position = 0; position <= aheadBlocks * 16 + 40; position += 7) {
      const streams = [new CtrKeystream(key, iv), new CtrKeystream(otherKey, otherIv)] as const;
      const ahead = xor(streams[0].next(aheadBlocks), streams[1].next(aheadBlocks));
      const cipher = new CtrXor(...streams, ahead);
      const data = patterned(1_500, position);
      const before = applyAt(cipher, data.subarray(0, position), 5);
      cipher.release();
      const after = applyAt(cipher, data.subarray(position), 11);
      cipher.release();
      assertEquals(Uint8Array.from([...before, ...after]), xor(data, keystream), `released at ${position}`);
    }
  });
}

Deno.test("CtrXor.alignment says where data has to start, so that words of data meet words of keystream", () => {
  const cipher = new CtrXor(new CtrKeystream(key, iv));
  let position = 0;
  for (const size of [0, 1, 6, 1, 8, 500, 11, 3, 4_000, 9]) {
    assertEquals(cipher.alignment, position % wordSize);
    applyAt(cipher, new Uint8Array(size), cipher.alignment);
    position += size;
    if (size === 4_000) cipher.release();
  }
  cipher.release();
});

Deno.test("CtrXor deciphers what another one has enciphered, however both are cut", () => {
  const [there, back] = [new CtrXor(new CtrKeystream(key, iv)), new CtrXor(new CtrKeystream(key, iv))];
  const data = patterned(20_000, 9);
  const sent: number[] = [];
  for (let at = 0; at < data.length; at += 777) sent.push(...applyAt(there, data.subarray(at, at + 777), 2));
  const got: number[] = [];
  for (let at = 0; at < sent.length; at += 1_021) {
    got.push(...applyAt(back, Uint8Array.from(sent.slice(at, at + 1_021)), 0));
  }
  assertEquals(Uint8Array.from(got), data);
  there.release();
  back.release();
});

Deno.test("xorBytes() combines a part with a part of a key", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5);
  xorBytes(bytes, 1, 4, Uint8Array.of(0xff, 0xf0, 0x0f, 0x01, 0x10), 2);
  assertEquals(bytes, Uint8Array.of(1, 2 ^ 0x0f, 3 ^ 0x01, 4 ^ 0x10, 5));
});
