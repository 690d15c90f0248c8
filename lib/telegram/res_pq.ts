/**
 * The first question of MTProto and its answer, as packets of the intermediate transports.
 *
 * ```text
 * length (4, little endian) | packet                      padded intermediate: the packet ends with 0 to 15 bytes of padding
 * packet: 00 × 8 | message id (8) | length (4) | body     everything little endian
 *
 * req_pq_multi  be7e8ef1 | nonce (16)
 * resPQ         05162463 | nonce (16) | server nonce (16) | pq | key fingerprints
 * ```
 *
 * The upper half of a message id is the sender's Unix time in seconds, the lower half its fraction. In place of a message the
 * server may send a transport error: a packet of 4 bytes with a negative number.
 */
import { randomInteger, type RandomSource } from "../crypto/random.ts";

export const nonceSize = 16;
/** Padding at most. */
const paddingAtMost = 15;
const lengthSize = 4;
const messageHeaderSize = 20;
const requestSize = messageHeaderSize + 4 + nonceSize;
const reqPqMulti = 0xbe7e8ef1;
const resPq = 0x05162463;
/** Up to the end of the server's nonce; what follows is of no interest here. */
const answerAtLeast = messageHeaderSize + 4 + 2 * nonceSize;
/** A real answer has about 100 bytes. */
const answerAtMost = 1_024;

/** The most bytes of an answer that are looked at, its length included. */
export const resPqRoom = lengthSize + answerAtMost;

export interface ReqPqParts {
  /** 16 bytes, which the answer repeats. */
  readonly nonce: Uint8Array;
  readonly nowMs: number;
  /** Gives the padding; absent for the intermediate transport, which has none. */
  readonly padding: RandomSource | undefined;
}

/** The question `req_pq_multi` with its length, ready to be enciphered: 44 bytes, and padding. */
export function writeReqPq({ nonce, nowMs, padding }: ReqPqParts): Uint8Array {
  const padded = padding === undefined ? 0 : randomInteger(padding, 0, paddingAtMost);
  const bytes = new Uint8Array(lengthSize + requestSize + padded);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, requestSize + padded, true);
  // Of a client's message ids the lowest two bits are zero.
  view.setUint32(lengthSize + 8, Math.floor(nowMs % 1_000 / 1_000 * 0x1_0000_0000) & ~3, true);
  view.setUint32(lengthSize + 12, Math.floor(nowMs / 1_000), true);
  view.setUint32(lengthSize + 16, 4 + nonceSize, true);
  view.setUint32(lengthSize + messageHeaderSize, reqPqMulti, true);
  bytes.set(nonce, lengthSize + messageHeaderSize + 4);
  if (padding !== undefined) padding.fill(bytes.subarray(lengthSize + requestSize));
  return bytes;
}

/** What has come so far. `timeMs` is the server's clock, Unix time. */
export type ResPq =
  | { readonly kind: "incomplete" }
  | { readonly kind: "answer"; readonly timeMs: number }
  | { readonly kind: "error"; readonly code: number }
  | { readonly kind: "garbage"; readonly what: string };

/** Reads the answer to a question with `nonce` out of what has been received and deciphered; any bytes give a result. */
export function readResPq(received: Uint8Array, nonce: Uint8Array): ResPq {
  if (received.length < lengthSize) return { kind: "incomplete" };
  const view = new DataView(received.buffer, received.byteOffset, received.byteLength);
  const size = view.getUint32(0, true);
  if (size < 4 || size > answerAtMost) return garbage(`a packet of ${size} bytes`);
  if (received.length < lengthSize + size) return { kind: "incomplete" };
  const first = view.getInt32(lengthSize, true);
  if (first < 0 && size <= 4 + paddingAtMost) return { kind: "error", code: first };
  if (size < answerAtLeast) return garbage(`a packet of ${size} bytes`);
  if (first !== 0 || view.getUint32(lengthSize + 4, true) !== 0) return garbage("a message under a key");
  const body = lengthSize + messageHeaderSize;
  if (view.getUint32(body, true) !== resPq) return garbage("another message");
  const echo = received.subarray(body + 4, body + 4 + nonceSize);
  if (echo.some((byte, at) => byte !== nonce[at])) return garbage("an answer to another question");
  const fraction = view.getUint32(lengthSize + 8, true) / 0x1_0000_0000;
  return { kind: "answer", timeMs: Math.floor((view.getUint32(lengthSize + 12, true) + fraction) * 1_000) };
}

function garbage(what: string): ResPq {
  return { kind: "garbage", what };
}
