/**
 * Moves one direction of a connection: read, shape, write, until the stream ends; then tells the other side so.
 *
 * What has been read is written before the next read is awaited: nothing waits in a buffer for more to come, and a slow
 * receiver slows the sender down by TCP alone. Buffers grow with use and shrink without it.
 */
import { type Chunk, type ChunkClass, type ChunkPool, classFor, headroom } from "./chunk.ts";
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

/** Who runs a pump, and is told how it ends: exactly once. */
export interface PumpOwner {
  /** Whether the other direction has ended: then the receiver is about to be disposed, and that tells it the end as well. */
  isLast(): boolean;
  ended(end: PumpEnd): void;
  /** With what the shaper has thrown. */
  failed(error: unknown): void;
}

export interface PumpOptions {
  readonly from: Conn;
  readonly to: Conn;
  readonly shaper: Shaper;
  readonly pool: ChunkPool;
  readonly meter: Meter;
  /** The largest chunk that this direction may grow to. */
  readonly largest: ChunkClass;
  readonly owner: PumpOwner;
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

/**
 * One direction. It waits by callbacks that are made once, not by `await`, which makes new ones for each chunk and holds
 * 0.8 KB more while it waits; most of all connections do nothing but wait.
 *
 * ```text
 * reading ──▶ shaping ──▶ writing ──▶ reading …       the end of the stream ──▶ passing it on
 * ```
 */
export class Pump {
  readonly #from: Conn;
  readonly #to: Conn;
  readonly #shaper: Shaper;
  readonly #pool: ChunkPool;
  readonly #meter: Meter;
  readonly #largest: ChunkClass;
  readonly #owner: PumpOwner;
  #chunk: Chunk;
  /** Where the read under way fills the chunk, and how much of it. */
  #offset = 0;
  #room = 0;
  /** How much the last read has brought. */
  #count = 0;
  #smallReads = 0;
  #isReading = true;

  /** Begins with a read, or with the one that is under way already. */
  constructor({ from, to, shaper, pool, meter, largest, owner }: PumpOptions, early?: EarlyRead) {
    this.#from = from;
    this.#to = to;
    this.#shaper = shaper;
    this.#pool = pool;
    this.#meter = meter;
    this.#largest = largest;
    this.#owner = owner;
    this.#chunk = early?.chunk ?? pool.take(0);
    if (early === undefined) {
      this.#read();
      return;
    }
    this.#offset = early.offset;
    this.#room = early.room;
    early.reading.then(this.#onRead, this.#onGone);
  }

  #read(): void {
    const chunk = this.#chunk;
    const offset = this.#offset = this.#shaper.readOffset;
    const room = this.#room = this.#shaper.readSize(chunk.size);
    this.#isReading = true;
    this.#from.read(chunk.space(offset, offset + room)).then(this.#onRead, this.#onGone);
  }

  readonly #onRead = (count: number | null): void => {
    if (count === null) return this.#passEnd();
    const chunk = this.#chunk;
    this.#meter.bytes += this.#count = count;
    this.#meter.active = true;
    chunk.start = this.#offset;
    chunk.end = this.#offset + count;
    try {
      this.#shaper.shape(chunk);
    } catch (error) {
      this.#pool.give(chunk);
      return this.#owner.failed(error);
    }
    if (chunk.end === chunk.start) return this.#readOn();
    this.#isReading = false;
    this.#to.write(chunk.used).then(this.#onWritten, this.#onGone);
  };

  readonly #onWritten = (sent: number): void => {
    const chunk = this.#chunk;
    this.#meter.active = true; // also for a part: a slow receiver may take longer than the idle time for all of it
    chunk.start += sent;
    if (chunk.start === chunk.end) return this.#readOn();
    this.#to.write(chunk.used).then(this.#onWritten, this.#onGone);
  };

  /** The next read, into a chunk of the size that fits. */
  #readOn(): void {
    const { class: size } = this.#chunk;
    if (this.#count === this.#room) {
      this.#smallReads = 0;
      if (size < this.#largest) this.#chunk = this.#pool.exchange(this.#chunk, size + 1 as ChunkClass);
    } else if (this.#count * 4 > this.#room) {
      this.#smallReads = 0;
    } else if (++this.#smallReads >= smallReadsAtLeast && size > 0) {
      this.#chunk = this.#pool.exchange(this.#chunk, classFor(this.#count * 2, size));
    }
    this.#read();
  }

  #passEnd(): void {
    if (this.#owner.isLast()) return this.#end("ended");
    this.#isReading = false;
    this.#to.closeWrite().then(() => this.#end("ended"), this.#onGone);
  }

  readonly #onGone = (): void => this.#end(this.#isReading ? "sender-gone" : "receiver-gone");

  #end(end: PumpEnd): void {
    this.#pool.give(this.#chunk);
    this.#owner.ended(end);
  }
}
