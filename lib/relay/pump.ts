/**
 * Moves one direction of a connection: read, shape, write, until the stream ends; then tells the other side so.
 *
 * What has been read is written before the next read is awaited: nothing waits in a buffer for more to come, and a slow
 * receiver slows the sender down by TCP alone. Buffers grow with use and shrink without it.
 */
import { type Chunk, type ChunkClass, type ChunkPool, chunkSizes, headroom } from "./chunk.ts";
import type { Conn } from "./conn.ts";

/** What happens to bytes between read and write, in place. */
export interface Shaper {
  /** Where in a chunk the next read starts to fill; `headroom` at most. */
  readonly readOffset: number;
  /** How many bytes a read may bring so that their shaped form fits a chunk of `size` bytes. */
  readSize(size: number): number;
  /** Shapes `chunk.bytes[chunk.start, chunk.end)` and sets both to where the result lies; it may be empty. */
  shape(chunk: Chunk): void;
  /** The connection has gone quiet, or ended: gives spare memory back. */
  release(): void;
}

/** Bytes as they are. */
export const unshaped: Shaper = {
  readOffset: 0,
  readSize: (size) => size - headroom,
  shape() {},
  release() {},
};

/** Counts what moves; one for each direction. Read by whoever watches for idle connections. */
export interface Meter {
  /** Bytes read from the sender. */
  bytes: number;
  /** Set with every read and write; the watcher clears it. */
  active: boolean;
}

/** A read that was begun before the pump: its bytes go to `chunk` from `offset` on, `room` of them at most. */
export interface EarlyRead {
  readonly chunk: Chunk;
  readonly offset: number;
  readonly room: number;
  readonly reading: Promise<number | null>;
}

export interface PumpOptions {
  readonly shaper: Shaper;
  readonly pool: ChunkPool;
  readonly meter: Meter;
  /** The largest chunk that this direction may grow to. */
  readonly largest: ChunkClass;
  readonly early?: EarlyRead | undefined;
  /** Whether the other direction has ended: then the receiver is about to be disposed, and that tells it the end as well. */
  readonly isLast?: () => boolean;
}

/**
 * How a direction ends: the sender has sent its end and the receiver knows; or one of them went away. A receiver that is gone
 * may have sent something before, which the other direction still brings.
 */
export type PumpEnd = "ended" | "sender-gone" | "receiver-gone";

/**
 * A read that filled its room wants more of it. One that used less than a quarter of it may be the rest of a message; after
 * two in a row the connection will do with twice what the last one used.
 */
const smallReadsAtLeast = 2;

/** Rejects only with what the shaper throws. */
export async function pump(from: Conn, to: Conn, options: PumpOptions): Promise<PumpEnd> {
  const { shaper, pool, meter, largest, early, isLast } = options;
  let chunk = early?.chunk ?? pool.take(0);
  let smallReads = 0;
  try {
    let offset = early?.offset ?? shaper.readOffset;
    let room = early?.room ?? shaper.readSize(chunk.size);
    let reading = early?.reading ?? from.read(chunk.space(offset, offset + room));
    for (;;) {
      let count: number | null;
      try {
        count = await reading;
      } catch {
        return "sender-gone";
      }
      if (count === null) return isLast?.() ? "ended" : await passEnd(to);
      meter.bytes += count;
      meter.active = true;
      chunk.start = offset;
      chunk.end = offset + count;
      shaper.shape(chunk);
      if (chunk.end > chunk.start) {
        const bytes = chunk.used;
        try {
          let sent = await to.write(bytes);
          while (sent < bytes.length) {
            meter.active = true; // a slow receiver may take longer than the idle time for all of it
            sent += await to.write(bytes.subarray(sent));
          }
        } catch {
          return "receiver-gone";
        }
        meter.active = true;
      }
      if (count === room) {
        smallReads = 0;
        if (chunk.class < largest) chunk = pool.exchange(chunk, chunk.class + 1 as ChunkClass);
      } else if (count * 4 > room) {
        smallReads = 0;
      } else if (++smallReads >= smallReadsAtLeast && chunk.class > 0) {
        chunk = pool.exchange(chunk, classFor(count * 2, chunk.class));
      }
      offset = shaper.readOffset;
      room = shaper.readSize(chunk.size);
      reading = from.read(chunk.space(offset, offset + room));
    }
  } finally {
    pool.give(chunk);
  }
}

async function passEnd(to: Conn): Promise<PumpEnd> {
  try {
    await to.closeWrite();
    return "ended";
  } catch {
    return "receiver-gone";
  }
}

/** The smallest class of chunks that hold `size` bytes, `most` at most. */
function classFor(size: number, most: ChunkClass): ChunkClass {
  let fitting = most;
  while (fitting > 0 && chunkSizes[fitting - 1]! >= size) fitting--;
  return fitting;
}
