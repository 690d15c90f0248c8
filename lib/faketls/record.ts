/**
 * TLS records as both sides write them after the handshake.
 *
 * ```text
 * type (1) | 03 03 | length (2, big endian) | payload
 * ```
 */
import { ProtocolError } from "../errors.ts";

// Specification constants (RFC 8446, section 5.1)

export const recordType = { changeCipherSpec: 0x14, alert: 0x15, handshake: 0x16, applicationData: 0x17 } as const;
export const recordHeaderSize = 5;
/** Most payload that a record which we send carries. */
export const recordPayloadAtMost = 16_384;

/** Type and version, the only ones that are legal after a handshake. */
const applicationDataPrefix = recordType.applicationData << 16 | 0x0303;
const changeCipherSpecPrefix = recordType.changeCipherSpec << 16 | 0x0303;

// Implementation constants

/** Telegram for iOS sends records of up to 16,408 bytes; longer than this is no client of ours. */
const inboundAtMost = 16_640;

/** Writes the header of an application-data record of `length` payload bytes at `offset`. */
export function writeRecordHeader(bytes: Uint8Array, offset: number, length: number): void {
  bytes[offset] = recordType.applicationData;
  bytes[offset + 1] = 3;
  bytes[offset + 2] = 3;
  bytes[offset + 3] = length >> 8;
  bytes[offset + 4] = length & 0xff;
}

/** The most payload that fits, framed, into `size` bytes. */
export function payloadThatFits(size: number): number {
  const whole = Math.floor(size / (recordPayloadAtMost + recordHeaderSize));
  const rest = size - whole * (recordPayloadAtMost + recordHeaderSize);
  return whole * recordPayloadAtMost + Math.max(0, rest - recordHeaderSize);
}

/**
 * Turns the `length` payload bytes at `bytes[start + 5, …)` into records in place, from `start` on: the first header goes before
 * the payload, the payload of each further record moves up to make room for its own.
 *
 * @returns The end of the framed bytes.
 */
export function frameInPlace(bytes: Uint8Array, start: number, length: number): number {
  const records = Math.ceil(length / recordPayloadAtMost);
  for (let i = records - 1; i > 0; i--) {
    const from = start + recordHeaderSize + i * recordPayloadAtMost;
    const to = from + i * recordHeaderSize;
    const size = Math.min(recordPayloadAtMost, length - i * recordPayloadAtMost);
    bytes.copyWithin(to, from, from + size);
    writeRecordHeader(bytes, to - recordHeaderSize, size);
  }
  if (records > 0) writeRecordHeader(bytes, start, Math.min(recordPayloadAtMost, length));
  return start + length + records * recordHeaderSize;
}

/**
 * Takes the payload out of a stream of records, however it is cut into chunks.
 *
 * ChangeCipherSpec records are skipped, application data is passed on; anything else ends the connection.
 */
export class RecordReader {
  /** Bytes of the current record that have not come yet. */
  #left = 0;
  #skipping = false;
  /** Bytes of the header that have come, 0 to 4, and what they hold as one big-endian number. */
  #headerSize = 0;
  #header = 0;

  /**
   * Moves the payload found in `bytes[start, end)` to `bytes[to, …)`, where `to` is at most `start`.
   *
   * @returns The end of the payload.
   * @throws {ProtocolError} bad-record if a record has another type or version, or more than 16,640 bytes.
   */
  strip(bytes: Uint8Array, start: number, end: number, to: number): number {
    let out = to;
    for (let at = start; at < end;) {
      if (this.#left === 0) {
        at = this.#readHeader(bytes, at, end);
        continue;
      }
      const stop = Math.min(end, at + this.#left);
      if (!this.#skipping) {
        if (out !== at) bytes.copyWithin(out, at, stop);
        out += stop - at;
      }
      this.#left -= stop - at;
      at = stop;
    }
    return out;
  }

  #readHeader(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.#headerSize < recordHeaderSize) {
      this.#header = this.#header * 256 + bytes[at++]!;
      this.#headerSize++;
    }
    if (this.#headerSize < recordHeaderSize) return at;
    const prefix = Math.floor(this.#header / 0x1_0000);
    this.#left = this.#header % 0x1_0000;
    this.#header = this.#headerSize = 0;
    if (prefix !== applicationDataPrefix && prefix !== changeCipherSpecPrefix) {
      throw new ProtocolError(
        "bad-record",
        "Cannot read a TLS record: it is neither application data nor ChangeCipherSpec",
      );
    }
    if (this.#left > inboundAtMost) {
      throw new ProtocolError(
        "bad-record",
        `Cannot read a TLS record of ${this.#left} bytes, at most ${inboundAtMost}`,
      );
    }
    this.#skipping = prefix === changeCipherSpecPrefix;
    return at;
  }
}
