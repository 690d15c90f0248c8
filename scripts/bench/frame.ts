/**
 * The 64-byte frame with which obfuscated2 begins, and the keys that it carries.
 *
 * ```text
 * 0..7 random | 8..39 key | 40..55 IV | 56..59 protocol tag | 60..61 DC | 62..63 random
 *               └── reversed: key and IV of the other direction ──┘
 * ```
 */
import { createHash } from "node:crypto";
import { KeyStream } from "./keystream.ts";

/** Bytes of the frame, after which the first stream goes on. */
export const frameSize = 64;

const tagOffset = 56;
const dcOffset = 60;
const tags: readonly number[] = [0xdd, 0xee, 0xef];
/** First words that other protocols begin with. */
const reservedWords: readonly number[] = [
  0x44414548,
  0x54534f50,
  0x20544547,
  0x4954504f,
  0x02010316,
  0xdddddddd,
  0xeeeeeeee,
];

/** The two keystreams of a connection: from the end that sent the frame, and towards it. */
export interface StreamKeys {
  readonly forward: KeyStream;
  readonly back: KeyStream;
}

/** Draws a frame of padded intermediate for `dc` and enciphers its tail. `key`: 16 bytes, or none towards a DC. */
export function makeFrame(
  dc: number,
  key: Uint8Array | undefined,
): { frame: Uint8Array<ArrayBuffer>; keys: StreamKeys } {
  const frame = drawFrame();
  frame.fill(0xdd, tagOffset, dcOffset);
  new DataView(frame.buffer).setInt16(dcOffset, dc, true);
  const keys = keysOf(frame, key);
  const enciphered = frame.slice();
  keys.forward.apply(enciphered, 0);
  frame.set(enciphered.subarray(tagOffset), tagOffset);
  return { frame, keys };
}

/** Keys of a received frame, or `undefined` if its protocol tag is none of obfuscated2's. */
export function openFrame(frame: Uint8Array): StreamKeys | undefined {
  const keys = keysOf(frame, undefined);
  const plain = frame.slice();
  keys.forward.apply(plain, 0);
  const tag = plain.subarray(tagOffset, dcOffset);
  if (tags.includes(tag[0]!) && tag.every((byte) => byte === tag[0])) return keys;
  closeKeys(keys);
  return undefined;
}

/** Gives the native memory of both ciphers back. */
export function closeKeys(keys: StreamKeys): void {
  keys.forward[Symbol.dispose]();
  keys.back[Symbol.dispose]();
}

function drawFrame(): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(frameSize);
  const view = new DataView(frame.buffer);
  do crypto.getRandomValues(frame); while (
    frame[0] === 0xef || reservedWords.includes(view.getUint32(0, true)) || view.getUint32(4) === 0
  );
  return frame;
}

function keysOf(frame: Uint8Array, key: Uint8Array | undefined): StreamKeys {
  const material = frame.slice(8, tagOffset);
  const forward = streamOf(material, key);
  return { forward, back: streamOf(material.reverse(), key) };
}

function streamOf(material: Uint8Array, key: Uint8Array | undefined): KeyStream {
  const own = material.subarray(0, 32);
  const mixed = key === undefined ? own : createHash("sha256").update(own).update(key).digest();
  return new KeyStream(mixed, material.subarray(32));
}
