/** What `mtg check` is made of on a real machine; loaded when it is asked for. */
import type { TcpAddress } from "../address.ts";
import type { Clock } from "../clock.ts";
import { systemRandom } from "../crypto/random.ts";
import { createResolver } from "../dns/resolver.ts";
import { directDialer } from "../net/dialer.ts";
import { askSiteDate } from "../net/site_visit.ts";
import { askTime } from "../net/sntp.ts";
import { systemClock } from "../net/system_clock.ts";
import type { ProxyLink } from "../policy/proxy_link.ts";
import { checkLink, type CheckOptions, type Report } from "../probe/check_link.ts";
import { siteBehind, type TimeSource } from "../probe/clock.ts";
import { defaultTimeServers, ntpPort } from "../wire/sntp.ts";

const httpsPort = 443;

/** What the command line says of a check. */
export type CheckWishes = Pick<CheckOptions, "timeoutMs" | "allDcs" | "onStep">;

export async function checkHere(link: ProxyLink, wishes: CheckWishes): Promise<Report> {
  const clock = systemClock;
  const random = systemRandom;
  using resolver = createResolver(undefined, { clock, timeoutMs: wishes.timeoutMs });
  const at = async (host: string, port: number, signal: AbortSignal): Promise<TcpAddress> => {
    const [first] = await resolver.resolve(host, { signal });
    return { kind: "tcp", host: first!, port };
  };
  return await checkLink(link, {
    ...wishes,
    dialer: directDialer,
    resolver,
    clock,
    random,
    signal: new AbortController().signal,
    timeSources: (proxy, host) => [
      siteClock(siteBehind, { host, clock, address: () => Promise.resolve(proxy) }),
      siteClock(`https://${host}`, { host, clock, address: (signal) => at(host, httpsPort, signal) }),
      ...defaultTimeServers.map((name): TimeSource => ({
        name,
        ask: async (signal) => (await askTime(await at(name, ntpPort, signal), { clock, random, signal })).aheadMs,
      })),
    ],
  });
}

interface SiteClockParts {
  readonly host: string;
  readonly clock: Clock;
  readonly address: (signal: AbortSignal) => Promise<TcpAddress>;
}

/**
 * What time it is by the web site `host` at an address. Its certificate does not count, since at a wrong time none is valid; what
 * it says is not believed but tried.
 */
export function siteClock(name: string, { host, clock, address }: SiteClockParts): TimeSource {
  return {
    name,
    ask: async (signal) => {
      const date = await askSiteDate({ address: await address(signal), name: host, clock, signal });
      if (date === undefined) throw new Error(`${host} does not tell the time`);
      return date.aheadMs;
    },
  };
}
