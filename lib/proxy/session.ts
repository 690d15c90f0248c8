/**
 * The life of one connection.
 *
 * ```text
 * accepted ── no slot ─▶ closed
 *    │
 *    ▼                       any ProtocolError before the secret is proven
 * handshake ───────────────────────────────────────────────▶ fronting ─▶ closed
 *    │ fake TLS: digest, clock, SNI, replay; ServerHello; frame     (replays the bytes read so far; without a front the
 *    │ plain: frame, transport, replay                               client is ignored until the handshake times out)
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
import type { Address } from "../address.ts";
import { ProtocolError } from "../errors.ts";
import type { ConnectionId } from "../events/event.ts";
import type { ChunkClass, ChunkPool } from "../relay/chunk.ts";
import { type Conn, ConnectionOver, outcomeOf, writeAll } from "../relay/conn.ts";
import {
  type EarlyRead,
  type Meter,
  pump,
  type PumpEnd,
  type PumpOptions,
  type Shaper,
  unshaped,
} from "../relay/pump.ts";
import { orderAddresses } from "../telegram/addresses.ts";
import { frameSize } from "../transport/obfuscated2.ts";
import { answerClientHello, type Greeting, readClientHello, readPlainFrame, type VerifiedHello } from "./handshake.ts";
import { Inbox } from "./inbox.ts";
import type { SessionOptions } from "./options.ts";
import { type Destination, findDestination, joinSides, type Shapers } from "./telegram_side.ts";

/** A fake-TLS hello has up to 2 KiB, a plain frame and the first packet a few hundred bytes. */
const inboxSizes: { readonly tls: ChunkClass; readonly plain: ChunkClass } = { tls: 1, plain: 0 };
/** Uploads go through two ciphers and gain nothing from more than 64 KiB at a time. */
const largestUp: ChunkClass = 4;
const largestDown: ChunkClass = 4;
/** A connection without traffic for so long gives its ciphers and spare keystream back. */
const quietMs = 5_000;

/** A session that ends on purpose, by the word for the log. */
class Ended extends Error {
  constructor(readonly reason: string) {
    super(reason);
  }
}
/** Ends what is being dialed for a session that is over; made once, since an error of its own costs a stack. */
const sessionOver = new Error("the session is over");

/** Both sides, ready to be relayed. */
interface Link extends Shapers {
  readonly other: Conn;
  readonly early: EarlyRead;
}

export class Session {
  readonly #client: Conn;
  readonly #options: SessionOptions;
  readonly #pool: ChunkPool;
  readonly #id: ConnectionId;
  readonly #remote: Address;
  readonly #startMs: number;
  readonly #up: Meter = { bytes: 0, active: false };
  readonly #down: Meter = { bytes: 0, active: false };
  /** Why the session was stopped, once it is: a word for the log. */
  #stopped: string | undefined;
  /** Set while dialing. */
  #dialing: AbortController | undefined;
  #other: Conn | undefined;
  #shapers: Shapers | undefined;
  #deadlineMs = Infinity;
  #onDeadline: (() => void) | undefined;
  /** When bytes last moved, as far as the sweep has noticed; `undefined` before relaying. */
  #lastActiveMs: number | undefined;

  constructor(client: Conn, id: ConnectionId, options: SessionOptions, pool: ChunkPool) {
    this.#client = client;
    this.#id = id;
    this.#options = options;
    this.#pool = pool;
    this.#remote = client.remote;
    this.#startMs = options.clock.nowMs();
  }

