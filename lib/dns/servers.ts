/** Every kind of DNS server. */
import type { Clock } from "../clock.ts";
import type { DnsServer } from "../config/config.ts";
import { type RandomSource, systemRandom } from "../crypto/random.ts";
import { DnsHttps } from "./https.ts";
import { DnsServerSource } from "./server.ts";
import type { DnsSource } from "./source.ts";
import { DnsTls } from "./tls.ts";
import { DnsUdp } from "./udp.ts";

export interface ServerOptions {
  readonly clock: Clock;
  /** How long looking one name up may take. */
  readonly timeoutMs: number;
  readonly random?: RandomSource | undefined;
  /** PEM of authorities that the DNS server's certificate may come from, besides the well-known ones. */
  readonly caCerts?: readonly string[] | undefined;
}

export function openServer(dns: DnsServer, options: ServerOptions): DnsSource {
  const { clock, timeoutMs, random = systemRandom, caCerts = [] } = options;
  switch (dns.kind) {
    case "udp":
      return new DnsServerSource(new DnsUdp({ ...dns, kind: "tcp" }, clock, random), clock);
    case "tls":
      return new DnsServerSource(new DnsTls({ ...dns, kind: "tcp" }, { clock, random, timeoutMs, caCerts }), clock);
    case "https":
      return new DnsServerSource(new DnsHttps(dns.url, caCerts), clock);
  }
}
