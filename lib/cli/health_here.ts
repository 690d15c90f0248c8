/** What `mtg healthcheck` is made of on a real machine; loaded when it is asked for. */
import { type Address, formatAddress } from "../address.ts";
import type { Config } from "../config/config.ts";
import { systemRandom } from "../crypto/random.ts";
import { directDialer } from "../net/dialer.ts";
import { systemClock } from "../net/system_clock.ts";
import { findFault } from "../probe/health.ts";

/** Docker and others give up after some seconds, and then nobody learns why. */
const timeoutMs = 3_000;

export interface Health {
  readonly isServing: boolean;
  /** A line. */
  readonly text: string;
}

/** Asks at every address of `bind-to`; the proxy serves if all answer. */
export async function askHealthHere({ bindTo, secret, allowFallbackOnUnknownDc }: Config): Promise<Health> {
  const parts = { dialer: directDialer, clock: systemClock, random: systemRandom, timeoutMs };
  const { signal } = new AbortController();
  const addresses = bindTo.map((address) => reachable(address, bindTo));
  const faults = await Promise.all(addresses.map(async (address) => {
    if (address.kind === "tcp" && address.port === 0) return "bind-to has port 0, so nobody knows which one it is";
    return await findFault({ address, secret, takesAnyDc: allowFallbackOnUnknownDc }, { ...parts, signal });
  }));
  const found = faults.filter((fault) => fault !== undefined);
  if (found.length > 0) return { isServing: false, text: found.join("; ") };
  return { isServing: true, text: `serving on ${bindTo.map(formatAddress).join(", ")}` };
}

/**
 * All interfaces are also this one. `::` takes IPv4 too, where nobody else does, and a container may have no IPv6 of its own.
 */
function reachable(address: Address, all: readonly Address[]): Address {
  if (address.kind !== "tcp") return address;
  if (address.host === "0.0.0.0") return { ...address, host: "127.0.0.1" };
  if (address.host !== "::") return address;
  const hasIpv4 = all.some((other) => other.kind === "tcp" && other.host === "0.0.0.0" && other.port === address.port);
  return { ...address, host: hasIpv4 ? "::1" : "127.0.0.1" };
}
