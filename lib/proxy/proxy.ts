import type { ConnectionId, EventSink } from "../events/event.ts";
import { ClockWatch } from "../policy/clock_watch.ts";
import { ChunkPool, classWithin } from "../relay/chunk.ts";
import type { Conn } from "../relay/conn.ts";
import { DcDialer } from "../telegram/direct.ts";
import type { ProxyOptions } from "./options.ts";
import { type Host, Session } from "./session.ts";
import { Strangers } from "./strangers.ts";

/** A tenth less time for a download than with half of it (`deno task bench --only down`). */
const defaultLargestBuffer = 256 * 1024;
/** How often deadlines and idle times are looked at, at most and at least. */
const sweepAtMostMs = 500;
const sweepAtLeastMs = 10;

/**
 * An MTProto proxy: takes clients one by one, serves each to its end, and never fails because of one.
 *
 * - It neither listens nor accepts: whoever does hands it each client by `serve()`.
 * - `reconfigure()` gives it other options for the clients that come from now on.
 * - `drain()` lets the sessions finish for a while; disposing ends them at once.
 */
export class Proxy implements AsyncDisposable {
  /** For sessions that begin now; those that run keep theirs. */
  #host: Host;
  readonly #sessions = new Set<Session>();
  readonly #strangers: Strangers<Session>;
  readonly #nextId: () => ConnectionId;
  readonly #clockWatch = new ClockWatch();
  /** Set while somebody waits for the last session to end. */
  #empty: PromiseWithResolvers<void> | undefined;
  readonly #closing = new AbortController();
  readonly #sweeping: Promise<void>;

  /** @throws {RangeError} If a timeout or a limit is not positive. */
  constructor(options: ProxyOptions) {
    this.#strangers = new Strangers(options.strangersAtMost);
    this.#nextId = options.nextId ?? countFromOne();
    this.#host = this.#hostFor(options, new ChunkPool(), new DcDialer(options.dialer, options.clock));
    this.#sweeping = this.#sweep();
  }

  /**
   * From now on clients are served by `options`; sessions that run go on as they began. `strangersAtMost`, `nextId` and `clock`
   * stay as they were given first.
   *
   * @throws {RangeError} As the constructor does; then nothing has changed.
   */
  reconfigure(options: ProxyOptions): void {
    const { options: last, pool } = this.#host;
    const keeps = options.dialer === last.dialer;
    this.#host = this.#hostFor(options, pool, keeps ? last.dcDialer : new DcDialer(options.dialer, last.clock));
    // Ends its head starts alone: what is being dialed goes on.
    if (!keeps) last.dcDialer[Symbol.dispose]();
  }

  #hostFor(options: ProxyOptions, pool: ChunkPool, dcDialer: DcDialer): Host {
    for (const [name, ms] of Object.entries(options.timeouts)) {
      if (!(ms > 0)) throw new RangeError(`The timeout ${name} must be positive: ${ms}`);
    }
    return {
      options: {
        ...options,
        events: neverThrowing(options.events),
        dcDialer,
        clockWatch: this.#clockWatch,
        largestChunk: classWithin(options.largestBuffer ?? defaultLargestBuffer),
      },
      pool,
      heard: (session) => this.#strangers.heard(session),
      unheard: (session) => this.#strangers.unheard(session),
      admit: (session) => this.#admit(session),
      closed: (session) => this.#closed(session),
    };
  }

  /** Connections that are open, strangers included. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** Takes a connection over; it is closed when its session ends, or at once if this is disposed. */
  serve(client: Conn): void {
    if (this.#closing.signal.aborted) return client[Symbol.dispose]();
    const session = new Session(client, this.#nextId(), this.#host);
    this.#sessions.add(session);
    this.#strangers.add(session);
    session.run();
  }

  /**
   * Closes up to `count` connections that have not proven the secret, but for those that have just come. For whoever listens and
   * has run out of descriptors.
   *
   * @returns How many were closed.
   */
  makeRoom(count: number): number {
    return this.#strangers.yieldOlder(count);
  }

  /** Resolves when all sessions have ended, or after `graceMs`. Whoever listens should have stopped before. */
  async drain(graceMs: number): Promise<void> {
    const ended = new AbortController();
    const grace = this.#host.options.clock.sleep(graceMs, AbortSignal.any([ended.signal, this.#closing.signal]));
    await Promise.race([grace.catch(() => {}), this.#untilEmpty()]);
    ended.abort();
  }

  /** Ends all sessions and resolves when the last one is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    for (const session of this.#sessions) session.stop("shutdown");
    this.#host.options.dcDialer[Symbol.dispose]();
    await Promise.all([this.#untilEmpty(), this.#sweeping]);
  }

  #admit(session: Session): Disposable | undefined {
    const { slots, events } = this.#host.options;
    this.#strangers.delete(session);
    const slot = slots.tryTake();
    if (slot === undefined) {
      events.emit({ type: "limited", id: session.id, remote: session.client.remote, concurrency: slots.capacity });
    }
    return slot;
  }

  #closed(session: Session): void {
    this.#strangers.delete(session);
    this.#sessions.delete(session);
    if (this.#sessions.size > 0) return;
    this.#empty?.resolve();
    this.#empty = undefined;
  }

  async #untilEmpty(): Promise<void> {
    if (this.#sessions.size > 0) await (this.#empty ??= Promise.withResolvers()).promise;
  }

  async #sweep(): Promise<void> {
    const { clock } = this.#host.options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const { handshakeMs, tcpMs, idleMs } = this.#host.options.timeouts;
      const everyMs = Math.max(sweepAtLeastMs, Math.min(sweepAtMostMs, handshakeMs / 4, tcpMs / 4, idleMs / 4));
      await clock.sleep(everyMs, signal).catch(() => {});
      const nowMs = clock.elapsedMs();
      for (const session of this.#sessions) session.sweep(nowMs);
    }
  }
}

function countFromOne(): () => ConnectionId {
  let last = 0;
  return () => ++last;
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
