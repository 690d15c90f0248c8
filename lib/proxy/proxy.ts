import type { ConnectionId, EventSink } from "../events/event.ts";
import type { Conn } from "../relay/conn.ts";
import { ChunkPool } from "../relay/chunk.ts";
import { DcDialer } from "../telegram/direct.ts";
import type { ProxyOptions, SessionOptions } from "./options.ts";
import { Session } from "./session.ts";

/** How often deadlines and idle times are looked at, at most and at least. */
const sweepAtMostMs = 500;
const sweepAtLeastMs = 10;

/**
 * An MTProto proxy: takes clients one by one, serves each to its end, and never fails because of one.
 *
 * - It neither listens nor accepts: whoever does hands it each client by `serve()`.
 * - `drain()` lets the sessions finish for a while; disposing ends them at once.
 */
export class Proxy implements AsyncDisposable {
  readonly #options: SessionOptions;
  readonly #pool = new ChunkPool();
  readonly #sessions = new Set<Session>();
  /** Set while somebody waits for the last session to end. */
  #empty: PromiseWithResolvers<void> | undefined;
  readonly #closing = new AbortController();
  readonly #sweeping: Promise<void>;
  readonly #nextId: () => ConnectionId;

  /** @throws {RangeError} If a timeout is not positive. */
  constructor(options: ProxyOptions) {
    for (const [name, ms] of Object.entries(options.timeouts)) {
      if (!(ms > 0)) throw new RangeError(`The timeout ${name} must be positive: ${ms}`);
    }
    const events = neverThrowing(options.events);
    this.#options = { ...options, events, dcDialer: new DcDialer(options.dialer, options.clock) };
    let lastId = 0;
    this.#nextId = options.nextId ?? (() => ++lastId);
    this.#sweeping = this.#sweep();
  }

  /** Clients that are being served. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** Takes a client over; it is closed when its session ends, or at once if there is no slot for it or this is disposed. */
  serve(client: Conn): void {
    const { events, slots } = this.#options;
    if (this.#closing.signal.aborted) return client[Symbol.dispose]();
    const slot = slots.tryTake();
    if (slot === undefined) {
      events.emit({ type: "limited", remote: client.remote, concurrency: slots.capacity });
      client[Symbol.dispose]();
      return;
    }
    const session = new Session(client, this.#nextId(), this.#options, this.#pool);
    this.#sessions.add(session);
    session.run(() => {
      slot[Symbol.dispose]();
      this.#sessions.delete(session);
      if (this.#sessions.size > 0) return;
      this.#empty?.resolve();
      this.#empty = undefined;
    });
  }

  /** Resolves when all sessions have ended, or after `graceMs`. Whoever listens should have stopped before. */
  async drain(graceMs: number): Promise<void> {
    const ended = new AbortController();
    const grace = this.#options.clock.sleep(graceMs, AbortSignal.any([ended.signal, this.#closing.signal]));
    await Promise.race([grace.catch(() => {}), this.#untilEmpty()]);
    ended.abort();
  }

  /** Ends all sessions and resolves when the last one is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    for (const session of this.#sessions) session.stop("shutdown");
    this.#options.dcDialer[Symbol.dispose]();
    await Promise.all([this.#untilEmpty(), this.#sweeping]);
  }

  async #untilEmpty(): Promise<void> {
    if (this.#sessions.size > 0) await (this.#empty ??= Promise.withResolvers()).promise;
  }

  async #sweep(): Promise<void> {
    const { clock, timeouts } = this.#options;
    const shortest = Math.min(timeouts.handshakeMs, timeouts.tcpMs, timeouts.idleMs);
    const everyMs = Math.max(sweepAtLeastMs, Math.min(sweepAtMostMs, shortest / 4));
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal).catch(() => {});
      const nowMs = clock.elapsedMs();
      for (const session of this.#sessions) session.sweep(nowMs);
    }
  }
}

/** An observer that fails is no reason for a client to. */
function neverThrowing(events: EventSink): EventSink {
  return {
    emit(event) {
      try {
        events.emit(event);
      } catch {
        // It has promised not to.
      }
    },
  };
}
