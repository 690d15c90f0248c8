/**
 * The buffers that bytes travel in, and a pool of them.
 *
 * A quiet connection waits with a small chunk; a read that fills it takes one of the next size. Chunks go back to the pool
 * when they are exchanged, so nothing is allocated while bytes flow.
 */

/** Room before what a read fills, at most: for a record header, and on to a word boundary. */
export const headroom = 16;

/**
 * Sizes of chunks. The smallest holds what idle clients send (pings); 16,448 and above hold whole TLS records and their headers.
 */
export const chunkSizes = [512, 4_096, 16_448, 65_600, 131_144, 262_256] as const;

/** An index into `chunkSizes`. */
export type ChunkClass = 0 | 1 | 2 | 3 | 4 | 5;

/** The largest class of chunks of `bytes`, apart from room for headers; the smallest if none is so small. */
export function classWithin(bytes: number): ChunkClass {
  return Math.max(0, chunkSizes.findLastIndex((size) => Math.floor(size / 512) * 512 <= bytes)) as ChunkClass;
}

/** The smallest class of chunks that hold `size` bytes, `most` at most. */
export function classFor(size: number, most: ChunkClass): ChunkClass {
  let fitting = most;
  while (fitting > 0 && chunkSizes[fitting - 1]! >= size) fitting--;
  return fitting;
}

/** A buffer and the part of it that is in use: `bytes[start, end)`. `words` views the same memory, 8 bytes each. */
export class Chunk {
  readonly bytes: Uint8Array;
  readonly class: ChunkClass;
  start = 0;
  end = 0;
  #space: Uint8Array;
  #used: Uint8Array;
  #words: BigUint64Array | undefined;

  /** `bytes` has the size of its class and starts at a multiple of 8 in its buffer. */
  constructor(size: ChunkClass, bytes: Uint8Array = new Uint8Array(chunkSizes[size])) {
    this.class = size;
    this.bytes = this.#space = this.#used = bytes;
  }

  get size(): number {
    return this.bytes.length;
  }

  get words(): BigUint64Array {
    return this.#words ??= new BigUint64Array(this.bytes.buffer, this.bytes.byteOffset, this.size / 8);
  }

  /** A view of `bytes[from, to)` for a read to fill; the last one is kept, since the next read mostly wants the same. */
  space(from: number, to: number): Uint8Array {
    return this.#space = this.#view(this.#space, from, to);
  }

  /** A view of the part in use; kept likewise. */
  get used(): Uint8Array {
    return this.#used = this.#view(this.#used, this.start, this.end);
  }

  #view(kept: Uint8Array, from: number, to: number): Uint8Array {
    if (kept.byteOffset - this.bytes.byteOffset === from && kept.length === to - from) return kept;
    return this.bytes.subarray(from, to);
  }
}

/** Bytes of unused chunks that a pool keeps. */
const keptAtMost = 8 << 20;
/** So many of the smallest chunks are cut out of one buffer: a buffer of its own costs each idle client half a KB more. */
const smallAtOnce = 128;

export class ChunkPool {
  readonly #free: Chunk[][] = chunkSizes.map(() => []);
  #kept = 0;
  #slab = new Uint8Array(0);
  #slabUsed = 0;

  take(size: ChunkClass): Chunk {
    const chunk = this.#free[size]!.pop();
    if (chunk === undefined) return size === 0 ? new Chunk(size, this.#cut()) : new Chunk(size);
    this.#kept -= chunk.size;
    chunk.start = chunk.end = 0;
    return chunk;
  }

  /** A chunk of the size above that of `chunk`. */
  takeAbove(chunk: Chunk): Chunk {
    return this.take(Math.min(chunk.class + 1, chunkSizes.length - 1) as ChunkClass);
  }

  give(chunk: Chunk): void {
    if (this.#kept + chunk.size > keptAtMost) return;
    this.#kept += chunk.size;
    this.#free[chunk.class]!.push(chunk);
  }

  /** Gives `chunk` back and takes one of another class, or the same if it is of that class already. */
  exchange(chunk: Chunk, size: ChunkClass): Chunk {
    if (chunk.class === size) return chunk;
    this.give(chunk);
    return this.take(size);
  }

  #cut(): Uint8Array {
    if (this.#slabUsed === this.#slab.length) {
      this.#slab = new Uint8Array(chunkSizes[0] * smallAtOnce);
      this.#slabUsed = 0;
    }
    return this.#slab.subarray(this.#slabUsed, this.#slabUsed += chunkSizes[0]);
  }
}
