/** The ways to Telegram: connections are balanced over them, and one that fails is replaced by another. */
import { type Address, formatAddress } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { SocksProxy, Uplink } from "../config/config.ts";
import { type RandomSource, shuffle } from "../crypto/random.ts";
import { messageOf } from "../errors.ts";
import type { EventSink } from "../events/event.ts";
import { CircuitBreaker, type Permit } from "../policy/circuit_breaker.ts";
import { openWithin } from "../relay/aborts.ts";
import type { Conn } from "../relay/conn.ts";
import type { Dialer } from "../relay/dialer.ts";
import type { Resolver } from "../relay/resolver.ts";
import { Socks5Dialer, Socks5Error } from "./socks5_dialer.ts";

/**
 * How much of the caller's timeout all attempts together may take: the last one is to fail by itself, for a proxy that is mute
 * would never count as failing otherwise.
 */
const shareOfTimeout = 0.9;
/** An attempt gets at least so long, as far as there is time left. */
const attemptAtLeastMs = 1_000;

/** A dialer with a deadline of its own. */
export interface TimedDialer extends Dialer {
  dial(to: Address, options: { readonly signal: AbortSignal; readonly timeoutMs?: number }): Promise<Conn>;
}

export interface UplinkDialers {
  /** Reaches everything without a proxy: the proxies themselves too. */
  readonly direct: Dialer;
  /** Makes the dialer through a proxy. */
  readonly through: (proxy: SocksProxy) => TimedDialer;
}

/** The dialers that there are, to hand to `UplinkDialer` and to `singleUplinks()`. */
export function uplinkDialers(
  options: {
    readonly direct: Dialer;
    readonly resolver: Resolver;
    readonly clock: Clock;
    /** The tcp timeout of whoever dials. */
    readonly timeoutMs: number;
  },
): UplinkDialers {
  const { direct: dialer, ...rest } = options;
  return { direct: dialer, through: (proxy) => new Socks5Dialer({ ...rest, proxy, dialer }) };
}

/** One way alone, without a circuit breaker. `label` is `direct`, or `socks5 203.0.113.9:1080`. */
export interface SingleUplink {
  readonly label: string;
  readonly dialer: Dialer;
}

/** Every way by itself: the direct one first, whether it is among `uplinks` or not, then each proxy. */
export function singleUplinks(uplinks: readonly Uplink[], dialers: UplinkDialers): readonly SingleUplink[] {
  const proxies = uplinks.filter((uplink) => uplink.kind === "socks5");
  return [
    { label: "direct", dialer: dialers.direct },
    ...proxies.map((proxy) => ({
      label: `socks5 ${formatAddress(proxy.address)}`,
      dialer: dialers.through(proxy),
    })),
  ];
}

export interface UplinkOptions extends UplinkDialers {
  readonly uplinks: readonly Uplink[];
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly events: EventSink;
  /** The tcp timeout of whoever dials. */
  readonly timeoutMs: number;
}

interface Way {
  readonly dialer: TimedDialer;
  /** `undefined` for the direct way. */
  readonly proxy: SocksProxy | undefined;
  readonly breaker: CircuitBreaker | undefined;
}

/**
 * - Each dial tries the ways in an order of its own, drawn by lot, until one leads to the target: equal shares for all, also of
 *   what a dead one would have had.
 * - Time is shared out, so that no mute proxy takes all of it.
 * - A proxy that keeps failing is left out until its breaker lets somebody try. That a proxy does not reach a target, or that the
 *   caller gives up, is nothing against it, and nothing for it.
 * - If all are left out, the one whose turn comes first is tried all the same.
 * - Unix sockets are of this machine and reached directly.
 */
export class UplinkDialer implements Dialer {
  readonly #options: UplinkOptions;
  /** Empty if everything is reached directly anyway. */
  readonly #ways: readonly Way[];

