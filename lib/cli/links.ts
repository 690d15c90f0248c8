/** Under which addresses clients reach a proxy, and the links that say so. */
import { type Address, formatAddress, isIpv6, type TcpAddress } from "../address.ts";
import { ipv4 } from "../config/address_values.ts";
import type { Config } from "../config/config.ts";
import { proxyLinks } from "../policy/proxy_link.ts";
import type { Secret } from "../policy/secret.ts";

/** One way to reach the proxy. */
export interface LinkTarget {
  readonly family: "host" | "ipv4" | "ipv6";
  readonly server: string;
  readonly port: number;
}

/** What a command line says in place of the configuration. */
export interface LinkOverrides {
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  readonly port?: number | undefined;
}

/**
 * At most one target of each family, the best first: what `overrides` say, then the public host and addresses, or, if
 * there are none of these, the addresses in `bound` that are not "all interfaces". None if no port is known either.
 */
export function linkTargets(
  config: Config,
  bound: readonly Address[],
  overrides: LinkOverrides = {},
): readonly LinkTarget[] {
  const listening = bound.filter((address): address is TcpAddress => address.kind === "tcp" && address.port > 0);
  const port = overrides.port ?? config.publicPort ?? listening[0]?.port;
  const names = [overrides.ipv4, overrides.ipv6, config.publicHost, config.publicIpv4, config.publicIpv6];
  const given = names.flatMap((server) =>
    server === undefined || port === undefined ? [] : [{ family: familyOf(server), server, port }]
  );
  if (names.some((name) => name !== undefined)) return oneOfEach(given);
  return oneOfEach(
    listening.filter(({ host }) => !isWildcard(host)).map(({ host, port: own }) => ({
      family: familyOf(host),
      server: host,
      port: overrides.port ?? config.publicPort ?? own,
    })),
  );
}

/** What to do so that there are links, when `linkTargets()` gives none. */
export function noTargetHint(bound: readonly Address[]): string {
  const listening = bound.map(formatAddress).join(", ");
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

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
