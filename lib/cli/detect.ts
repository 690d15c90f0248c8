import type { Family } from "../address.ts";
import type { Config } from "../config/config.ts";
import { createResolver } from "../dns/resolver.ts";
import { detectPublicAddresses, type PublicAddresses } from "../http/public_address.ts";
import { ResolvingDialer } from "../net/resolving_dialer.ts";
import { systemClock } from "../net/system_clock.ts";

/** Asks others for the public addresses of this machine, with names looked up as the configuration says. */
export async function detectAddresses(
  config: Config,
  wanted: readonly Family[],
  signal: AbortSignal | undefined,
): Promise<PublicAddresses> {
  const { dns, timeout: { httpMs: timeoutMs } } = config.network;
  using resolver = createResolver(dns, { clock: systemClock, timeoutMs });
  return await detectPublicAddresses({
    dialerOf: (family) => new ResolvingDialer({ resolver, preferIp: `only-${family}`, clock: systemClock }),
    clock: systemClock,
    timeoutMs,
    wanted,
    signal,
  });
}
