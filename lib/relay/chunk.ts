/**
 * The buffers that bytes travel in, and a pool of them.
 *
 * A quiet connection waits with a small chunk; a read that fills it takes one of the next size. Chunks go back to the pool
 * when they are exchanged, so nothing is allocated while bytes flow.
 */

/** Room before what a read fills, at most: for a record header, and on to a word boundary. */
export const headroom = 16;

/** A buffer and the part of it that is in use: `bytes[start, end)`. `words` views the same memory, 8 bytes each. */
export class Chunk {
  readonly bytes: Uint8Array;
  start = 0;
  end = 0;
  #space: Uint8Array;
  #words: BigUint64Array | undefined;

  constructor(readonly size: number) {
    this.bytes = new Uint8Array(size);
    this.#space = this.bytes;
  }

  get words(): BigUint64Array {
    return this.#words ??= new BigUint64Array(this.bytes.buffer);
  }

  /** A view of `bytes[from, to)` for a read to fill; the last one is kept, since the next read mostly wants the same. */
  space(from: number, to: number): Uint8Array {
    const kept = this.#space;
    if (kept.byteOffset === from && kept.length === to - from) return kept;
    return this.#space = this.bytes.subarray(from, to);
  }

  /** A view of the part in use. */
  get used(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }
}

/** Sizes of chunks, each four or two times the one before. 16,448 and above hold whole TLS records and their headers. */
export const chunkSizes = [1_024, 4_096, 16_448, 65_600, 131_144] as const;

/** An index into `chunkSizes`. */
export type ChunkClass = 0 | 1 | 2 | 3 | 4;

/** Bytes of unused chunks that a pool keeps. */
const keptAtMost = 8 << 20;

export class ChunkPool {
  readonly #free: Chunk[][] = chunkSizes.map(() => []);
  #kept = 0;

  take(size: ChunkClass): Chunk {
    const chunk = this.#free[size]!.pop();
    if (chunk === undefined) return new Chunk(chunkSizes[size]);
    this.#kept -= chunk.size;
    chunk.start = chunk.end = 0;
    return chunk;
  }

  /** A chunk of the size above that of `chunk`. */
  takeAbove(chunk: Chunk): Chunk {
    return this.take(Math.min(classOf(chunk) + 1, chunkSizes.length - 1) as ChunkClass);
  }

  give(chunk: Chunk): void {
    if (this.#kept + chunk.size > keptAtMost) return;
    this.#kept += chunk.size;
    this.#free[classOf(chunk)]!.push(chunk);
  }
}

export function classOf(chunk: Chunk): ChunkClass {
  return chunkSizes.findIndex((size) => size === chunk.size) as ChunkClass;
}
