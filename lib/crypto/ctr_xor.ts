/**
 * One or two AES-CTR streams applied to data in place.
 *
 * Decrypting from one side and encrypting for the other is one XOR with both keystreams together. The keystream is made
 * ahead in growing pieces, so that a quiet connection holds a few hundred bytes and a busy one calls the cipher seldom.
 */
import { blockSize, type CtrKeystream } from "./aes_ctr.ts";

const smallestBlocks = 32;
const largestBlocks = 4096;
const growth = 4;

export class CtrXor {
  readonly #first: CtrKeystream;
  readonly #second: CtrKeystream | undefined;
  #keystream: Uint8Array;
  #words: Uint32Array;
  #position = 0;
  #nextBlocks = smallestBlocks;

  /** `ahead` is what has been made of the (joint) keystream already and comes first; its length is a multiple of 16. */
  constructor(first: CtrKeystream, second?: CtrKeystream, ahead: Uint8Array = new Uint8Array(0)) {
    this.#first = first;
    this.#second = second;
    this.#keystream = ahead;
    this.#words = wordsOf(ahead);
  }

  /**
   * Where data should start, modulo 4, to be combined word by word. Data that starts elsewhere is combined byte by byte, at
   * a fifth of the speed.
   */
  get alignment(): number {
    return this.#position % 4;
  }

  /** Combines `bytes[start, end)` with the next `end - start` bytes of keystream. `words` views the same memory. */
  apply(bytes: Uint8Array, words: Uint32Array, start: number, end: number): void {
    for (let at = start; at < end;) {
      if (this.#position === this.#keystream.length) this.#refill(end - at);
      const stop = Math.min(end, at + this.#keystream.length - this.#position);
      if ((at - this.#position) % 4 === 0) this.#xorWords(bytes, words, at, stop);
      else xorBytes(bytes, at, stop, this.#keystream, this.#position);
      this.#position += stop - at;
      at = stop;
    }
  }

  /** Gives native memory and spare room back; the stream can go on. */
  release(): void {
    this.#first.release();
    this.#second?.release();
    this.#nextBlocks = smallestBlocks;
    if (this.#keystream.length > smallestBlocks * blockSize) this.#shrink();
  }

  #shrink(): void {
    // From a whole word on, so that alignment is kept.
    const from = this.#position - this.#position % 4;
    this.#keystream = this.#keystream.slice(from);
    this.#words = wordsOf(this.#keystream);
    this.#position -= from;
  }

  #refill(needed: number): void {
    const blocks = Math.min(Math.max(this.#nextBlocks, Math.ceil(needed / blockSize)), largestBlocks);
    this.#nextBlocks = Math.min(blocks * growth, largestBlocks);
    this.#keystream = this.#first.next(blocks);
    this.#words = wordsOf(this.#keystream);
    this.#position = 0;
    if (this.#second === undefined) return;
    const words = this.#words;
    const other = wordsOf(this.#second.next(blocks));
    for (let i = 0; i < words.length; i++) words[i] = words[i]! ^ other[i]!;
  }

  #xorWords(bytes: Uint8Array, words: Uint32Array, start: number, end: number): void {
    const key = this.#words;
    const keystream = this.#keystream;
    const shift = this.#position - start;
    let at = start;
    for (; at < end && at % 4 !== 0; at++) bytes[at] = bytes[at]! ^ keystream[at + shift]!;
    const wordEnd = end >> 2;
    const wordShift = (at + shift >> 2) - (at >> 2);
    let word = at >> 2;
    for (; word < wordEnd; word++) words[word] = words[word]! ^ key[word + wordShift]!;
    for (at = Math.max(at, word * 4); at < end; at++) bytes[at] = bytes[at]! ^ keystream[at + shift]!;
  }
}

/** XORs `bytes[start, end)` with `key` from `keyStart` on, whatever the alignment. */
export function xorBytes(bytes: Uint8Array, start: number, end: number, key: Uint8Array, keyStart: number): void {
  const shift = keyStart - start;
  for (let at = start; at < end; at++) bytes[at] = bytes[at]! ^ key[at + shift]!;
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}
