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

  /** The next `blocks` blocks (1 to 4,096) of keystream, in an array of their own whose start is a multiple of 8. */
  next(blocks: number): Uint8Array {
    if (blocks < 1 || blocks > blocksAtMost) throw new RangeError(`Cannot make ${blocks} blocks of keystream at once`);
    this.#cipher ??= openBlockCipher(this.#key);
    this.#layOut(blocks);
    const keystream = this.#cipher.update(counterBytes.subarray(0, blocks * blockSize));
    return keystream.byteOffset % 8 === 0 ? keystream : keystream.slice();
  }

  /** Gives native memory back; the stream can go on and then takes it anew. */
  release(): void {
    this.#cipher?.final();
    this.#cipher = undefined;
  }

  #layOut(blocks: number): void {
    for (let done = 0; done < blocks;) {
      const run = Math.min(blocks - done, 0x1_0000_0000 - this.#word3); // up to the carry out of the low word
      layOutRun(done, run, this.#word0, this.#word1, this.#word2, this.#word3);
      this.#advance(run);
      done += run;
    }
  }

  /** Goes back by `blocks` blocks, which `next` then gives again. */
  rewind(blocks: number): void {
    this.#advance(-blocks);
  }

  /** Moves the 128-bit counter by a number of blocks below 2^32, forward or back. */
  #advance(blocks: number): void {
    let sum = this.#word3 + blocks;
    this.#word3 = sum >>> 0;
    sum = this.#word2 + Math.floor(sum / 0x1_0000_0000);
    this.#word2 = sum >>> 0;
    sum = this.#word1 + Math.floor(sum / 0x1_0000_0000);
    this.#word1 = sum >>> 0;
    this.#word0 = this.#word0 + Math.floor(sum / 0x1_0000_0000) >>> 0;
  }
}

/** Writes counter blocks from block `at` on, that differ in their low word alone. */
function layOutRun(at: number, blocks: number, word0: number, word1: number, word2: number, low: number): void {
  const out = counterBlocks;
  const start = at * 4;
  const end = start + blocks * 4;
  out[start] = swap(word0);
  out[start + 1] = swap(word1);
  out[start + 2] = swap(word2);
  for (let filled = start + 4; filled < end;) {
    const size = Math.min(filled - start, end - filled);
    out.copyWithin(filled, start, start + size);
    filled += size;
  }
  // The last byte of the counter is the highest of a little-endian word: within 256 blocks only that one changes.
  for (let done = 0; done < blocks;) {
    const high = swap((low + done & ~0xff) >>> 0);
    const first = low + done & 0xff;
    const run = Math.min(0x100 - first, blocks - done);
    const base = start + done * 4 + 3;
    for (let i = 0; i < run; i++) out[base + i * 4] = high | first + i << 24;
    done += run;
  }
}

/** Big-endian order for little-endian machines, the only ones that Deno runs on. */
function swap(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

function openBlockCipher(key: Uint8Array): BlockCipher {
  // Older runtimes, such as 2.6, want bytes here, though ECB has no use for any.
  const cipher = createCipheriv("aes-256-ecb", key, new Uint8Array(0));
  cipher.setAutoPadding(false);
  // Deno copies what ECB enciphers through a cache of unfinished blocks. Ours are always whole: without it a call costs a
  // third less (tests/bench/aes_ctr_bench.ts). Where a runtime has no such switch, nothing changes.
  if ("_needsBlockCache" in cipher) cipher._needsBlockCache = false;
  return cipher;
}
