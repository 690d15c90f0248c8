/** How others are reached: where names are looked up, and which ways lead to Telegram. */
import { equal } from "@std/assert/equal";
import type { PreferIp } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { systemRandom } from "../crypto/random.ts";
import { type CachingResolver, createResolver } from "../dns/resolver.ts";
import type { EventSink } from "../events/event.ts";
import { DirectDialer } from "../net/dialer.ts";
import { ResolvingDialer } from "../net/resolving_dialer.ts";
import { UplinkDialer, uplinkDialers } from "../net/uplinks.ts";
import type { Dialer } from "../relay/dialer.ts";

/** Whether `one` and `other` reach others in the same ways. */
export function sameNetwork(one: Config, other: Config): boolean {
  return equal([one.network, one.preferIp], [other.network, other.preferIp]);
}

export class Network implements Disposable {
  /** To data centres, which go by IP address; through the SOCKS5 proxies if there are any. */
  readonly telegram: Dialer;
  /** The same way to what goes by a name. */
  readonly downloads: Dialer;
  /** To everyone else. */
  readonly direct: Dialer;
  /** So long after another has taken its place somebody may still dial by it: who shook hands then, and dials at last. */
  readonly lingersMs: number;
  readonly #resolver: CachingResolver;

  constructor({ network, preferIp }: Config, { clock, events }: { readonly clock: Clock; readonly events: EventSink }) {
    const { dns, uplinks, keepAlive, timeout: { tcpMs: timeoutMs, handshakeMs } } = network;
    this.lingersMs = handshakeMs + timeoutMs;
    const onStale = ({ host, reason }: { readonly host: string; readonly reason: string }) =>
      events.emit({ type: "name-stale", host, reason });
    const resolver = this.#resolver = createResolver(dns, { clock, timeoutMs, onStale });
    const dialer = new DirectDialer({ keepAlive });
    this.direct = new ResolvingDialer({ resolver, preferIp: preferenceOf(preferIp), clock, dialer });
    if (uplinks.every(({ kind }) => kind === "direct")) {
      // Every client goes this way: nothing is put between that is not needed.
      this.telegram = dialer;
      this.downloads = this.direct;
    } else {
      const dialers = uplinkDialers({ direct: this.direct, resolver, clock, timeoutMs });
      this.telegram = new UplinkDialer({ ...dialers, uplinks, clock, random: systemRandom, events, timeoutMs });
      this.downloads = this.telegram;
    }
  }

  [Symbol.dispose](): void {
    this.#resolver[Symbol.dispose]();
  }
}

/** `only-ipv6` is meant for Telegram: the fronted site or a SOCKS5 proxy may have no such address. */
export function preferenceOf(preferIp: PreferIp): PreferIp {
  return preferIp.endsWith("ipv4") ? "prefer-ipv4" : "prefer-ipv6";
}
