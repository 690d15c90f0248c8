/** Synchronous digests over `node:crypto`: a handshake waits for nothing but its sockets. */
import { hash } from "node:crypto";

const blockSize = 64;
const innerPad = 0x36;
const outerPad = 0x5c;
const digestSize = 32;

/** Where a key block and what is to be hashed lie side by side. Only in use within one call. */
let scratch = new Uint8Array(blockSize + 8_192);

/** SHA-256 of the parts one after another: 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return digest(scratch.subarray(0, append(0, parts)));
}

/**
 * HMAC-SHA256 (RFC 2104) of the parts one after another: 32 bytes. `key` has 64 bytes at most.
 *
 * Two one-shot hashes instead of `createHmac`: that makes a stream each time, garbage of which a busy proxy makes much
 * (tests/bench/hash_bench.ts).
 */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  if (key.length > blockSize) throw new RangeError(`A key of HMAC has at most ${blockSize} bytes, not ${key.length}`);
  const end = append(blockSize, parts);
  padKey(key, innerPad);
  const inner = digest(scratch.subarray(0, end));
  padKey(key, outerPad);
  scratch.set(inner, blockSize);
  return digest(scratch.subarray(0, blockSize + digestSize));
}

function digest(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

function padKey(key: Uint8Array, pad: number): void {
  scratch.fill(pad, 0, blockSize);
  for (let i = 0; i < key.length; i++) scratch[i] = key[i]! ^ pad;
}

/** Puts the parts into the scratch from `start` on; gives their end. */
function append(start: number, parts: readonly Uint8Array[]): number {
  const size = parts.reduce((sum, part) => sum + part.length, start);
  if (size > scratch.length) scratch = new Uint8Array(size * 2);
  let at = start;
  for (const part of parts) {
    scratch.set(part, at);
    at += part.length;
  }
  return size;
}
