/**
 * A connection in memory that keeps a record of what both ends did and complains of what no socket would bear.
 *
 * Unlike TCP it never joins what was written apart: each write is a segment, and a read gets bytes of one segment only. So a
 * test decides how a stream is cut.
 */
import type { Address } from "../../lib/address.ts";
import type { Conn } from "../../lib/relay/conn.ts";

export interface WireLimits {
  /** Unread bytes after which a write waits: the socket buffers of the way. */
  readonly window?: number | undefined;
  /** The most that one write takes. */
  readonly writeAtMost?: number | undefined;
}

/** Two ends that are connected; the first belongs to `addresses[0]`. */
export function wire(addresses: readonly [Address, Address], limits: WireLimits = {}): [WireEnd, WireEnd] {
  const pulse = new Pulse();
  const there = new Lane(limits);
  const back = new Lane(limits);
  return [
    new WireEnd({ local: addresses[0], remote: addresses[1], inbound: back, outbound: there, pulse }),
    new WireEnd({ local: addresses[1], remote: addresses[0], inbound: there, outbound: back, pulse }),
  ];
}

/** Wakes whoever waits for any change on the wire. */
class Pulse {
  #next = Promise.withResolvers<void>();

  wait(): Promise<void> {
    return this.#next.promise;
  }

  beat(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}

/** One direction. */
class Lane {
  readonly #window: number;
  readonly #writeAtMost: number;
  readonly #segments: Uint8Array[] = [];
  #unread = 0;
  ended = false;
  /** What the reader gets once it has been told, and the writer at once. */
  broken: Error | undefined;

  constructor({ window = Infinity, writeAtMost = Infinity }: WireLimits) {
    this.#window = window;
    this.#writeAtMost = writeAtMost;
  }

  get unread(): number {
    return this.#unread;
  }

  put(bytes: Uint8Array): number | undefined {
    if (this.#unread >= this.#window) return undefined;
    const segment = bytes.slice(0, Math.min(this.#writeAtMost, this.#window - this.#unread));
    if (segment.length > 0) this.#segments.push(segment);
    this.#unread += segment.length;
    return segment.length;
  }

  take(into: Uint8Array): number | undefined {
    const segment = this.#segments[0];
    if (segment === undefined) return undefined;
    const count = Math.min(into.length, segment.length);
    into.set(segment.subarray(0, count));
    if (count === segment.length) this.#segments.shift();
    else this.#segments[0] = segment.subarray(count);
    this.#unread -= count;
    return count;
  }

  drop(): void {
    this.#segments.length = 0;
    this.#unread = 0;
  }
}

interface WireParts {
  readonly local: Address;
  readonly remote: Address;
  readonly inbound: Lane;
  readonly outbound: Lane;
  readonly pulse: Pulse;
}

/** What an end did, in order; `write` once for each call. */
export type WireDeed = "write" | "fin" | "close" | "reset";

export class WireEnd implements Conn {
  readonly local: Address;
  readonly remote: Address;
  /** The bytes of every write that was taken, one entry for each call. */
  readonly writes: Uint8Array[] = [];
  readonly deeds: WireDeed[] = [];
  /** What no socket would bear; empty in a sound program. */
  readonly faults: string[] = [];
  readonly #inbound: Lane;
  readonly #outbound: Lane;
  readonly #pulse: Pulse;
  #reading = false;
  #writing = false;
  #closed = false;

  constructor({ local, remote, inbound, outbound, pulse }: WireParts) {
    this.local = local;
    this.remote = remote;
    this.#inbound = inbound;
    this.#outbound = outbound;
    this.#pulse = pulse;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get isReading(): boolean {
    return this.#reading;
  }

  /** Bytes that the other end has written and this one has not read. */
  get unread(): number {
    return this.#inbound.unread;
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (this.#reading) this.faults.push("two reads at once");
    if (into.length === 0) this.faults.push("a read into nothing");
    this.#reading = true;
    try {
      for (;; await this.#pulse.wait()) {
        if (this.#closed) throw new Deno.errors.Interrupted("operation canceled");
        const count = this.#inbound.take(into);
        if (count !== undefined) {
          this.#pulse.beat();
          return count;
        }
        if (this.#inbound.broken !== undefined) throw this.#inbound.broken;
        if (this.#inbound.ended) return null;
      }
    } finally {
      this.#reading = false;
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.#writing) this.faults.push("two writes at once");
    if (this.deeds.includes("fin")) this.faults.push("a write after the end");
    this.#writing = true;
    try {
      for (;; await this.#pulse.wait()) {
        if (this.#closed) throw new Deno.errors.Interrupted("operation canceled");
        if (this.#outbound.broken !== undefined) throw this.#outbound.broken;
        const count = this.#outbound.put(bytes);
        if (count === undefined) continue;
        this.writes.push(bytes.slice(0, count));
        this.deeds.push("write");
        this.#pulse.beat();
        return count;
      }
    } finally {
      this.#writing = false;
    }
  }

  closeWrite(): Promise<void> {
    if (this.#closed) return Promise.reject(new Deno.errors.BadResource("Bad resource ID"));
    if (this.#outbound.broken !== undefined) return Promise.reject(new Deno.errors.NotConnected("not connected"));
    this.deeds.push("fin");
    this.#outbound.ended = true;
    this.#pulse.beat();
    return Promise.resolve();
  }

  /** Ends both directions as RST does: what the other end has not read is lost. */
  reset(): void {
    this.#closed = true;
    this.deeds.push("reset");
    this.#outbound.drop();
    this.#outbound.broken = new Deno.errors.ConnectionReset("Connection reset by peer");
    this.#inbound.broken = new Deno.errors.BrokenPipe("Broken pipe");
    this.#pulse.beat();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.deeds.push("close");
    this.#outbound.ended = true;
    this.#inbound.broken = new Deno.errors.BrokenPipe("Broken pipe");
    this.#pulse.beat();
  }
}
