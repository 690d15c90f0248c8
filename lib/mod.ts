/**
 * mtg as a library: an MTProto proxy for Telegram that runs inside your program.
 *
 * Workers that listen on one port (`reusePort`) and may do nothing else need Deno's unstable `net` and `worker-options` flags:
 * set `"unstable": ["net", "worker-options"]` in your `deno.json`. Without them the process exits with 70, and nothing can catch
 * that. What such workers share, `Slots` and a `ReplayFilter`, lives in a `SharedArrayBuffer`; each says which worker it is.
 *
 * `imports` in your `deno.json` must say where three packages come from, as that of this repository does:
 * `@std/crypto/timing-safe-equal`, `dns-packet` and `ip-bigint`.
 *
 * @example
 * ```ts
 * import { directDialer, type EventSink, Listener, parseSecret, Proxy, Slots, systemClock, systemRandom } from "@mtg/mtg";
 *
 * const events: EventSink = { emit: (event) => console.log(event.type) };
 * await using proxy = new Proxy({
 *   secret: parseSecret("dd000102030405060708090a0b0c0d0e0f"),
 *   slots: new Slots(1000),
 *   strangersAtMost: 1000,
 *   dialer: directDialer,
 *   clock: systemClock,
 *   random: systemRandom,
 *   events,
 *   replayFilter: undefined,
 *   toleranceMs: 120_000,
 *   fastMode: true,
 *   preferIp: "prefer-ipv6",
 *   dcOverrides: new Map(),
 *   fallbackOnUnknownDc: false,
 *   front: undefined,
 *   isOwn: () => false,
 *   timeouts: { tcpMs: 10_000, handshakeMs: 10_000, idleMs: 300_000 },
 * });
 * using listener = await Listener.open({ kind: "tcp", host: "127.0.0.1", port: 3128 });
 * await listener.acceptInto(proxy, { clock: systemClock, events });
 * ```
 *
 * @module
 */
export { type Address, formatAddress, type PreferIp, type TcpAddress, type UnixAddress } from "./address.ts";
export type { Clock } from "./clock.ts";
export type { BreakerOptions, DnsServer, SocksProxy, Uplink } from "./config/config.ts";
export { type RandomSource, systemRandom } from "./crypto/random.ts";
export { CachingResolver, createResolver, type ResolverOptions } from "./dns/resolver.ts";
export { ConfigError, type ConfigErrorPlace, ProtocolError, type ProtocolErrorCode } from "./errors.ts";
export type { ConnectionId, Event, EventSink } from "./events/event.ts";
export { directDialer } from "./net/dialer.ts";
export { Listener } from "./net/listener.ts";
export { ResolvingDialer, type ResolvingDialerOptions } from "./net/resolving_dialer.ts";
export { systemClock } from "./net/system_clock.ts";
export { UplinkDialer, type UplinkDialers, uplinkDialers, type UplinkOptions } from "./net/uplinks.ts";
export { IpSet } from "./policy/ip_set.ts";
export { ReplayFilter, type ReplayFilterOptions } from "./policy/replay_filter.ts";
export { formatSecret, parseSecret, type Secret, type SecretKind, secretOf } from "./policy/secret.ts";
export { Slots } from "./policy/slots.ts";
export type { ProxyOptions } from "./proxy/options.ts";
export { Proxy } from "./proxy/proxy.ts";
export type { Conn } from "./relay/conn.ts";
export type { Dialer } from "./relay/dialer.ts";
export type { Resolver } from "./relay/resolver.ts";
export type { DcOverrides, DcUpdates } from "./telegram/addresses.ts";
