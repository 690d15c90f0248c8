import type { Address, PreferIp, TcpAddress } from "../address.ts";
import type { BreakerOptions } from "../policy/circuit_breaker.ts";
import type { Secret } from "../policy/secret.ts";

export type { BreakerOptions };

export type LogLevel = "debug" | "info" | "warning" | "error";

/** Where names are looked up; `undefined` wherever it stands is the system's own resolver. */
export type DnsServer =
  /** `host` is an IP address: nobody could look up a name yet. */
  | { readonly kind: "udp"; readonly host: string; readonly port: number }
  /** DNS over TLS; the certificate must be for `host`, a name or an IP address. */
  | { readonly kind: "tls"; readonly host: string; readonly port: number }
  /** DNS over HTTPS. */
  | { readonly kind: "https"; readonly url: string };

/** One of the ways to Telegram. */
export type Uplink = { readonly kind: "direct" } | SocksProxy;

export interface SocksProxy {
  readonly kind: "socks5";
  /** The host may be a name. */
  readonly address: TcpAddress;
  readonly credentials: { readonly user: string; readonly password: string } | undefined;
  /** Whether the proxy looks up names (`socks5h`), in our place. */
  readonly remoteDns: boolean;
  readonly breaker: BreakerOptions;
}

/** A whole, valid configuration; what each field means and defaults to stands in `fields.ts`. Times are milliseconds. */
export interface Config {
  readonly secret: Secret;
  readonly bindTo: readonly Address[];
  readonly concurrency: number;
  readonly strangerConcurrency: number;
  readonly workers: number | "auto";
  readonly isolate: boolean;
  readonly preferIp: PreferIp;
  readonly debug: boolean;
  readonly logLevel: LogLevel;
  readonly publicIpv4: string | undefined;
  readonly publicIpv6: string | undefined;
  readonly publicHost: string | undefined;
  readonly publicPort: number | undefined;
  readonly tolerateTimeSkewnessMs: number;
  readonly allowFallbackOnUnknownDc: boolean;
  readonly graceMs: number;
  readonly telegram: { readonly fastMode: boolean };
  readonly state: {
    /** What outlives a restart is kept there; made when there is something to keep. */
    readonly directory: string;
  };
  readonly proxyProtocolListener: boolean;
  /** Networks in CIDR notation whose PROXY protocol headers are believed. */
  readonly proxyProtocolTrusted: readonly string[];
  readonly autoUpdate: boolean;
  readonly watchConfig: boolean;
  readonly ntpServers: readonly string[];
  /** All of `host`, `ip` and `unixPath` undefined: the host of a fake-TLS secret is fronted, other kinds show nothing. */
  readonly domainFronting: {
    readonly host: string | undefined;
    readonly ip: string | undefined;
    readonly port: number;
    /** A Unix socket, in the place of all three. */
    readonly unixPath: string | undefined;
    /** Whether the site is told the client's address, by a PROXY protocol header of version 2. */
    readonly proxyProtocol: boolean;
  };
  readonly network: {
    readonly dns: DnsServer | undefined;
    /** Ways to Telegram; none is the direct one. */
    readonly uplinks: readonly Uplink[];
    readonly largestBufferBytes: number;
    /** Whether sockets ask the system to probe connections that are silent. */
    readonly keepAlive: boolean;
    readonly timeout: {
      readonly tcpMs: number;
      readonly httpMs: number;
      readonly handshakeMs: number;
      readonly idleMs: number;
    };
  };
  readonly defense: {
    readonly antiReplay: { readonly enabled: boolean; readonly maxSizeBytes: number; readonly errorRate: number };
  };
  /** Data centre number, with its sign, to the addresses that stand in for Telegram's own. */
  readonly dcOverrides: ReadonlyMap<number, readonly Address[]>;
}
