import type { Address, PreferIp } from "../address.ts";
import type { Secret } from "../policy/secret.ts";

export type LogLevel = "debug" | "info" | "warning" | "error";

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
  /** `host` and `ip` undefined: the host of a fake-TLS secret is fronted; other kinds are fronted only if one is given. */
  readonly domainFronting: {
    readonly host: string | undefined;
    readonly ip: string | undefined;
    readonly port: number;
  };
  readonly network: {
    readonly largestBufferBytes: number;
    readonly timeout: { readonly tcpMs: number; readonly handshakeMs: number; readonly idleMs: number };
  };
  readonly defense: {
    readonly antiReplay: { readonly enabled: boolean; readonly maxSizeBytes: number; readonly errorRate: number };
  };
  /** Data centre number, with its sign, to the addresses that stand in for Telegram's own. */
  readonly dcOverrides: ReadonlyMap<number, readonly Address[]>;
}
