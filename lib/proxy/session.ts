/**
 * The life of one connection.
 *
 * ```text
 * accepted ── one of too many strangers, and silent longest ─▶ closed
 *    │
 *    ▼
 * (header of a load balancer that is trusted) ── malformed ─▶ closed
 *    │
 *    ▼                       any ProtocolError before the secret is proven
 * handshake ───────────────────────────────────────────────▶ fronting ─▶ closed
 *    │ fake TLS: digest, clock, SNI, replay; ServerHello; frame     (replays the bytes read so far; without a front the
 *    │ plain: frame, transport, replay; then a slot                  client is ignored until the handshake times out)
 *    ▼
 * dialing ── unreachable, client gone ─▶ closed
 *    │
 *    ▼
 * relaying ─▶ closed
 * ```
 *
 * The secret is proven once the ClientHello, or with plain kinds the frame, is good. A fake-TLS client that errs after that is
 * closed: it has seen our ServerHello, no other site can take over.
 */
import { ProtocolError } from "../errors.ts";
import type { ConnectionId } from "../events/event.ts";
import type { IpSet } from "../policy/ip_set.ts";
import { TimedOut } from "../relay/aborts.ts";
import type { ChunkClass, ChunkPool } from "../relay/chunk.ts";
import { type Conn, ConnectionOver } from "../relay/conn.ts";
import { type Meter, Pump, type PumpEnd, type PumpOwner, type Shaper } from "../relay/pump.ts";
import { turnAway } from "./fronting.ts";
import { answerClientHello, type Greeting, readClientHello, readPlainFrame, type VerifiedHello } from "./handshake.ts";
import { Inbox } from "./inbox.ts";
import type { SessionOptions } from "./options.ts";
import { isTrusted, readProxyHeader } from "./proxy_header.ts";
import { Ended, type Link, type Stage } from "./stage.ts";
import { openTelegram } from "./telegram_side.ts";

/** A fake-TLS hello has up to 2 KiB, a plain frame and the first packet a few hundred bytes. */
const inboxSizes: { readonly tls: ChunkClass; readonly plain: ChunkClass } = { tls: 1, plain: 0 };
/** A connection without traffic for so long gives its ciphers and spare keystream back. */
const quietMs = 5_000;

/** Ends what is being dialed for a session that is over; made once, since an error of its own costs a stack. */
const sessionOver = new Error("the session is over");

/** What a session asks of the proxy that it belongs to, and tells it. */
export interface Host {
  readonly options: SessionOptions;
  readonly pool: ChunkPool;
  /** The first byte has come. */
  heard(session: Session): void;
  /** The client has proven the secret. @returns Its slot, or `undefined` if no more clients can be served. */
  admit(session: Session): Disposable | undefined;
  /** All that has come was the PROXY protocol header of a load balancer. */
  unheard(session: Session): void;
  /** The session is over. */
  closed(session: Session): void;
}

export class Session implements Stage, PumpOwner {
  readonly id: ConnectionId;
  /** The client; as a PROXY protocol header names it, once that has come. */
  client: Conn;
  readonly options: SessionOptions;
  readonly pool: ChunkPool;
  readonly up: Meter = { bytes: 0, active: false };
  readonly #startMs: number;
  readonly #down: Meter = { bytes: 0, active: false };
  /** Why the session was stopped, once it is: a word for the log. */
  #stopped: string | undefined;
  /** Set while dialing. */
  #dialing: AbortController | undefined;
  #other: Conn | undefined;
  /** How the directions have ended that have. */
  readonly #ends: PumpEnd[] = [];
  readonly #host: Host;
  /** Held once the client has proven the secret. */
  #slot: Disposable | undefined;
  #shapers: readonly Shaper[] = [];
  #deadlineMs = Infinity;
  #onDeadline: (() => void) | undefined;
  /** When bytes last moved, as far as the sweep has noticed; `undefined` before relaying. */
  #lastActiveMs: number | undefined;

  constructor(client: Conn, id: ConnectionId, host: Host) {
    this.id = id;
    this.client = client;
    this.#host = host;
    this.options = host.options;
    this.pool = host.pool;
    this.#startMs = host.options.clock.elapsedMs();
  }

