/** Under which addresses clients reach a proxy, and the links that say so. */
import { type Address, families, type Family, formatAddress, isIpv6, type TcpAddress } from "../address.ts";
import { ipv4 } from "../config/address_values.ts";
import type { Config } from "../config/config.ts";
import type { PublicAddresses } from "../http/public_address.ts";
import { isPublic } from "../policy/ip_set.ts";
import { proxyLinks } from "../policy/proxy_link.ts";
import type { Secret } from "../policy/secret.ts";

/** One way to reach the proxy. */
export interface LinkTarget {
  readonly family: "host" | Family;
  readonly server: string;
  readonly port: number;
}

/** What a command line says in place of the configuration. */
export interface LinkOverrides {
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  readonly port?: number | undefined;
}

/** Addresses that were found out. */
export type Detected = Pick<PublicAddresses, Family>;

/**
 * At most one target of each family, the best first: what `overrides` say, then the public host and addresses, then the addresses
 * in `bound` that are not "all interfaces", then what was detected. Where there is a public host, it and what else was given is
 * all; where any is given, a private address in `bound` is none for clients. None if no port is known either.
 */
export function linkTargets(
  config: Config,
  bound: readonly Address[],
  overrides: LinkOverrides = {},
  detected: Detected = {},
): readonly LinkTarget[] {
  const listening = listeningOn(bound);
  const samePort = overrides.port ?? config.publicPort;
  const target = (server: string | undefined, own: number | undefined): readonly LinkTarget[] => {
    const port = samePort ?? own;
    return server === undefined || port === undefined ? [] : [{ family: familyOf(server), server, port }];
  };
  const names = [overrides.ipv4, overrides.ipv6, config.publicHost, config.publicIpv4, config.publicIpv6];
  const given = names.flatMap((name) => target(name, listening[0]?.port));
  if (config.publicHost !== undefined) return oneOfEach(given);
  const own = listening.filter(({ host }) => !isWildcard(host) && (given.length === 0 || isPublic(host)));
  return oneOfEach([
    ...given,
    ...own.flatMap(({ host, port }) => target(host, port)),
    ...families.flatMap((family) => target(detected[family], listening.find(covers(family))?.port)),
  ]);
}

/** The families that clients can use, but whose address nothing tells; none where a host is known, which leads to all. */
export function unknownFamilies(
  config: Config,
  bound: readonly Address[],
  overrides: LinkOverrides = {},
): readonly Family[] {
  if (config.publicHost !== undefined) return [];
  const known = linkTargets(config, bound, overrides).map(({ family }) => family);
  return families.filter((family) => !known.includes(family) && listeningOn(bound).some(covers(family)));
}

/** What to do so that there are links, when `linkTargets()` gives none. */
export function noTargetHint(config: Config, bound: readonly Address[]): string {
  const listening = bound.map(formatAddress).join(", ");
  if ((config.publicHost ?? config.publicIpv4 ?? config.publicIpv6) !== undefined) {
    return `no links: ${listening} does not tell the port that clients reach; set public-port`;
  }
  return `no links: ${listening} does not tell under which address and port clients reach the proxy; ` +
    "set public-host (or public-ipv4, public-ipv6) and, if it is another than the one listened on, public-port";
}

/** The links to each target for people to read, in both encodings. */
export function linkText(secret: Secret, targets: readonly LinkTarget[]): string {
  const lines = (encoding: "hex" | "base64") =>
    targets.flatMap(({ server, port }) => {
      const { tg, tme } = proxyLinks({ server, port, secret, encoding });
      return [`  ${tg}`, `  ${tme}`];
    });
  return [
    "Links for Telegram. Whoever has one can use this proxy:",
    ...lines("base64"),
    "The same for old clients, with the secret in hex:",
    ...lines("hex"),
  ].join("\n");
}

function oneOfEach(targets: readonly LinkTarget[]): readonly LinkTarget[] {
  return targets.filter(({ family }, index) => targets.findIndex((other) => other.family === family) === index);
}

function familyOf(server: string): LinkTarget["family"] {
  if (isIpv6(server)) return "ipv6";
  return ipv4(server).ok ? "ipv4" : "host";
}

function listeningOn(bound: readonly Address[]): readonly TcpAddress[] {
  return bound.filter((address): address is TcpAddress => address.kind === "tcp" && address.port > 0);
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** Whether all interfaces of that family are listened on; `::` takes IPv4 too. */
function covers(family: Family): (address: TcpAddress) => boolean {
  return ({ host }) => host === "::" || (host === "0.0.0.0" && family === "ipv4");
}
