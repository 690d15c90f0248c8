/** A `Config` as the options of a `Proxy`. */
import type { Address } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { systemRandom } from "../crypto/random.ts";
import type { EventSink } from "../events/event.ts";
import { IpSet } from "../policy/ip_set.ts";
import type { ProxyOptions } from "../proxy/options.ts";
import type { Network } from "./network.ts";
import type { Settings } from "./settings.ts";
import type { SharedState } from "./shared_state.ts";

export interface Surroundings {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly isOwn: ProxyOptions["isOwn"];
  readonly shared: SharedState;
  readonly network: Pick<Network, "telegram" | "direct">;
  /** Threads that serve, this one included. */
  readonly workers: number;
}

export function buildProxyOptions(
  { config, dcUpdates }: Settings,
  { clock, events, isOwn, shared, network, workers }: Surroundings,
): ProxyOptions {
  return {
    secret: config.secret,
    slots: shared.slots,
    nextId: () => shared.connectionIds.next(),
    // Only its own strangers can a thread close, and the kernel shares connections out evenly.
    strangersAtMost: Math.ceil(config.strangerConcurrency / workers),
    dialer: network.telegram,
    frontDialer: network.direct,
    dcUpdates,
    clock,
    random: systemRandom,
    events,
    replayFilter: shared.replayFilter,
    toleranceMs: config.tolerateTimeSkewnessMs,
    fastMode: config.telegram.fastMode,
    preferIp: config.preferIp,
    dcOverrides: config.dcOverrides,
    fallbackOnUnknownDc: config.allowFallbackOnUnknownDc,
    front: frontOf(config),
    proxyProtocol: config.proxyProtocolListener ? { trusted: IpSet.from(config.proxyProtocolTrusted) } : undefined,
    frontProxyProtocol: config.domainFronting.proxyProtocol,
    isOwn,
    largestBuffer: config.network.largestBufferBytes,
    timeouts: config.network.timeout,
  };
}

/** Where clients go that have not proven the secret: what the config names, else the host of a fake-TLS secret. */
export function frontOf(config: Config): Address | undefined {
  const { host, ip, port, unixPath } = config.domainFronting;
  if (unixPath !== undefined) return { kind: "unix", path: unixPath };
  const named = ip ?? host ?? (config.secret.kind === "tls" ? config.secret.host : undefined);
  return named === undefined ? undefined : { kind: "tcp", host: named, port };
}
