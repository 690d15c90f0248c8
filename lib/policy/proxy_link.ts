/** The links by which Telegram's clients take over a proxy, and the site behind which one hides that chose none. */
import { formatSecret, type Secret } from "./secret.ts";

export interface ProxyLinkParts {
  /** A DNS name or an IP address, IPv6 without brackets. */
  readonly server: string;
  readonly port: number;
  readonly secret: Secret;
  /** Every client reads hex; base64url is shorter, and older clients do not know it. */
  readonly encoding: "hex" | "base64";
}

/** `tg` opens the app at once; `tme` works wherever only web links can be tapped. Both hold the secret. */
export function proxyLinks({ server, port, secret, encoding }: ProxyLinkParts): { tg: string; tme: string } {
  const query = new URLSearchParams({ server, port: String(port), secret: formatSecret(secret, encoding) });
  return { tg: `tg://proxy?${query}`, tme: `https://t.me/proxy?${query}` };
}

/**
 * The host of every fake-TLS secret for which nobody has named one.
 *
 * The rule: a host that machines on nearly every network contact by themselves day and night, that answers with
 * TLS 1.3, that is reachable where Telegram is not, and that has nothing to do with Telegram. Windows asks this one.
 *
 * It is good enough to try a proxy out. Whoever looks closer sees that the proxy's address is not one of Microsoft's, so a
 * proxy that is meant to last should front a site of its owner's, on the same machine or in the same network.
 */
export function defaultFrontedHost(): string {
  return "www.microsoft.com";
}
