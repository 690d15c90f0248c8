/**
 * The three framings of packets inside obfuscated2.
 *
 * ```text
 * ef  abridged             1 byte length/4 (or 7f and 3 bytes), payload      bit 7 of the first byte: quick ack wanted
 * ee  intermediate         4 bytes length, payload                           bit 31: quick ack wanted
 * dd  padded intermediate  4 bytes length, payload, 0..n bytes of padding    bit 31: quick ack wanted
 * ```
 */
import type { ByteReader } from "./byte_reader.ts";
import { concat, randomBytes } from "./byte_reader.ts";
import type { TransportTag } from "./obfuscated2_client.ts";

/** Larger packets mean that the stream is out of step. */
const packetLimit = 1 << 24;

/** One packet with its header; a padded one gets up to 15 bytes that are random in number and content. */
export function framePacket(tag: TransportTag, payload: Uint8Array): Uint8Array {
  if (tag === 0xef) return concat(abridgedHeader(payload.length), payload);
  const padding = tag === 0xdd ? randomBytes(randomBytes(1)[0]! % 16) : new Uint8Array(0);
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(0, payload.length + padding.length, true);
  return concat(header, payload, padding);
}

/** The next packet, or `null` at a clean end. Of padding only `length mod 4` bytes can be told apart and are cut. */
export async function readPacket(tag: TransportTag, reader: ByteReader): Promise<Uint8Array | null> {
  const first = await reader.some(1);
  if (first === null) return null;
  const length = tag === 0xef ? await abridgedLength(first[0]!, reader) : await intermediateLength(first, reader);
  if (length > packetLimit) throw new Error(`A packet of ${length} bytes: the stream is out of step`);
  const packet = await reader.exactly(length);
  return tag === 0xdd ? packet.subarray(0, length - length % 4) : packet;
}

function abridgedHeader(length: number): Uint8Array {
  if (length % 4 !== 0) throw new RangeError(`Abridged packets have a multiple of 4 bytes, not ${length}`);
  const words = length / 4;
  return words < 0x7f
    ? Uint8Array.of(words)
    : Uint8Array.of(0x7f, words & 0xff, (words >> 8) & 0xff, (words >> 16) & 0xff);
}

async function abridgedLength(first: number, reader: ByteReader): Promise<number> {
  const short = first & 0x7f;
  if (short < 0x7f) return short * 4;
  const [low, middle, high] = await reader.exactly(3);
  return (low! | (middle! << 8) | (high! << 16)) * 4;
}

async function intermediateLength(first: Uint8Array, reader: ByteReader): Promise<number> {
  const header = concat(first, await reader.exactly(3));
  return new DataView(header.buffer).getUint32(0, true) & 0x7fff_ffff;
}
