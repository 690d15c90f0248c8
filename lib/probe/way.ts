import type { TcpAddress } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { RandomSource } from "../crypto/random.ts";
import type { Secret } from "../policy/secret.ts";
import { openWithin, TimedOut } from "../relay/aborts.ts";
import type { Conn } from "../relay/conn.ts";
import type { Dialer } from "../relay/dialer.ts";
import { askThroughProxy, type DcAnswer } from "../telegram/ping.ts";
import { knock, type Rebuff, type Welcome } from "./knock.ts";

export interface WayParts {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** For each of the things that a client does. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** No welcome from the proxy. */
export class Rebuffed extends Error {
  override readonly name = "Rebuffed";

  constructor(readonly rebuff: Rebuff) {
    super("the proxy does not answer the greeting");
  }
}

/** A client's way through the proxy at one address; all of it fails by `TimedOut` where something takes too long. */
export class Way {
  /** How much the clock of this machine is ahead of the time that is told to the proxy. */
  aheadMs = 0;
  readonly #address: TcpAddress;
  readonly #secret: Secret;
  readonly #parts: WayParts;

  constructor(address: TcpAddress, secret: Secret, parts: WayParts) {
    this.#address = address;
    this.#secret = secret;
    this.#parts = parts;
  }

  dial(): Promise<Conn> {
    return this.#within(1, (signal) => this.#parts.dialer.dial(this.#address, { signal }));
  }

  /** Connects, and greets in fake TLS. */
  async knock(): Promise<Welcome | Rebuff> {
    const { clock, random } = this.#parts;
    let conn: Conn;
    try {
      conn = await this.dial();
    } catch (error) {
      return { kind: error instanceof TimedOut ? "silent" : "reset", received: 0 };
    }
    const parts = { secret: this.#secret, clock: corrected(clock, this.aheadMs), random };
    return await this.#within(1, (signal) => knock(conn, { ...parts, signal }));
  }

  /** As far as a client may send its first frame. @throws {Rebuffed} */
  async open(): Promise<Conn> {
    if (this.#secret.kind !== "tls") return await this.dial();
    const answer = await this.knock();
    if (answer.kind !== "verified") throw new Rebuffed(answer);
    return answer.conn;
  }

  /** Asks data centre `dc`. Throws as `askThroughProxy()` does, or `Rebuffed`. */
  async ask(dc: number, opened: Conn | undefined): Promise<DcAnswer> {
    using conn = opened ?? await this.open();
    const { clock, random } = this.#parts;
    const parts = { clock: corrected(clock, this.aheadMs), random };
    // Twice as long: the proxy may take as long to reach Telegram.
    return await this.#within(
      2,
      (signal) => askThroughProxy(conn, { dc, secret: this.#secret }, { ...parts, signal }),
    );
  }

  #within<T>(times: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, timeoutMs, signal: parent } = this.#parts;
    return openWithin({ clock, ms: times * timeoutMs, parent }, work);
  }
}

function corrected(clock: Clock, aheadMs: number): Clock {
  return {
    nowMs: () => clock.nowMs() - aheadMs,
    elapsedMs: () => clock.elapsedMs(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
  };
}
