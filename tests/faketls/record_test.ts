import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../lib/errors.ts";
import {
  frameInPlace,
  payloadThatFits,
  recordHeaderSize,
  recordPayloadAtMost,
  RecordReader,
  writeRecordHeader,
} from "../../lib/faketls/record.ts";
import { patterned } from "../crypto/oracle.ts";
import { concat } from "../support/byte_reader.ts";
import { applicationData, byteByByte, cutAt, record, recordSizes, stripAll } from "./records.ts";

const changeCipherSpec = Uint8Array.of(0x14, 3, 3, 0, 1, 1);

/** A stream with everything that a client may send, and what is left of it. */
const stream = concat(
  changeCipherSpec,
  applicationData(patterned(64, 1)),
  changeCipherSpec,
  changeCipherSpec,
  applicationData(new Uint8Array(0)),
  applicationData(patterned(1, 2)),
  record(0x14, new Uint8Array(0)),
  applicationData(patterned(300, 3)),
  applicationData(new Uint8Array(0)),
  record(0x14, patterned(40, 4)),
);
const payload = concat(patterned(64, 1), patterned(1, 2), patterned(300, 3));

Deno.test("RecordReader takes the payload out of a stream in one piece, from any offset to any before it", () => {
  for (const [start, to] of [[0, 0], [8, 0], [8, 7], [8, 8], [13, 3]] as const) {
    assertEquals(stripAll([stream], new RecordReader(), start, to), payload, `from ${start} to ${to}`);
  }
});

Deno.test("RecordReader takes the payload out byte by byte", () => {
  assertEquals(stripAll(byteByByte(stream)), payload);
});

Deno.test("RecordReader takes the payload out of two pieces, wherever they are cut", () => {
  for (let cut = 0; cut <= stream.length; cut++) {
    assertEquals(stripAll(cutAt(stream, [cut]), new RecordReader(), 8, cut % 8), payload, `cut at ${cut}`);
  }
});

Deno.test("RecordReader touches nothing before the place of the payload and nothing behind the records", () => {
  const bytes = concat(new Uint8Array(9).fill(0xaa), stream, new Uint8Array(7).fill(0xbb));
  const end = new RecordReader().strip(bytes, 9, 9 + stream.length, 4);
  assertEquals(end, 4 + payload.length);
  assertEquals(bytes.slice(0, 4), new Uint8Array(4).fill(0xaa));
  assertEquals(bytes.slice(9 + stream.length), new Uint8Array(7).fill(0xbb));
});

for (const size of [1, 2_878, 16_384, 16_385, 16_408, 16_639, 16_640]) {
  Deno.test(`RecordReader takes records of ${size} bytes`, () => {
    const big = patterned(size, size);
    const bytes = concat(applicationData(big), changeCipherSpec, applicationData(big));
    assertEquals(stripAll([bytes]), concat(big, big));
    assertEquals(stripAll(cutAt(bytes, [3, 4, 5, 6, size + 5, size + 6])), concat(big, big));
  });
}

const refused: readonly [string, Uint8Array][] = [
  ["an alert", record(0x15, Uint8Array.of(1, 0))],
  ["a handshake record", record(0x16, patterned(10, 1))],
  ["a heartbeat", record(0x18, patterned(10, 1))],
  ["a record of type 0", record(0, patterned(10, 1))],
  ["a record of type 255", record(255, patterned(10, 1))],
  ["version 3.1", record(0x17, patterned(10, 1), 0x0301)],
  ["version 3.4", record(0x17, patterned(10, 1), 0x0304)],
  ["version 2.3", record(0x17, patterned(10, 1), 0x0203)],
  ["ChangeCipherSpec of version 3.1", record(0x14, Uint8Array.of(1), 0x0301)],
  ["16,641 bytes", applicationData(new Uint8Array(16_641))],
  ["65,535 bytes", applicationData(new Uint8Array(65_535))],
  ["ChangeCipherSpec of 16,641 bytes", record(0x14, new Uint8Array(16_641))],
];

for (const [name, bytes] of refused) {
  Deno.test(`RecordReader refuses ${name}, first or later, whole or byte by byte`, () => {
    for (const before of [new Uint8Array(0), changeCipherSpec, applicationData(patterned(20, 1))]) {
      for (const pieces of [[concat(before, bytes)], byteByByte(concat(before, bytes.subarray(0, 5)))]) {
        const error = assertThrows(() => stripAll(pieces), ProtocolError);
        assertEquals(error.code, "bad-record");
      }
    }
  });
}

Deno.test("RecordReader waits for the whole header before it judges", () => {
  const reader = new RecordReader();
  assertEquals(stripAll([Uint8Array.of(0x15, 9, 9, 0xff)], reader).length, 0);
  assertThrows(() => stripAll([Uint8Array.of(0xff)], reader), ProtocolError);
});

for (const length of [0, 1, 2, 16_383, 16_384, 16_385, 32_768, 32_769, 131_072]) {
  Deno.test(`frameInPlace() makes records of ${length} bytes that RecordReader takes apart again`, () => {
    for (const start of [0, 1, 3, 8, 11]) {
      const data = patterned(length, length);
      const records = Math.ceil(length / recordPayloadAtMost);
      const bytes = new Uint8Array(start + length + records * recordHeaderSize + 6).fill(0xcc);
      bytes.set(data, start + recordHeaderSize);
      const end = frameInPlace(bytes, start, length);
      assertEquals(end, start + length + records * recordHeaderSize);
      const framed = bytes.slice(start, end);
      const sizes = recordSizes(framed);
      assert(sizes.every((size) => size >= 1 && size <= 16_384), `sizes ${sizes}`);
      assertEquals(sizes.slice(0, -1), new Array(Math.max(0, records - 1)).fill(16_384));
      assertEquals(stripAll([framed]), data);
      assertEquals(bytes.slice(0, start), new Uint8Array(start).fill(0xcc), "bytes before the records");
      if (length > 0) assertEquals(bytes.slice(end), new Uint8Array(6).fill(0xcc), "bytes behind the records");
    }
  });
}

Deno.test("writeRecordHeader() writes five bytes", () => {
  const bytes = new Uint8Array(9);
  writeRecordHeader(bytes, 2, 0x1234);
  assertEquals(bytes.toHex(), "000017030312340000");
});

Deno.test("payloadThatFits() gives the most payload whose records fit", () => {
  const framedSize = (payload: number) => {
    const bytes = new Uint8Array(payload + 5 * Math.ceil(payload / 16_384) + 5);
    return frameInPlace(bytes, 0, payload);
  };
  const sizes = [0, 4, 5, 6, 1_024, 4_096, 16_388, 16_389, 16_390, 16_393, 16_394, 16_395, 16_448, 65_600, 131_144];
  for (const size of [...sizes, 32_777, 32_778, 32_779, 32_783, 32_784]) {
    const fits = payloadThatFits(size);
    assert(fits >= 0);
    assert(framedSize(fits) <= size, `${fits} bytes take ${framedSize(fits)} of ${size}`);
    assert(framedSize(fits + 1) > size, `${fits + 1} bytes would have fitted into ${size}`);
  }
});
