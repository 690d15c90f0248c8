/**
 * One or two AES-CTR streams applied to data in place.
 *
 * Decrypting from one side and encrypting for the other is one XOR with both keystreams together. The keystream is made
 * ahead in growing pieces, so that a quiet connection holds none and a busy one calls the cipher seldom.
 */
import { blockSize, type CtrKeystream } from "./aes_ctr.ts";

/**
 * Keystream is made for so many times what is wanted at the moment, in blocks of 32 to 4,096 (64 KiB): a call of the cipher costs
 * 2 µs before its first byte, and a connection that chats holds a few KiB ahead.
 */
const aheadFactor = 16;
const fewestBlocks = 32;
const mostBlocks = 4096;

/** Data is combined in words of so many bytes where it lies right for that. */
export const wordSize = 8;

/** Bytes, and the same memory as words; `words[i]` is `bytes[8 * i, 8 * i + 8)`. */
interface Bytes {
  readonly bytes: Uint8Array;
  readonly words: BigUint64Array;
}

export class CtrXor {
  readonly #first: CtrKeystream;
  readonly #second: CtrKeystream | undefined;
  /** What has been made and not all used yet; where there are two streams, `#other` is the second one's. */
  #keystream: Bytes;
  #other: Bytes | undefined;
  /** How much of `#keystream` is used. Beyond its end only after `release()`: so much of the next block is used already. */
  #position = 0;

  /** `ahead` is what has been made of the (joint) keystream already and comes first; its length is a multiple of 16. */
  constructor(first: CtrKeystream, second?: CtrKeystream, ahead: Uint8Array = new Uint8Array(0)) {
    this.#first = first;
    this.#second = second;
    this.#keystream = withWords(ahead);
  }

  /**
   * Where data should start, modulo `wordSize`, to be combined word by word. Data that starts elsewhere is combined byte by
   * byte, at a tenth of the speed.
   */
  get alignment(): number {
    return this.#position % wordSize;
  }

  /** Combines `data.bytes[start, end)` with the next `end - start` bytes of keystream. */
  apply(data: Bytes, start: number, end: number): void {
    for (let at = start; at < end;) {
      if (this.#position >= this.#keystream.bytes.length) this.#refill(end - at);
      const stop = Math.min(end, at + this.#keystream.bytes.length - this.#position);
      xorInto(data, at, stop, this.#keystream, this.#other ?? noKeystream, this.#position);
      this.#position += stop - at;
      at = stop;
    }
  }

  /** Gives native memory and the keystream made ahead back; the stream can go on. */
  release(): void {
    this.#first.release();
    this.#second?.release();
    const unused = Math.ceil((this.#keystream.bytes.length - this.#position) / blockSize);
    this.#first.rewind(unused);
    this.#second?.rewind(unused);
    this.#keystream = noKeystream;
    this.#other = undefined;
    this.#position %= blockSize;
  }

  #refill(needed: number): void {
    this.#position -= this.#keystream.bytes.length;
    free(this.#keystream);
    if (this.#other !== undefined) free(this.#other);
    const wanted = Math.ceil((this.#position + needed * aheadFactor) / blockSize);
    const blocks = Math.max(fewestBlocks, Math.min(wanted, mostBlocks));
    this.#keystream = withWords(this.#first.next(blocks));
    this.#other = this.#second === undefined ? undefined : withWords(this.#second.next(blocks));
  }
}

/**
 * Gives used-up keystream back at once instead of with the next garbage collection: the next piece then comes to lie in the
 * same memory, which the processor still has in its cache (tests/bench/aes_ctr_bench.ts).
 */
function free({ bytes }: Bytes): void {
  const { buffer, length } = bytes;
  // One that is part of a larger buffer shares it with others: Deno before 2.9 takes small ones from a pool.
  if (length > fewestBlocks * blockSize && length === buffer.byteLength && buffer instanceof ArrayBuffer) {
    buffer.transfer(0);
  }
}

const noKeystream: Bytes = withWords(new Uint8Array(0));

/** XORs `data[start, end)` with both keystreams, from their byte `position` on. An empty second one counts as zeros. */
function xorInto(data: Bytes, start: number, end: number, first: Bytes, second: Bytes, position: number): void {
  const shift = position - start;
  const aligned = shift % wordSize === 0;
  const wordStart = aligned ? Math.min(end, start + wordSize - 1 & -wordSize) : end;
  const wordEnd = Math.max(wordStart, end & -wordSize);
  xorBytesOfBoth(data.bytes, start, wordStart, first.bytes, second.bytes, shift);
  const words = data.words;
  const key = first.words;
  const wordShift = shift / wordSize;
  if (second.words.length === 0) {
    for (let i = wordStart / wordSize; i < wordEnd / wordSize; i++) words[i] = words[i]! ^ key[i + wordShift]!;
  } else {
    const other = second.words;
    for (let i = wordStart / wordSize; i < wordEnd / wordSize; i++) {
      words[i] = words[i]! ^ key[i + wordShift]! ^ other[i + wordShift]!;
    }
  }
  xorBytesOfBoth(data.bytes, wordEnd, end, first.bytes, second.bytes, shift);
}

function xorBytesOfBoth(
  data: Uint8Array,
  start: number,
  end: number,
  first: Uint8Array,
  second: Uint8Array,
  shift: number,
): void {
  xorBytes(data, start, end, first, start + shift);
  if (second.length > 0) xorBytes(data, start, end, second, start + shift);
}

/** XORs `bytes[start, end)` with `key` from `keyStart` on, whatever the alignment. */
export function xorBytes(bytes: Uint8Array, start: number, end: number, key: Uint8Array, keyStart: number): void {
  const shift = keyStart - start;
  for (let at = start; at < end; at++) bytes[at] = bytes[at]! ^ key[at + shift]!;
}

function withWords(bytes: Uint8Array): Bytes {
  return { bytes, words: new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3) };
}
