/** What `mtg check` is made of on a real machine; loaded when it is asked for. */
import { systemRandom } from "../crypto/random.ts";
import { directDialer } from "../net/dialer.ts";
import { systemClock } from "../net/system_clock.ts";
import { systemResolver } from "../net/system_resolver.ts";
import { dialTls } from "../net/tls_dialer.ts";
import type { ProxyLink } from "../policy/proxy_link.ts";
import { checkLink, type CheckOptions, type Report } from "../probe/check_link.ts";

/** What the command line says of a check. */
export type CheckWishes = Pick<CheckOptions, "timeoutMs" | "allDcs" | "onStep">;

export async function checkHere(link: ProxyLink, wishes: CheckWishes): Promise<Report> {
  return await checkLink(link, {
    ...wishes,
    dialer: directDialer,
    tlsDialer: { dial: dialTls },
    resolver: systemResolver,
    clock: systemClock,
    random: systemRandom,
    signal: new AbortController().signal,
  });
}
