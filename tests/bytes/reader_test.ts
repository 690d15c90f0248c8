import { assertEquals } from "@std/assert";
import { ByteReader } from "../../lib/bytes/reader.ts";

const bytes = Uint8Array.of(0x01, 0x80, 0xff, 0xfe, 5, 6);

Deno.test("ByteReader reads numbers in network order, without a sign", () => {
  const reader = new ByteReader(bytes);
  assertEquals([reader.uint8(), reader.uint16(), reader.uint8(), reader.remaining], [1, 0x80ff, 0xfe, 2]);
});

Deno.test("ByteReader takes views of what follows, none at all too", () => {
  const reader = new ByteReader(bytes, 2);
  const view = reader.take(2)!;
  assertEquals([view.buffer === bytes.buffer, view.byteOffset, view.length], [true, 2, 2]);
  assertEquals([reader.take(0)?.length, reader.take(2), reader.take(0)?.length], [0, Uint8Array.of(5, 6), 0]);
});

Deno.test("ByteReader keeps to a view's own bytes", () => {
  const reader = new ByteReader(bytes.subarray(1, 4), 1);
  assertEquals([reader.remaining, reader.take(3), reader.take(2)], [2, undefined, Uint8Array.of(0xff, 0xfe)]);
});

Deno.test("ByteReader gives undefined for what is not there, and stays where it is", () => {
  const reader = new ByteReader(bytes, 5);
  assertEquals([reader.uint16(), reader.take(2), reader.take(undefined), reader.remaining], [
    undefined,
    undefined,
    undefined,
    1,
  ]);
  assertEquals([reader.uint8(), reader.uint8(), reader.uint16(), reader.take(1), reader.remaining], [
    6,
    undefined,
    undefined,
    undefined,
    0,
  ]);
});
