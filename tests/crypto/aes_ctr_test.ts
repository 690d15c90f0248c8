import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { blockSize, CtrKeystream } from "../../lib/crypto/aes_ctr.ts";
import { addBlocks, counters, oracleKeystream, patterned } from "./oracle.ts";

const key = patterned(32, 1);

Deno.test("oracleKeystream() agrees with the published vectors of AES-256-CTR", async () => {
  // NIST SP 800-38A, F.5.5: the output blocks.
  const nistKey = Uint8Array.fromHex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
  const nistIv = Uint8Array.fromHex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  const blocks =
    "0bdf7df1591716335e9a8b15c860c5025a6e699d536119065433863c8f657b941bc12c9c01610d5d0d8bd6a3378eca622956e1c8693536b1bee99c73a31576b6";
  assertEquals((await oracleKeystream(nistKey, nistIv, 0, 64)).toHex(), blocks);
  const stream = new CtrKeystream(nistKey, nistIv);
  assertEquals(new Uint8Array(stream.next(4)).toHex(), blocks);
  stream.release();
});

for (const [name, hex] of counters) {
  const iv = Uint8Array.fromHex(hex);

  Deno.test(`CtrKeystream gives AES-CTR's keystream with ${name}`, async () => {
    const stream = new CtrKeystream(key, iv);
    let made = 0;
    for (let blocks = 1; made < 700; blocks++) {
      const expected = await oracleKeystream(key, iv, made * blockSize, blocks * blockSize);
      assertEquals(new Uint8Array(stream.next(blocks)), expected, `blocks ${made} to ${made + blocks}`);
      made += blocks;
    }
    stream.release();
  });

  Deno.test(`CtrKeystream.rewind() goes back over ${name}`, async () => {
    const stream = new CtrKeystream(key, iv);
    const all = new Uint8Array(stream.next(40)).slice();
    for (const back of [1, 7, 40]) {
      stream.rewind(back);
      assertEquals(new Uint8Array(stream.next(back)), all.subarray((40 - back) * blockSize), `back ${back}`);
    }
    stream.rewind(45);
    assertEquals(new Uint8Array(stream.next(5)), await oracleKeystream(key, addBlocks(iv, -5), 0, 5 * blockSize));
    stream.release();
  });

  Deno.test(`CtrKeystream starts at a later block over ${name}`, async () => {
    for (const firstBlock of [0, 1, 3, 6, 300, 2 ** 32 - 1]) {
      const stream = new CtrKeystream(key, iv, firstBlock);
      assertEquals(new Uint8Array(stream.next(4)), await oracleKeystream(key, addBlocks(iv, firstBlock), 0, 64));
      stream.release();
    }
  });
}

Deno.test("CtrKeystream gives 64 KiB at once, in the middle of which a word of 32 bits overflows", async () => {
  const iv = addBlocks(Uint8Array.fromHex("0011223344556677ffffffffffffffff"), -2_047);
  const stream = new CtrKeystream(key, iv);
  assertEquals(new Uint8Array(stream.next(4096)), await oracleKeystream(key, iv, 0, 65_536));
  stream.release();
});

Deno.test("CtrKeystream goes on after release(), however often it is called", async () => {
  const iv = patterned(16, 2);
  const stream = new CtrKeystream(key, iv);
  stream.release();
  for (let at = 0; at < 20; at++) {
    assertEquals(new Uint8Array(stream.next(1)), await oracleKeystream(key, iv, at * blockSize, blockSize));
    if (at % 3 === 0) stream.release();
    if (at % 6 === 0) stream.release();
  }
  stream.release();
});

Deno.test("CtrKeystream.next() gives arrays of their own, aligned to words of 8 bytes", () => {
  const stream = new CtrKeystream(key, patterned(16, 3));
  const [first, second] = [stream.next(3), stream.next(3)];
  const kept = first.slice();
  assertNotEquals(first.buffer, second.buffer);
  second.fill(0);
  stream.next(4096);
  assertEquals(first, kept);
  for (let blocks = 1; blocks < 70; blocks++) {
    const piece = stream.next(blocks);
    assertEquals([piece.byteOffset % 8, piece.length], [0, blocks * blockSize]);
  }
  stream.release();
});

Deno.test("CtrKeystream does not look at the IV again, so that its memory may be used anew", async () => {
  const iv = patterned(16, 4);
  const kept = iv.slice();
  const stream = new CtrKeystream(key, iv);
  iv.fill(0);
  assertEquals(new Uint8Array(stream.next(2)), await oracleKeystream(key, kept, 0, 32));
  stream.release();
});

Deno.test("two CtrKeystreams made in turn do not disturb each other", async () => {
  const [iv, otherIv, otherKey] = [patterned(16, 5), patterned(16, 6), patterned(32, 7)];
  const [stream, other] = [new CtrKeystream(key, iv), new CtrKeystream(otherKey, otherIv)];
  const pieces = [stream.next(5), other.next(9), stream.next(2), other.next(1)];
  assertEquals(new Uint8Array(pieces[0]!), await oracleKeystream(key, iv, 0, 80));
  assertEquals(new Uint8Array(pieces[1]!), await oracleKeystream(otherKey, otherIv, 0, 144));
  assertEquals(new Uint8Array(pieces[2]!), await oracleKeystream(key, iv, 80, 32));
  assertEquals(new Uint8Array(pieces[3]!), await oracleKeystream(otherKey, otherIv, 144, 16));
  stream.release();
  other.release();
});

Deno.test("CtrKeystream refuses keys, IVs and numbers of blocks that it cannot use", () => {
  assertThrows(() => new CtrKeystream(key.subarray(1), patterned(16, 8)), RangeError, "31");
  assertThrows(() => new CtrKeystream(key, patterned(15, 8)), RangeError, "15");
  const stream = new CtrKeystream(key, patterned(16, 8));
  for (const blocks of [0, -1, 4097]) assertThrows(() => stream.next(blocks), RangeError, `${blocks} blocks`);
});
