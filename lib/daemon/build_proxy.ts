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

/** A ClientHello is good within its timestamp's tolerance, before and after: so long a replay must be known. */
const leastHelloLifetimeMs = 60_000;
/** A plain frame carries no time, so that it would be good for ever; six hours outlast what a prober keeps. */
const frameLifetimeMs = 6 * 3_600_000;

export interface Surroundings {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly isOwn: ProxyOptions["isOwn"];
}

export function buildProxyOptions(config: Config, { clock, events, isOwn }: Surroundings): ProxyOptions {
  return {
    secret: config.secret,
    slots: new Slots(config.concurrency),
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
  const lifetimeMs = config.secret.kind === "tls"
    ? Math.max(leastHelloLifetimeMs, 2 * config.tolerateTimeSkewnessMs)
    : frameLifetimeMs;
  return new ReplayFilter({ memory: new ArrayBuffer(maxSizeBytes), errorRate, lifetimeMs });
}
