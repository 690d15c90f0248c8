import { ProtocolError } from "../errors.ts";
import type { Chunk, ChunkClass, ChunkPool } from "../relay/chunk.ts";
import { type Conn, ConnectionOver } from "../relay/conn.ts";
import type { EarlyRead } from "../relay/pump.ts";

/**
 * What a client has sent and nobody has used yet, while it shakes hands.
 *
 * Reading stops at a deadline without the client noticing: the read that is under way then is handed on, together with all
 * bytes so far, to whoever goes on with the connection.
 */
export class Inbox {
  readonly #client: Conn;
  readonly pool: ChunkPool;
  readonly #onFirst: () => void;
  #chunk: Chunk;
  #reading: Promise<number | null> | undefined;
  #offset = 0;
  #isExpired = false;
  /** Set while somebody waits in `more()`. */
  #giveUp: ((reason: ProtocolError) => void) | undefined;

  /** `onFirst` is told when the first byte has come. */
  constructor(client: Conn, pool: ChunkPool, size: ChunkClass, onFirst: () => void) {
    this.#client = client;
    this.pool = pool;
    this.#onFirst = onFirst;
    this.#chunk = pool.take(size);
  }

  /** The buffer; its bytes from 0 to `end` are what has come. */
  get chunk(): Chunk {
    return this.#chunk;
  }

  get received(): Uint8Array {
    return this.#chunk.bytes.subarray(0, this.#chunk.end);
  }

  /**
   * Waits for more bytes and appends them.
   *
   * @returns How many.
   * @throws {ProtocolError} closed-early if the client has sent its end, handshake-timeout once `expire()` was called.
   * @throws {ConnectionOver} If the client is gone.
   */
  async more(): Promise<number> {
    if (this.#isExpired) throw timeout();
    this.#begin();
    const count = await this.#outcome();
    if (count === null) throw new ProtocolError("closed-early", "The client ended in its handshake");
    this.#reading = undefined;
    if (this.#chunk.end === 0) this.#onFirst();
    this.#chunk.end += count;
    return count;
  }

  /** The deadline has passed: nobody waits for the client any more. */
  expire(): void {
    this.#isExpired = true;
    this.#giveUp?.(timeout());
  }

  /** Forgets the first `count` bytes of what has come. */
  drop(count: number): void {
    this.#chunk.bytes.copyWithin(0, count, this.#chunk.end);
    this.#chunk.end -= count;
  }

  /** Forgets what has come. */
  clear(): void {
    this.#chunk.end = 0;
  }

  /** The read under way, or a new one, for a pump to begin with; the bytes so far stay in `chunk` before it. */
  handOver(): EarlyRead {
    this.#begin();
    const chunk = this.#chunk;
    return { chunk, offset: this.#offset, room: chunk.size - this.#offset, reading: this.#reading! };
  }

  /** Gives the buffer back; for when nothing is being read into it. */
  release(): void {
    this.pool.give(this.#chunk);
  }

  /** What the read under way brings. Not by `Promise.race()`, which leaves a reaction behind with each call. */
  #outcome(): Promise<number | null> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      this.#reading!.then(resolve, (cause) => reject(new ConnectionOver("The client is gone", { cause })));
    });
  }

  #begin(): void {
    if (this.#reading !== undefined) return;
    if (this.#chunk.end === this.#chunk.size) this.#grow();
    this.#offset = this.#chunk.end;
    this.#reading = this.#client.read(this.#chunk.space(this.#offset, this.#chunk.size));
  }

  #grow(): void {
    const full = this.#chunk;
    this.#chunk = this.pool.takeAbove(full);
    this.#chunk.bytes.set(full.bytes);
    this.#chunk.end = full.end;
    this.pool.give(full);
  }
}

function timeout(): ProtocolError {
  return new ProtocolError("handshake-timeout", "The client fell silent in its handshake");
}
