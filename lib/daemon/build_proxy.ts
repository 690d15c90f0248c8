/** A `Config` as the options of a `Proxy`. */
import type { Address } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { systemRandom } from "../crypto/random.ts";
import type { EventSink } from "../events/event.ts";
import { directDialer } from "../net/dialer.ts";
import { ReplayFilter } from "../policy/replay_filter.ts";
import { Slots } from "../policy/slots.ts";
import type { ProxyOptions } from "../proxy/options.ts";

/**
 * Two days, or as long as the memory lasts. The time in a ClientHello does not bound it: the digest does not cover it, so whoever
 * has recorded a hello can move its time to now.
 */
const replayLifetimeMs = 48 * 3_600_000;
/** However busy the proxy is, what is replayed at once must be known. */
const leastReplayLifetimeMs = 60_000;

export interface Surroundings {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly isOwn: ProxyOptions["isOwn"];
}

export function buildProxyOptions(config: Config, { clock, events, isOwn }: Surroundings): ProxyOptions {
  return {
    secret: config.secret,
    slots: new Slots(config.concurrency),
    strangersAtMost: config.strangerConcurrency,
    dialer: directDialer,
    clock,
    random: systemRandom,
    events,
    replayFilter: buildReplayFilter(config),
    toleranceMs: config.tolerateTimeSkewnessMs,
    fastMode: config.telegram.fastMode,
    preferIp: config.preferIp,
    dcOverrides: config.dcOverrides,
    fallbackOnUnknownDc: config.allowFallbackOnUnknownDc,
    front: frontOf(config),
    isOwn,
    largestBuffer: config.network.largestBufferBytes,
    timeouts: config.network.timeout,
  };
}

/** Where clients go that have not proven the secret: what the config names, else the host of a fake-TLS secret. */
export function frontOf(config: Config): Address | undefined {
  const { host, ip, port } = config.domainFronting;
  const named = ip ?? host ?? (config.secret.kind === "tls" ? config.secret.host : undefined);
  return named === undefined ? undefined : { kind: "tcp", host: named, port };
}

function buildReplayFilter(config: Config): ReplayFilter | undefined {
  const { enabled, maxSizeBytes, errorRate } = config.defense.antiReplay;
  if (!enabled || maxSizeBytes === 0) return undefined;
  return new ReplayFilter({
    memory: new ArrayBuffer(maxSizeBytes),
    errorRate,
    lifetimeMs: replayLifetimeMs,
    leastLifetimeMs: Math.max(leastReplayLifetimeMs, 2 * config.tolerateTimeSkewnessMs),
  });
}
