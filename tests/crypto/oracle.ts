/** AES-256-CTR by WebCrypto, which shares no code with what is tested, and helpers to ask it. */

/** Keystream bytes `[from, from + count)`; the whole 16 bytes of `iv` count, as a number of 128 bits. */
export async function oracleKeystream(key: Uint8Array, iv: Uint8Array, from: number, count: number) {
  const cryptoKey = await crypto.subtle.importKey("raw", key.slice(), "AES-CTR", false, ["encrypt"]);
  const skipped = from % 16;
  const counter = addBlocks(iv, Math.floor(from / 16));
  const zeros = new Uint8Array(skipped + count);
  const keystream = await crypto.subtle.encrypt({ name: "AES-CTR", counter, length: 128 }, cryptoKey, zeros);
  return new Uint8Array(keystream, skipped);
}

/** `iv + blocks` modulo 2^128. */
export function addBlocks(iv: Uint8Array, blocks: number): Uint8Array<ArrayBuffer> {
  const sum = BigInt.asUintN(128, BigInt(`0x${iv.toHex()}`) + BigInt(blocks));
  return Uint8Array.fromHex(sum.toString(16).padStart(32, "0"));
}

/** Bytes of both, combined. */
export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, index) => byte ^ b[index]!);
}

/** Bytes that look random and are the same in each run. */
export function patterned(count: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(count);
  let state = Math.imul(seed + 1, 0x9e37_79b9) | 1;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** Counters one block before each carry out of a word of 32 bits, and some that are far from one. */
export const counters: readonly (readonly [string, string])[] = [
  ["no carry near", "00112233445566778899aabbccddee00"],
  ["a carry out of the low byte", "000102030405060708090a0b0c0d0eff"],
  ["a carry out of 16 bits", "000102030405060708090a0b0c0dfffe"],
  ["a carry out of 24 bits", "000102030405060708090a0b01fffffd"],
  ["a carry out of 32 bits", "00112233445566778899aabbfffffffe"],
  ["a carry out of 64 bits", "0011223344556677fffffffffffffffd"],
  ["a carry out of 96 bits", "00112233fffffffffffffffffffffffc"],
  ["a carry out of 128 bits", "fffffffffffffffffffffffffffffffb"],
  ["a low word with its highest bit set", "0011223344556677ffffffff80000000"],
  ["a carry into the highest bit of a word", "00112233445566777fffffff7fffffff"],
];
