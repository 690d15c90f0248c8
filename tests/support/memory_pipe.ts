/**
 * Two ends of a byte stream without a socket, over as bad a network as a test asks for.
 *
 * Like TCP it keeps no borders between writes, holds a bounded number of bytes, tells an end apart from a reset, and delivers
 * what was written before an end.
 */
import type { Address } from "../../lib/address.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Conn } from "../../lib/relay/conn.ts";

export interface MemoryPipeOptions {
  /** Bytes that each direction holds before writes wait; 65,536 by default. */
  readonly bufferSize?: number | undefined;
  /** Most bytes that one read brings. */
  readonly readAtMost?: number | undefined;
  /** Most bytes that one write takes. */
  readonly writeAtMost?: number | undefined;
  /** What every byte and every end takes to arrive. */
  readonly latency?: { readonly clock: Clock; readonly ms: number } | undefined;
}

/** Two ends; each reads what the other one writes. */
export function memoryPipe(options: MemoryPipeOptions = {}): [MemoryConn, MemoryConn] {
  const [up, down] = [new Flow(options), new Flow(options)];
  const [client, server] = [addressOf(50_000), addressOf(443)];
  return [
    new MemoryConn({ incoming: down, outgoing: up, local: client, remote: server }),
    new MemoryConn({ incoming: up, outgoing: down, local: server, remote: client }),
  ];
}

function addressOf(port: number): Address {
  return { kind: "tcp", host: "192.0.2.1", port };
}

/** Why a call failed, by the names that sockets use. `Busy` and `AfterEnd` are faults of the caller. */
export class PipeError extends Error {
  override readonly name: "Interrupted" | "ConnectionReset" | "BrokenPipe" | "Busy" | "AfterEnd";

  constructor(name: PipeError["name"]) {
    super(name);
    this.name = name;
  }
}

/** One direction. */
class Flow {
  readonly #bufferSize: number;
  readonly #options: MemoryPipeOptions;
  #arrived: Uint8Array = new Uint8Array(0);
  #hasEnd = false;
  /** Written and not read, on its way or arrived. */
  #held = 0;
  #wake = Promise.withResolvers<void>();
  /** What reads and writes come to from now on. */
  readFault: PipeError | undefined;
  writeFault: PipeError | undefined;

  constructor(options: MemoryPipeOptions) {
    this.#options = options;
    this.#bufferSize = options.bufferSize ?? 65_536;
  }

  get arrivedBytes(): number {
    return this.#arrived.length;
  }

  async take(into: Uint8Array): Promise<number | null> {
    for (;; await this.#wake.promise) {
      if (this.readFault !== undefined) throw this.readFault;
      if (this.#arrived.length > 0) break;
      if (this.#hasEnd) return null;
    }
    const count = Math.min(into.length, this.#arrived.length, this.#options.readAtMost ?? Infinity);
    into.set(this.#arrived.subarray(0, count));
    this.#arrived = this.#arrived.subarray(count);
    this.#held -= count;
    this.changed();
    return count;
  }

  async put(bytes: Uint8Array): Promise<number> {
    for (;; await this.#wake.promise) {
      if (this.writeFault !== undefined) throw this.writeFault;
      if (this.#held < this.#bufferSize || bytes.length === 0) break;
    }
    const room = this.#bufferSize - this.#held;
    const sent = bytes.slice(0, Math.min(room, this.#options.writeAtMost ?? Infinity));
    this.#held += sent.length;
    this.#afterLatency(() => {
      const joined = new Uint8Array(this.#arrived.length + sent.length);
      joined.set(this.#arrived);
      joined.set(sent, this.#arrived.length);
      this.#arrived = joined;
    });
    return sent.length;
  }

  end(): void {
    this.#afterLatency(() => this.#hasEnd = true);
  }

  /** Throws away what has not been read. */
  drop(): void {
    this.#arrived = new Uint8Array(0);
  }

  changed(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  #afterLatency(arrive: () => void): void {
    const { latency } = this.#options;
    const act = () => {
      arrive();
      this.changed();
    };
    if (latency === undefined) act();
    else latency.clock.sleep(latency.ms).then(act);
  }
}

interface MemoryConnParts {
  readonly incoming: Flow;
  readonly outgoing: Flow;
  readonly local: Address;
  readonly remote: Address;
}

export class MemoryConn implements Conn {
  readonly local: Address;
  readonly remote: Address;
  readonly #incoming: Flow;
  readonly #outgoing: Flow;
  #reading = false;
  #writing = false;
  #ended = false;
  #closed = false;
  /** What this end did, in order: `read 5`, `read null`, `write 5`, `closeWrite`, `dispose`. Noted when it is done. */
  readonly deeds: string[] = [];

  constructor({ incoming, outgoing, local, remote }: MemoryConnParts) {
    this.local = local;
    this.remote = remote;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  /** Bytes that have come and wait for a read. */
  get unreadBytes(): number {
    return this.#incoming.arrivedBytes;
  }

  get isReading(): boolean {
    return this.#reading;
  }

  get isWriting(): boolean {
    return this.#writing;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (this.#reading) throw new PipeError("Busy");
    this.#reading = true;
    try {
      const count = await this.#incoming.take(into);
      this.deeds.push(`read ${count}`);
      return count;
    } finally {
      this.#reading = false;
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#writing) throw new PipeError("Busy");
    if (this.#ended) throw new PipeError("AfterEnd");
    this.#writing = true;
    try {
      const count = await this.#outgoing.put(bytes);
      this.deeds.push(`write ${count}`);
      return count;
    } finally {
      this.#writing = false;
    }
  }

  closeWrite(): Promise<void> {
    if (this.#outgoing.writeFault !== undefined) return Promise.reject(this.#outgoing.writeFault);
    this.#ended = true;
    this.#outgoing.end();
    this.deeds.push("closeWrite");
    return Promise.resolve();
  }

  /** The other end reads what was sent before, then the end; what it writes is refused. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.deeds.push("dispose");
    if (!this.#ended) this.#outgoing.end();
    this.#cut("BrokenPipe");
  }

  /** Ends both ways at once; what the other end has not read is lost. */
  reset(): void {
    this.#closed = true;
    this.#outgoing.drop();
    this.#outgoing.readFault ??= new PipeError("ConnectionReset");
    this.#cut("ConnectionReset");
  }

  #cut(forOther: "BrokenPipe" | "ConnectionReset"): void {
    this.#incoming.readFault ??= new PipeError("Interrupted");
    this.#incoming.writeFault ??= new PipeError(forOther);
    this.#outgoing.writeFault ??= new PipeError("Interrupted");
    this.#incoming.changed();
    this.#outgoing.changed();
  }
}