  /** Serves the client to its end; never rejects. */
  async run(): Promise<void> {
    try {
      this.#relay(await this.#open());
    } catch (error) {
      this.stop(this.#explain(error));
      this.#close();
    }
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  get hasOther(): boolean {
    return this.#other !== undefined;
  }

  /** Ends the session now; the first reason counts. */
  stop(reason: string): void {
    this.#stopped ??= reason;
    this.#dialing?.abort(sessionOver);
    this.client[Symbol.dispose]();
    this.#other?.[Symbol.dispose]();
  }

  /** Called now and then with the time: keeps deadlines, ends idle sessions, gives memory of quiet ones back. */
  sweep(nowMs: number): void {
    if (nowMs >= this.#deadlineMs) {
      this.#deadlineMs = Infinity;
      this.#onDeadline?.();
    }
    if (this.#lastActiveMs === undefined) return;
    if (this.up.active || this.#down.active) {
      this.up.active = this.#down.active = false;
      this.#lastActiveMs = nowMs;
    } else if (nowMs - this.#lastActiveMs >= this.options.timeouts.idleMs) {
      this.stop("idle");
    } else if (nowMs - this.#lastActiveMs >= quietMs) {
      for (const shaper of this.#shapers) shaper.release();
    }
  }

  /** Everything before bytes flow freely. What a handshake needs and a relay does not is gone when this returns. */
  async #open(): Promise<Link> {
    const { secret, timeouts, proxyProtocol } = this.options;
    const tls = secret.kind === "tls";
    const inbox = new Inbox(
      this.client,
      this.pool,
      tls ? inboxSizes.tls : inboxSizes.plain,
      () => this.#host.heard(this),
    );
    this.#deadlineAfter(timeouts.handshakeMs, () => {
      inbox.expire();
      this.#stopAfter(timeouts.tcpMs, "handshake-timeout");
    });
    if (proxyProtocol === undefined) this.#tellOpened();
    else await this.#learnClient(inbox, proxyProtocol.trusted);
    let proof: VerifiedHello | Greeting;
    try {
      proof = await (tls ? readClientHello(this.client, inbox, this.options) : readPlainFrame(inbox, this.options));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return await turnAway(this, error, inbox);
    }
    this.#slot = this.#host.admit(this);
    if (this.#slot === undefined) throw new Ended("limited");
    const greeting = "frame" in proof ? proof : await answerClientHello(this.client, inbox, proof, this.options);
    return await openTelegram(this, greeting, inbox);
  }

  /** Finds out where the client came from, then tells observers of it. @throws {ProtocolError} As `readProxyHeader()` does. */
  async #learnClient(inbox: Inbox, trusted: IpSet): Promise<void> {
    try {
      if (isTrusted(this.client.remote, trusted)) this.client = await readProxyHeader(this.client, inbox);
    } finally {
      this.#tellOpened();
    }
    if (inbox.chunk.end === 0) this.#host.unheard(this);
  }

  async dial(open: (dialing: AbortController) => Promise<Conn>): Promise<Conn> {
    const dialing = this.#dialing = new AbortController();
    const { tcpMs } = this.options.timeouts;
    this.#deadlineAfter(tcpMs, () => dialing.abort(new TimedOut(tcpMs)));
    try {
      if (this.#stopped !== undefined) throw sessionOver;
      const conn = this.#other = await open(dialing);
      if (this.#stopped === undefined) return conn;
      conn[Symbol.dispose]();
      throw sessionOver;
    } finally {
      this.#dialing = undefined;
      this.#stopAfter(tcpMs, "idle");
    }
  }

  /**
   * Moves bytes until both directions have ended. A side that is reset ends the session; a side that takes no more may still
   * have something to say, so the other direction goes on to its own end.
   */
  #relay({ up, down, other, early }: Link): void {
    this.#shapers = [up, down];
    this.#deadlineMs = Infinity;
    this.#onDeadline = undefined;
    this.#lastActiveMs = this.options.clock.elapsedMs();
    const { pool } = this;
    const largest = this.options.largestChunk;
    const common = { pool, largest, owner: this };
    new Pump({ ...common, from: this.client, to: other, shaper: up, meter: this.up }, early);
    new Pump({ ...common, from: other, to: this.client, shaper: down, meter: this.#down });
  }

  isLast(): boolean {
    return this.#ends.length === 1;
  }

  failed(error: unknown): void {
    this.stop(this.#explain(error));
    this.ended("sender-gone");
  }

  ended(end: PumpEnd): void {
    this.#ends.push(end);
    if (end === "sender-gone") this.stop("reset");
    if (this.#ends.length < 2) return;
    this.stop(this.#ends.every((each) => each === "ended") ? "ended" : "reset");
    this.#close();
  }

  #close(): void {
    for (const shaper of this.#shapers) shaper.release();
    if (this.#stopped === "yielded") {
      this.options.events.emit({ type: "yielded", id: this.id, remote: this.client.remote });
    }
    this.options.events.emit({
      type: "closed",
      id: this.id,
      remote: this.client.remote,
      reason: this.#stopped ?? "ended",
      upBytes: this.up.bytes,
      downBytes: this.#down.bytes,
      durationMs: this.options.clock.elapsedMs() - this.#startMs,
    });
    this.#slot?.[Symbol.dispose]();
    this.#host.closed(this);
  }

  #deadlineAfter(ms: number, action: () => void): void {
    this.#onDeadline = action;
    this.#deadlineMs = this.options.clock.elapsedMs() + ms;
  }

  /** For a peer that takes nothing of what must be written before bytes flow freely. */
  #stopAfter(ms: number, reason: string): void {
    this.#deadlineAfter(ms, () => this.stop(reason));
  }

  /** The word for the log, and an event where an error means more than an end. */
  #explain(error: unknown): string {
    // After a stop, whatever fails fails because of it.
    if (this.#stopped !== undefined) return this.#stopped;
    if (error instanceof Ended) return error.reason;
    if (error instanceof ProtocolError) {
      this.tellRefused(error, "closed");
      return error.code;
    }
    if (error instanceof ConnectionOver) return "reset";
    this.options.events.emit({ type: "fault", id: this.id, error });
    return "fault";
  }

  #tellOpened(): void {
    this.options.events.emit({ type: "opened", id: this.id, remote: this.client.remote });
  }

  tellRefused({ code, message: reason }: ProtocolError, outcome: "fronted" | "ignored" | "closed"): void {
    this.options.events.emit({ type: "refused", id: this.id, remote: this.client.remote, code, reason, outcome });
  }
}
