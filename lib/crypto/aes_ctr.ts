/**
 * AES-256-CTR as a keystream that is made ahead, in the shape that the relay needs.
 *
 * `node:crypto`'s `aes-256-ctr` runs at a fraction of its `aes-256-ecb` in Deno, and WebCrypto keeps no stream state. So the
 * counter blocks are laid out here and enciphered by ECB; what comes out is the keystream (`tests/bench/aes_ctr_bench.ts`
 * has the figures). A native cipher holds memory outside the heap until `final()`: `release()` calls it.
 */
import { createCipheriv } from "node:crypto";

/** Bytes of an AES block. */
export const blockSize = 16;

/** Counter blocks of one call of the cipher: 64 KiB of keystream at most. */
const blocksAtMost = 4096;
const counterBlocks = new Uint32Array(blocksAtMost * 4);
const counterBytes = new Uint8Array(counterBlocks.buffer);

interface BlockCipher {
  update(bytes: Uint8Array): Uint8Array;
  final(): Uint8Array;
}

/** The keystream of one key and one starting counter. */
export class CtrKeystream {
  readonly #key: Uint8Array;
  /** The next counter as four big-endian words, as they lie in the IV. */
  #word0: number;
  #word1: number;
  #word2: number;
  #word3: number;
  #cipher: BlockCipher | undefined;

  /** `key` is 32 bytes and kept, `iv` 16 bytes; `firstBlock` skips that many blocks of keystream. */
  constructor(key: Uint8Array, iv: Uint8Array, firstBlock = 0) {
    if (key.length !== 32) throw new RangeError(`An AES-256 key has 32 bytes, not ${key.length}`);
    if (iv.length !== blockSize) throw new RangeError(`An AES-CTR IV has ${blockSize} bytes, not ${iv.length}`);
    this.#key = key;
    const view = new DataView(iv.buffer, iv.byteOffset, blockSize);
    this.#word0 = view.getUint32(0);
    this.#word1 = view.getUint32(4);
    this.#word2 = view.getUint32(8);
    this.#word3 = view.getUint32(12);
    this.#advance(firstBlock);
  }

  /** The next `blocks` blocks (1 to 4,096) of keystream, in an array of their own whose start is aligned to words. */
  next(blocks: number): Uint8Array {
    if (blocks < 1 || blocks > blocksAtMost) throw new RangeError(`Cannot make ${blocks} blocks of keystream at once`);
    this.#cipher ??= openBlockCipher(this.#key);
    this.#layOut(blocks);
    const keystream = this.#cipher.update(counterBytes.subarray(0, blocks * blockSize));
    return keystream.byteOffset % 4 === 0 ? keystream : keystream.slice();
  }

  /** Gives native memory back; the stream can go on and then takes it anew. */
  release(): void {
    this.#cipher?.final();
    this.#cipher = undefined;
  }

  #layOut(blocks: number): void {
    const out = counterBlocks;
    let left = blocks;
    for (let at = 0; left > 0;) {
      const run = Math.min(left, 0x1_0000_0000 - this.#word3); // up to the carry out of the low word
      const w0 = swap(this.#word0);
      const w1 = swap(this.#word1);
      const w2 = swap(this.#word2);
      const first = this.#word3;
      for (let i = 0; i < run; i++, at += 4) {
        out[at] = w0;
        out[at + 1] = w1;
        out[at + 2] = w2;
        out[at + 3] = swap(first + i);
      }
      this.#advance(run);
      left -= run;
    }
  }

  #advance(blocks: number): void {
    const low = this.#word3 + blocks;
    this.#word3 = low >>> 0;
    let carry = Math.floor(low / 0x1_0000_0000);
    for (const at of [2, 1, 0] as const) {
      if (carry === 0) return;
      carry = this.#carryInto(at, carry);
    }
  }

  #carryInto(word: 0 | 1 | 2, carry: number): number {
    const sum = (word === 2 ? this.#word2 : word === 1 ? this.#word1 : this.#word0) + carry;
    if (word === 2) this.#word2 = sum >>> 0;
    else if (word === 1) this.#word1 = sum >>> 0;
    else this.#word0 = sum >>> 0;
    return Math.floor(sum / 0x1_0000_0000);
  }
}

/** Big-endian order for little-endian machines, the only ones that Deno runs on. */
function swap(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

function openBlockCipher(key: Uint8Array): BlockCipher {
  const cipher = createCipheriv("aes-256-ecb", key, null);
  cipher.setAutoPadding(false);
  // Deno copies what ECB enciphers through a cache of unfinished blocks. Ours are always whole: without it a call costs a
  // third less (tests/bench/aes_ctr_bench.ts). Where a runtime has no such switch, nothing changes.
  if ("_needsBlockCache" in cipher) cipher._needsBlockCache = false;
  return cipher;
}
