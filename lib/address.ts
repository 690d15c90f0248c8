/** Where a socket listens or connects to. */
export type Address = TcpAddress | UnixAddress;

/** `host` is an IP literal (IPv6 without brackets) or a DNS name; `port` is 0 to 65535. */
export interface TcpAddress {
  readonly kind: "tcp";
  readonly host: string;
  readonly port: number;
}

export interface UnixAddress {
  readonly kind: "unix";
  readonly path: string;
}

/** As people write it: `127.0.0.1:443`, `[::1]:443`, `unix:/run/mtg/mtg.sock`. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return `${bracketed(address.host)}:${address.port}`;
}

/** A host as it stands before a port, and in URLs. */
export function bracketed(host: string): string {
  return isIpv6(host) ? `[${host}]` : host;
}

const mappedIpv4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** An IPv4 client of a dual-stack listener shows up as `::ffff:a.b.c.d`; limits, lists and logs want `a.b.c.d`. */
export function unmapIpv4(host: string): string {
  return mappedIpv4.exec(host)?.[1] ?? host;
}

export function isIpv6(host: string): boolean {
  return host.includes(":");
}

/** An address family, where it is a word rather than a property of an address. */
export type Family = "ipv4" | "ipv6";
export const families: readonly Family[] = ["ipv4", "ipv6"];

/** Which address family is tried first, or alone. */
export type PreferIp = "prefer-ipv4" | "prefer-ipv6" | "only-ipv4" | "only-ipv6";
