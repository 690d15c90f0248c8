import { ProtocolError } from "../errors.ts";
import type { Chunk, ChunkClass, ChunkPool } from "../relay/chunk.ts";
import { type Conn, outcomeOf } from "../relay/conn.ts";
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
  readonly #expired: Promise<"expired">;
  #chunk: Chunk;
  #reading: Promise<number | null> | undefined;
  #offset = 0;

  /** `expired` resolves at the deadline. */
  constructor(client: Conn, pool: ChunkPool, expired: Promise<"expired">, size: ChunkClass) {
    this.#client = client;
    this.pool = pool;
    this.#expired = expired;
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
   * @throws {ProtocolError} closed-early if the client has sent its end, handshake-timeout at the deadline.
   */
  async more(): Promise<number> {
    this.#begin();
    const count = await Promise.race([outcomeOf(this.#reading!), this.#expired]);
    if (count === "expired") throw new ProtocolError("handshake-timeout", "The client fell silent in its handshake");
    if (count === null) throw new ProtocolError("closed-early", "The client ended in its handshake");
    this.#reading = undefined;
    this.#chunk.end += count;
    return count;
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
