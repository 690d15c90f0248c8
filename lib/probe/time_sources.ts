import type { TcpAddress } from "../address.ts";
import type { Conn } from "../relay/conn.ts";
import type { Dialer } from "../relay/dialer.ts";
import type { Resolver } from "../relay/resolver.ts";
import type { TimeSource } from "./clock.ts";
import { askHttpDate } from "./http_date.ts";

/** Opens TLS as a browser does: with the name of the site, and a certificate that must be right. */
export interface TlsDialer {
  dial(to: TcpAddress, host: string, options: { readonly signal: AbortSignal }): Promise<Conn>;
}

export interface TimeParts {
  readonly dialer: Dialer;
  readonly tlsDialer: TlsDialer;
  readonly resolver: Resolver;
}

/**
 * Who can tell the time where a proxy at `address` looks like `host`: the site that it shows to strangers, that site by its own
 * address, and the same without TLS, since certificates are not valid at a time that is wrong by years.
 */
export function timeSources(
  address: TcpAddress,
  host: string,
  { dialer, tlsDialer, resolver }: TimeParts,
): readonly TimeSource[] {
  const at = async (port: number, signal: AbortSignal): Promise<TcpAddress> => {
    const [first] = await resolver.resolve(host, { signal });
    return { kind: "tcp", host: first!, port };
  };
  const source = (name: string, open: (signal: AbortSignal) => Promise<Conn>): TimeSource => ({
    name,
    ask: async (signal) => await askHttpDate(await open(signal), host, signal),
  });
  return [
    source("the site behind the proxy", (signal) => tlsDialer.dial(address, host, { signal })),
    source(`https://${host}`, async (signal) => await tlsDialer.dial(await at(443, signal), host, { signal })),
    source(`http://${host}`, async (signal) => await dialer.dial(await at(80, signal), { signal })),
  ];
}
