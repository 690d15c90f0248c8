import { type Address, formatAddress, type PreferIp, type TcpAddress } from "../address.ts";
import { isIp } from "../bytes/ip.ts";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Conn } from "../relay/conn.ts";
import type { Dialer } from "../relay/dialer.ts";
import { headStartMs, raceAddresses } from "../relay/race.ts";
import type { Resolver } from "../relay/resolver.ts";
import { orderAddresses } from "../telegram/addresses.ts";
import { directDialer } from "./dialer.ts";

const finished = new Error("the race is over");

export interface ResolvingDialerOptions {
  readonly resolver: Resolver;
  /** Which addresses of a name are tried first, or alone. */
  readonly preferIp: PreferIp;
  readonly clock: Clock;
  /** What connects to the addresses. */
  readonly dialer?: Dialer | undefined;
}

/** Looks names up, and connects to whichever of their addresses answers first. IP literals and Unix sockets are dialed as they are. */
export class ResolvingDialer implements Dialer {
  readonly #resolver: Resolver;
  readonly #preferIp: PreferIp;
  readonly #clock: Clock;
  readonly #dialer: Dialer;

  constructor({ resolver, preferIp, clock, dialer = directDialer }: ResolvingDialerOptions) {
    this.#resolver = resolver;
    this.#preferIp = preferIp;
    this.#clock = clock;
    this.#dialer = dialer;
  }

  /** @throws {Error} That names the host, and says why it has no address of use or what each address answered. */
  async dial(to: Address, options: { readonly signal: AbortSignal }): Promise<Conn> {
    if (to.kind === "unix" || isIp(to.host)) return await this.#dialer.dial(to, options);
    const { signal } = options;
    const addresses = await this.#addressesOf(to, signal);
    signal.throwIfAborted();
    try {
      const [only] = addresses;
      return addresses.length === 1 ? await this.#attempt(only!, signal) : await this.#race(addresses, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw new Error(`${to.host} at ${messageOf(error)}`, { cause: error });
    }
  }

  async #addressesOf(to: TcpAddress, signal: AbortSignal): Promise<readonly Address[]> {
    const hosts = await this.#resolver.resolve(to.host, { signal });
    const all = hosts.map((host): Address => ({ kind: "tcp", host, port: to.port }));
    const addresses = orderAddresses(all, this.#preferIp, 0);
    if (addresses.length > 0) return addresses;
    const wanted = this.#preferIp === "only-ipv4" ? "IPv4" : "IPv6";
    const found = hosts.join(", ");
    throw new Error(`${to.host} has no ${wanted} address, only ${found}, and prefer-ip is "${this.#preferIp}"`);
  }

  async #race(addresses: readonly Address[], signal: AbortSignal): Promise<Conn> {
    const dialing = new AbortController();
    const over = new AbortController();
    const onAbort = () => dialing.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await raceAddresses(addresses, dialing, {
        attempt: (address, attemptSignal) => this.#attempt(address, attemptSignal),
        waitHeadStart: () => this.#clock.sleep(headStartMs, over.signal).catch(() => {}),
      });
    } finally {
      signal.removeEventListener("abort", onAbort);
      over.abort(finished);
    }
  }

  async #attempt(address: Address, signal: AbortSignal): Promise<Conn> {
    try {
      return await this.#dialer.dial(address, { signal });
    } catch (error) {
      throw new Error(`${formatAddress(address)}: ${messageOf(error)}`, { cause: error });
    }
  }
}
