import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../lib/errors.ts";
import { frameInPlace, payloadThatFits, RecordReader } from "../../lib/faketls/record.ts";
import { patterned } from "../crypto/oracle.ts";
import { applicationData, cutAt, record, recordSizes, stripAll } from "../faketls/records.ts";
import { concat } from "../support/byte_reader.ts";
import { bytes, cuts, runs, sizes } from "./arbitraries.ts";

const inboundAtMost = 16_640;

const inbound = fc.array(
  fc.record({ skipped: fc.boolean(), size: sizes(inboundAtMost, [1, 16_384, 16_408, inboundAtMost]) }),
  { maxLength: 8 },
);

Deno.test("RecordReader finds the payload of any records, however they are cut and wherever they lie", () => {
  const property = inbound.chain((records) => {
    const stream = concat(
      ...records.map(({ skipped, size }, index) => record(skipped ? 0x14 : 0x17, patterned(size, index))),
    );
    return fc.record({
      records: fc.constant(records),
      stream: fc.constant(stream),
      offsets: cuts(stream.length),
      start: fc.nat(16),
      back: fc.nat(16),
    });
  });
  fc.assert(
    fc.property(property, ({ records, stream, offsets, start, back }) => {
      const expected = concat(
        ...records.map(({ skipped, size }, index) => patterned(skipped ? 0 : size, index)),
      );
      const pieces = cutAt(stream, offsets);
      assert(equal(stripAll(pieces, new RecordReader(), start, Math.max(0, start - back)), expected));
    }),
    { numRuns: runs },
  );
});

Deno.test("RecordReader gives garbage no way out but ProtocolError, and never more than it was given", () => {
  const nearlyRecords = fc.array(
    fc.oneof(
      bytes(0, 40),
      bytes(0, 300).map(applicationData),
      fc.tuple(fc.constantFrom(0x14, 0x15, 0x16, 0x17), fc.constantFrom(0x0301, 0x0303, 0x0304), bytes(0, 20)).map(
        ([type, version, payload]) => record(type, payload, version),
      ),
    ),
    { maxLength: 6 },
  ).map((parts) => concat(...parts));
  fc.assert(
    fc.property(nearlyRecords, cuts(200), (stream, offsets) => {
      const pieces = cutAt(stream, offsets.filter((offset) => offset <= stream.length));
      try {
        assert(stripAll(pieces).length <= stream.length);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        assertEquals(error.code, "bad-record");
      }
    }),
    { numRuns: 5 * runs },
  );
});

Deno.test("frameInPlace() and RecordReader undo each other, in place, and no record is empty or too long", () => {
  const property = fc.record({
    length: sizes(140_000, [1, 16_384, 32_768, 65_536, 131_072]),
    start: fc.nat(16),
    to: fc.nat(16),
  });
  fc.assert(
    fc.property(property, ({ length, start, to }) => {
      const data = patterned(length, length);
      const room = new Uint8Array(start + length + 5 * Math.ceil(length / 16_384) + 5);
      room.set(data, start + 5);
      const end = frameInPlace(room, start, length);
      assert(recordSizes(room.slice(start, end)).every((size) => size >= 1 && size <= 16_384));
      const target = Math.min(to, start);
      const payloadEnd = new RecordReader().strip(room, start, end, target);
      assert(equal(room.subarray(target, payloadEnd), data));
    }),
    { numRuns: runs },
  );
});

Deno.test("payloadThatFits() is the most that frameInPlace() puts into so many bytes", () => {
  const framed = (payload: number) => payload + 5 * Math.ceil(payload / 16_384);
  fc.assert(
    fc.property(sizes(200_000, [5, 16_389, 32_778, 131_112]), (size) => {
      const fits = payloadThatFits(size);
      assert(fits >= 0 && framed(fits) <= Math.max(size, 0) && framed(fits + 1) > size);
    }),
    { numRuns: 10 * runs },
  );
});

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
