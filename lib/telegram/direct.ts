/** Reaches a data centre over whichever of its addresses answers first. */
import { type Address, formatAddress } from "../address.ts";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Conn } from "../relay/conn.ts";
import type { Dialer } from "../relay/dialer.ts";
import { headStartMs, raceAddresses, type RaceHost } from "../relay/race.ts";

/** Head starts that begin within so much of each other end together. */
const sharedWithinMs = 25;
/** Pauses before all addresses are tried again. */
const pausesMs = [200, 400, 800];
/** So long an address that failed is tried after those that did not: a host without IPv6 learns that once a minute. */
const distrustMs = 60_000;

/** Dials data centres and remembers which addresses failed lately. */
export class DcDialer implements Disposable {
  readonly #dialer: Dialer;
  readonly #clock: Clock;
  readonly #failedAtMs = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #race: RaceHost = {
    attempt: (address, signal) => this.#attempt(address, signal),
    waitHeadStart: () => this.#waitHeadStart(),
    // Whoever loses in spite of a head start is not waited for again and again.
    overtaken: (address) => this.#distrust(address),
  };
  /** The head start that was begun last; dials that begin at nearly the same time share it, and its timer. */
  #headStart: { readonly sinceMs: number; readonly over: Promise<void> } | undefined;

  constructor(dialer: Dialer, clock: Clock) {
    this.#dialer = dialer;
    this.#clock = clock;
  }

  /**
   * Connects to one of `addresses`, in order and staggered, those that failed within the last minute last; tries all of them
   * again up to three times. An abort of `dialing` gives up; this itself aborts it to give up attempts that have lost.
   *
   * @throws The reason of an abort, with what was answered before it, else an `Error` that says what each address answered in the
   *   last round.
   */
  async dial(addresses: readonly Address[], dialing: AbortController): Promise<Conn> {
    const { signal } = dialing;
    let before: unknown;
    for (let round = 0;; round++) {
      try {
        return addresses.length === 1
          ? await this.#attempt(addresses[0]!, signal)
          : await raceAddresses(this.#trustedFirst(addresses), dialing, this.#race);
      } catch (error) {
        if (signal.aborted) throw reasonOf(signal, before);
        const pauseMs = pausesMs[round];
        if (pauseMs === undefined) throw error;
        before = error;
        await this.#clock.sleep(pauseMs, signal).catch(() => {
          throw reasonOf(signal, before);
        });
      }
    }
  }

  /** Ends the timers; dials that are under way end by their own signals. */
  [Symbol.dispose](): void {
    this.#closing.abort();
  }

  async #attempt(address: Address, signal: AbortSignal): Promise<Conn> {
    const key = formatAddress(address);
    try {
      const conn = await this.#dialer.dial(address, { signal });
      if (this.#failedAtMs.size > 0) this.#failedAtMs.delete(key);
      return conn;
    } catch (error) {
      if (!signal.aborted) this.#distrust(address);
      throw new Error(`${key}: ${messageOf(error)}`, { cause: error });
    }
  }

  #distrust(address: Address): void {
    this.#failedAtMs.set(formatAddress(address), this.#clock.elapsedMs());
  }

  #waitHeadStart(): Promise<void> {
    const nowMs = this.#clock.elapsedMs();
    if (this.#headStart === undefined || nowMs - this.#headStart.sinceMs > sharedWithinMs) {
      const over = this.#clock.sleep(headStartMs, this.#closing.signal).catch(() => {});
      this.#headStart = { sinceMs: nowMs, over };
    }
    return this.#headStart.over;
  }

  #trustedFirst(addresses: readonly Address[]): readonly Address[] {
    if (this.#failedAtMs.size === 0 || addresses.length < 2) return addresses;
    const sinceMs = this.#clock.elapsedMs() - distrustMs;
    const isTrusted = (address: Address) => (this.#failedAtMs.get(formatAddress(address)) ?? -Infinity) < sinceMs;
    const trusted = addresses.filter(isTrusted);
    return trusted.length === addresses.length ? addresses : [...trusted, ...addresses.filter((a) => !isTrusted(a))];
  }
}

/** Why a dial was given up: that its time was over says less than what has failed until then. */
function reasonOf({ reason }: AbortSignal, before: unknown): unknown {
  if (before === undefined) return reason;
  return new Error(`${messageOf(reason)}; before that, ${messageOf(before)}`, { cause: reason });
}
