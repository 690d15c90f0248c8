/** Records, and a reader of them that takes a stream in any pieces. */
import { RecordReader } from "../../lib/faketls/record.ts";
import { concat } from "../support/byte_reader.ts";

/** A record as a client may send it. */
export function record(type: number, payload: Uint8Array, version = 0x0303): Uint8Array {
  const { length } = payload;
  return concat(Uint8Array.of(type, version >> 8, version & 0xff, length >> 8, length & 0xff), payload);
}

export function applicationData(payload: Uint8Array): Uint8Array {
  return record(0x17, payload);
}

/** What is left of a stream that comes in `pieces`, each in a buffer of its own from offset `start` on. */
export function stripAll(
  pieces: readonly Uint8Array[],
  reader = new RecordReader(),
  start = 0,
  to = start,
): Uint8Array {
  const payload = pieces.map((piece) => {
    const bytes = new Uint8Array(start + piece.length + 3).fill(0xee);
    bytes.set(piece, start);
    const end = reader.strip(bytes, start, start + piece.length, to);
    return bytes.slice(to, end);
  });
  return concat(...payload);
}

/** `bytes` cut at `offsets`, which rise. */
export function cutAt(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const bounds = [0, ...offsets, bytes.length];
  return bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
}

export function byteByByte(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

/** Sizes of the records that `bytes` consists of. @throws {Error} If one is no application data, or is not whole. */
export function recordSizes(bytes: Uint8Array): number[] {
  const sizes = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.subarray(at, at + 3).toHex() !== "170303") throw new Error(`No application data at ${at}`);
    const size = bytes[at + 3]! << 8 | bytes[at + 4]!;
    sizes.push(size);
    at += 5 + size;
    if (at > bytes.length) throw new Error(`The last record lacks ${at - bytes.length} bytes`);
  }
  return sizes;
}