  constructor(options: UplinkOptions) {
    this.#options = options;
    const { uplinks, clock } = options;
    const isDirect = uplinks.every(({ kind }) => kind === "direct");
    this.#ways = isDirect ? [] : uplinks.map((uplink) => {
      if (uplink.kind === "direct") return { dialer: timed(options), proxy: undefined, breaker: undefined };
      const breaker = new CircuitBreaker(uplink.breaker, clock);
      return { dialer: options.through(uplink), proxy: uplink, breaker };
    });
  }

  /** @throws {Error} What each of the ways has answered; the reason of `signal` if that aborts. */
  async dial(to: Address, { signal }: { readonly signal: AbortSignal }): Promise<Conn> {
    const { direct, clock, random, timeoutMs } = this.#options;
    if (to.kind === "unix" || this.#ways.length === 0) return await direct.dial(to, { signal });
    const untilMs = clock.elapsedMs() + timeoutMs * shareOfTimeout;
    const order = this.#ways.filter(({ breaker }) => breaker?.isReady ?? true);
    shuffle(order, random);
    const failures: unknown[] = [];
    for (const [index, way] of order.entries()) {
      const leftMs = untilMs - clock.elapsedMs();
      if (leftMs <= 0) break;
      // Others may have opened the breaker meanwhile, or be the ones that try.
      const permit = way.breaker?.tryPass();
      if (way.breaker !== undefined && permit === undefined) continue;
      const budgetMs = Math.max(leftMs / (order.length - index), Math.min(leftMs, attemptAtLeastMs));
      try {
        return await this.#attempt(way, permit, to, { signal, timeoutMs: Math.round(budgetMs) });
      } catch (error) {
        signal.throwIfAborted();
        failures.push(error);
      }
    }
    if (failures.length > 0) throw summary(failures);
    return await this.#tryAnyway(to, { signal, timeoutMs: Math.round(untilMs - clock.elapsedMs()) });
  }

  /** Through the proxy that is due first, for there is nothing else. */
  #tryAnyway(to: Address, limits: Limits): Promise<Conn> {
    const way = this.#ways.reduce((first, next) => dueMs(next) < dueMs(first) ? next : first);
    return this.#attempt(way, way.breaker?.pass(), to, limits);
  }

  async #attempt(way: Way, held: Permit | undefined, to: Address, limits: Limits): Promise<Conn> {
    using permit = held;
    try {
      const conn = await way.dialer.dial(to, limits);
      if (permit?.succeeded() === true) this.#tellUp(way);
      return conn;
    } catch (error) {
      const isItsFault = !limits.signal.aborted && error instanceof Socks5Error && error.fault === "proxy";
      if (isItsFault && permit?.failed() === true) this.#tellDown(way, error.reason);
      throw error;
    }
  }

  #tellUp({ proxy }: Way): void {
    if (proxy !== undefined) this.#options.events.emit({ type: "uplink-up", uplink: proxy.address });
  }

  #tellDown({ proxy }: Way, reason: string): void {
    if (proxy === undefined) return;
    const { address: uplink, breaker: { halfOpenTimeoutMs: leftOutMs } } = proxy;
    this.#options.events.emit({ type: "uplink-down", uplink, reason, leftOutMs });
  }
}

interface Limits {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** The direct way with a deadline, and with its name in what it says. */
function timed({ direct, clock, timeoutMs: longestMs }: UplinkOptions): TimedDialer {
  return {
    async dial(to, { signal, timeoutMs: ms = longestMs }) {
      try {
        return await openWithin({ clock, ms, parent: signal }, (own) => direct.dial(to, { signal: own }));
      } catch (error) {
        signal.throwIfAborted();
        throw new Error(`directly: ${messageOf(error)}`, { cause: error });
      }
    },
  };
}

function dueMs({ breaker }: Way): number {
  return breaker?.dueMs ?? -Infinity;
}

function summary(failures: readonly unknown[]): unknown {
  return failures.length === 1 ? failures[0] : new Error(failures.map(messageOf).join("; "), { cause: failures[0] });
}