  /** Serves the client to the end; never rejects. */
  async run(): Promise<void> {
    const { events, clock } = this.#options;
    events.emit({ type: "opened", id: this.#id, remote: this.#remote });
    try {
      await this.#relay(await this.#open());
    } catch (error) {
      this.stop(this.#explain(error));
    }
    this.#shapers?.up.release();
    this.#shapers?.down.release();
    events.emit({
      type: "closed",
      id: this.#id,
      remote: this.#remote,
      reason: this.#stopped ?? "ended",
      upBytes: this.#up.bytes,
      downBytes: this.#down.bytes,
      durationMs: clock.nowMs() - this.#startMs,
    });
  }

  /** Ends the session now; the first reason counts. */
  stop(reason: string): void {
    this.#stopped ??= reason;
    this.#dialing?.abort(sessionOver);
    this.#client[Symbol.dispose]();
    this.#other?.[Symbol.dispose]();
  }

  /** Called now and then with the time: keeps deadlines, ends idle sessions, gives memory of quiet ones back. */
  sweep(nowMs: number): void {
    if (nowMs >= this.#deadlineMs) {
      this.#deadlineMs = Infinity;
      this.#onDeadline?.();
    }
    if (this.#lastActiveMs === undefined) return;
    if (this.#up.active || this.#down.active) {
      this.#up.active = this.#down.active = false;
      this.#lastActiveMs = nowMs;
    } else if (nowMs - this.#lastActiveMs >= this.#options.timeouts.idleMs) {
      this.stop("idle");
    } else if (nowMs - this.#lastActiveMs >= quietMs) {
      this.#shapers?.up.release();
      this.#shapers?.down.release();
    }
  }

  /** Everything before bytes flow freely. What a handshake needs and a relay does not is gone when this returns. */
  async #open(): Promise<Link> {
    const tls = this.#options.secret.kind === "tls";
    const expired = new Promise<"expired">((resolve) => {
      this.#deadlineAfter(this.#options.timeouts.handshakeMs, () => resolve("expired"));
    });
    const inbox = new Inbox(this.#client, this.#pool, expired, tls ? inboxSizes.tls : inboxSizes.plain);
    let proof: VerifiedHello | Greeting;
    try {
      proof = await (tls ? readClientHello(inbox, this.#options) : readPlainFrame(inbox, this.#options));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return await this.#turnAway(error, inbox, expired);
    }
    const greeting = "frame" in proof ? proof : await answerClientHello(this.#client, inbox, proof, this.#options);
    return await this.#openTelegram(greeting, inbox);
  }

  // Clients that have proven the secret

  async #openTelegram(greeting: Greeting, inbox: Inbox): Promise<Link> {
    const asked = greeting.frame.dc;
    const destination = findDestination(asked, this.#options);
    if (asked !== 0 && destination.dc !== asked) {
      this.#options.events.emit({ type: "dc-replaced", id: this.#id, asked, given: destination.dc });
    }
    const shapers = joinSides(greeting, destination.dc, inbox, this.#options);
    const early = this.#readEarly(shapers.up, inbox.chunk.end === frameSize);
    const other = await this.#dialTelegram(destination);
    await writeAll(other, inbox.received);
    this.#up.bytes += inbox.received.length;
    inbox.release();
    return { ...shapers, other, early };
  }

  /**
   * Begins to read from the client before its data centre is reached: a client that goes away ends the dialing. One that has
   * sent something and then its end may only be done with talking; what it sent is delivered.
   */
  #readEarly(up: Shaper, saidNothing: boolean): EarlyRead {
    const chunk = this.#pool.take(0);
    const offset = up.readOffset;
    const room = up.readSize(chunk.size);
    const reading = this.#client.read(chunk.space(offset, offset + room));
    const gone = () => {
      if (this.#other === undefined) this.stop("client-gone");
    };
    reading.then((count) => count === null && saidNothing && gone(), gone);
    return { chunk, offset, room, reading };
  }

  async #dialTelegram({ dc, addresses }: Destination): Promise<Conn> {
    const { dcDialer, events, preferIp } = this.#options;
    const ordered = orderAddresses(addresses, preferIp, this.#id);
    try {
      if (ordered.length === 0) throw new Error(`data centre ${dc} has no address for ${preferIp}`);
      const conn = await this.#dial((dialing) => dcDialer.dial(ordered, dialing));
      events.emit({ type: "connected", id: this.#id, dc, address: conn.remote });
      return conn;
    } catch (error) {
      if (this.#stopped === undefined) {
        events.emit({ type: "dial-failed", id: this.#id, dc, reason: messageOf(error) });
      }
      throw new Ended("dial-failed");
    }
  }

  // Clients that have not

  async #turnAway(error: ProtocolError, inbox: Inbox, expired: Promise<"expired">): Promise<Link> {
    const { front } = this.#options;
    const saidNothing = inbox.chunk.end === 0 && error.code === "closed-early";
    this.#emitRefused(error, saidNothing ? "closed" : front === undefined ? "ignored" : "fronted");
    if (saidNothing) throw new Ended(error.code);
    if (front === undefined) return await this.#ignore(inbox, expired);
    return await this.#openFront(front, inbox);
  }

  /** Hands the client to the fronted site as if it had come there in the first place. */
  async #openFront(front: Address, inbox: Inbox): Promise<Link> {
    const { events, dialer, isOwn } = this.#options;
    let other: Conn;
    try {
      other = await this.#dial(({ signal }) => dialer.dial(front, { signal }));
    } catch (error) {
      if (this.#stopped === undefined) {
        events.emit({ type: "front-failed", id: this.#id, front, reason: messageOf(error) });
      }
      throw new Ended("front-failed");
    }
    if (isOwn(other)) {
      events.emit({ type: "front-loop", id: this.#id, front });
      throw new Ended("front-loop");
    }
    await writeAll(other, inbox.received);
    this.#up.bytes += inbox.received.length;
    return { up: unshaped, down: unshaped, other, early: inbox.handOver() };
  }

  /** A server without a front reads and says nothing, whatever comes, until the handshake times out. */
  async #ignore(inbox: Inbox, expired: Promise<"expired">): Promise<never> {
    const { chunk, offset, room, reading } = inbox.handOver();
    for (let next = reading;;) {
      const count = await Promise.race([outcomeOf(next), expired]);
      if (count === "expired") throw new Ended("handshake-timeout");
      if (count === null) throw new Ended("ended");
      this.#up.bytes += count;
      next = this.#client.read(chunk.space(offset, offset + room));
    }
  }

  // Both

  /** Dials within the tcp timeout; the end of the session ends it too. */
  async #dial(open: (dialing: AbortController) => Promise<Conn>): Promise<Conn> {
    const dialing = this.#dialing = new AbortController();
    const { tcpMs } = this.#options.timeouts;
    this.#deadlineAfter(tcpMs, () => dialing.abort(new Error(`no answer within ${tcpMs} ms`)));
    try {
      if (this.#stopped !== undefined) throw sessionOver;
      const conn = this.#other = await open(dialing);
      if (this.#stopped === undefined) return conn;
      conn[Symbol.dispose]();
      throw sessionOver;
    } finally {
      this.#dialing = undefined;
      this.#deadlineMs = Infinity;
      this.#onDeadline = undefined;
    }
  }

  /**
   * Moves bytes until both directions have ended. A side that is reset ends the session; a side that takes no more may still
   * have something to say, so the other direction goes on to its own end.
   */
  async #relay({ up, down, other, early }: Link): Promise<void> {
    this.#shapers = { up, down };
    this.#lastActiveMs = this.#options.clock.nowMs();
    const pool = this.#pool;
    const ends = await Promise.all([
      this.#pump(this.#client, other, { shaper: up, pool, meter: this.#up, largest: largestUp, early }),
      this.#pump(other, this.#client, { shaper: down, pool, meter: this.#down, largest: largestDown }),
    ]);
    this.stop(ends.every((end) => end === "ended") ? "ended" : "reset");
  }

  async #pump(from: Conn, to: Conn, options: PumpOptions): Promise<PumpEnd> {
    try {
      const end = await pump(from, to, options);
      if (end === "sender-gone") this.stop("reset");
      return end;
    } catch (error) {
      this.stop(this.#explain(error));
      return "sender-gone";
    }
  }

  #deadlineAfter(ms: number, action: () => void): void {
    this.#onDeadline = action;
    this.#deadlineMs = this.#options.clock.nowMs() + ms;
  }

  /** The word for the log, and an event where an error means more than an end. */
  #explain(error: unknown): string {
    // After a stop, whatever fails fails because of it.
    if (this.#stopped !== undefined) return this.#stopped;
    if (error instanceof Ended) return error.reason;
    if (error instanceof ProtocolError) {
      this.#emitRefused(error, "closed");
      return error.code;
    }
    if (error instanceof ConnectionOver) return "reset";
    this.#options.events.emit({ type: "fault", id: this.#id, error });
    return "fault";
  }

  #emitRefused({ code, message: reason }: ProtocolError, outcome: "fronted" | "ignored" | "closed"): void {
    this.#options.events.emit({ type: "refused", id: this.#id, remote: this.#remote, code, reason, outcome });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
