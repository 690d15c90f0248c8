import { assert, assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { Chunk, type ChunkClass, ChunkPool, chunkSizes, classWithin, headroom } from "../../lib/relay/chunk.ts";

const classes: readonly ChunkClass[] = [0, 1, 2, 3, 4, 5];
const keptAtMost = 8 << 20;

Deno.test("chunkSizes rise, are whole words, and leave room for more than headers", () => {
  assertEquals([...chunkSizes].sort((a, b) => a - b), [...chunkSizes]);
  for (const size of chunkSizes) assert(size % 8 === 0 && size > 2 * headroom);
});

Deno.test("Chunk shows the same memory as bytes and as words", () => {
  const chunk = new Chunk(0, new Uint8Array(64));
  chunk.bytes.set([1, 2, 3, 4, 5, 6, 7, 8], 8);
  assertEquals(chunk.words[1], 0x0807_0605_0403_0201n);
  chunk.words[0] = 0xffn;
  assertEquals([chunk.bytes[0], chunk.words.length], [0xff, 8]);
});

Deno.test("Chunk.used views the part in use", () => {
  const chunk = new Chunk(0, new Uint8Array(16));
  chunk.bytes.set([9, 8, 7], 4);
  assertEquals(chunk.used.length, 0);
  [chunk.start, chunk.end] = [4, 7];
  assertEquals(chunk.used, Uint8Array.of(9, 8, 7));
  assertStrictEquals(chunk.used, chunk.used);
  chunk.end = 6;
  assertEquals(chunk.used, Uint8Array.of(9, 8));
  chunk.end = 7;
  assertStrictEquals(chunk.used.buffer, chunk.bytes.buffer);
});

Deno.test("Chunk.space() views what it is asked for, and keeps the last view for the next read", () => {
  const chunk = new Chunk(0, new Uint8Array(64));
  for (const [from, to] of [[0, 64], [5, 64], [5, 63], [6, 64], [5, 64], [0, 0], [64, 64]] as const) {
    const space = chunk.space(from, to);
    assertEquals([space.byteOffset, space.length], [from, to - from]);
    assertStrictEquals(chunk.space(from, to), space);
  }
});

Deno.test("Chunk knows its class and has the size of it", () => {
  for (const size of classes) {
    const chunk = new Chunk(size);
    assertEquals([chunk.class, chunk.size, chunk.bytes.length], [size, chunkSizes[size], chunkSizes[size]]);
  }
});

Deno.test("classWithin() gives the largest class that a number of bytes allows", () => {
  const kib = [0, 1, 3.9, 4, 15, 16, 64, 127, 128, 255, 256, 1024];
  assertEquals(kib.map((size) => classWithin(size * 1024)), [0, 0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 5]);
});

Deno.test("ChunkPool.exchange() gives a chunk of the class that is asked for, the same one if it is of that class", () => {
  const pool = new ChunkPool();
  const chunk = pool.take(2);
  assertStrictEquals(pool.exchange(chunk, 2), chunk);
  assertEquals(pool.exchange(chunk, 1).class, 1);
  assertStrictEquals(pool.take(2), chunk);
});

Deno.test("ChunkPool hands out again what came back, as if it were new", () => {
  for (const size of classes) {
    const pool = new ChunkPool();
    const chunk = pool.take(size);
    assertEquals(chunk.size, chunkSizes[size]);
    [chunk.start, chunk.end] = [3, 9];
    pool.give(chunk);
    const again = pool.take(size);
    assertStrictEquals(again, chunk);
    assertEquals([again.start, again.end], [0, 0]);
    assertNotStrictEquals(pool.take(size), chunk);
  }
});

Deno.test("ChunkPool cuts the smallest chunks out of one buffer, without letting them touch", () => {
  const pool = new ChunkPool();
  const chunks = Array.from({ length: 200 }, () => pool.take(0));
  for (const [index, chunk] of chunks.entries()) chunk.words.fill(BigInt(index));
  for (const [index, chunk] of chunks.entries()) {
    assertEquals([chunk.size, chunk.bytes.length], [chunkSizes[0], chunkSizes[0]]);
    assert(chunk.words.every((word) => word === BigInt(index)));
    const space = chunk.space(8, 20);
    assertEquals([space.byteOffset - chunk.bytes.byteOffset, space.length], [8, 12]);
    assertStrictEquals(chunk.space(8, 20), space);
  }
  assert(new Set(chunks.map(({ bytes }) => bytes.buffer)).size < 5);
});

Deno.test("ChunkPool keeps sizes apart", () => {
  const pool = new ChunkPool();
  for (const size of classes) pool.give(new Chunk(size));
  for (const size of [3, 0, 5, 4, 2, 1] as const) assertEquals(pool.take(size).size, chunkSizes[size]);
});

Deno.test("ChunkPool.takeAbove() gives the next size, and the largest for the largest", () => {
  const pool = new ChunkPool();
  const sizes = classes.map((size) => pool.takeAbove(new Chunk(size)).size);
  assertEquals(sizes, [...chunkSizes.slice(1), chunkSizes[5]]);
});

for (const size of classes) {
  Deno.test(`ChunkPool keeps 8 MiB of chunks of ${chunkSizes[size]} bytes, and has room again once some are taken`, () => {
    const pool = new ChunkPool();
    const fits = Math.floor(keptAtMost / chunkSizes[size]);
    const given = Array.from({ length: fits + 3 }, () => new Chunk(size));
    for (const chunk of given) pool.give(chunk);
    const kept = new Set(given);
    const back = () => kept.has(pool.take(size));
    for (let taken = 0; taken < fits; taken++) assert(back(), `${taken} of ${fits}`);
    assert(!back(), "more than 8 MiB were kept");
    pool.give(given[0]!);
    assert(back());
  });
}

Deno.test("ChunkPool counts all sizes together", () => {
  const pool = new ChunkPool();
  for (let bytes = 0; bytes < 2 * keptAtMost; bytes += chunkSizes[4]) {
    pool.give(new Chunk(4));
  }
  const left = keptAtMost % chunkSizes[4];
  const small = Array.from(
    { length: 2 * Math.ceil(left / chunkSizes[0]) },
    () => new Chunk(0),
  );
  for (const chunk of small) pool.give(chunk);
  const kept = new Set(small);
  let back = 0;
  while (kept.has(pool.take(0))) back++;
  assertEquals(back, Math.floor(left / chunkSizes[0]));
});
