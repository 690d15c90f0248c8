/** The links by which Telegram's clients take over a proxy, and the site behind which one hides that chose none. */
import { formatSecret, parseSecret, type Secret, unquoted } from "./secret.ts";

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

/** What a link says. */
export type ProxyLink = Omit<ProxyLinkParts, "encoding">;

const webHosts: ReadonlySet<string> = new Set(["t.me", "telegram.me", "telegram.dog"]);
const example = "expected tg://proxy?server=…&port=…&secret=… or https://t.me/proxy?server=…&port=…&secret=…";
const ipv6 = /^[0-9a-f:.]*:[0-9a-f:.]*$/i;
const dnsName = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/**
 * Reads a link as people paste it: white space around, `https://` left out, `&amp;` in the place of `&`, a secret in any encoding.
 *
 * @throws {SyntaxError} If it is none; the message says what is wrong and repeats nothing that may be part of the secret.
 */
export function parseProxyLink(text: string): ProxyLink {
  const query = queryOf(text.trim().replaceAll("&amp;", "&"));
  const server = readPart(query, "server").trim().replace(/^\[(.*)\]$/, "$1");
  if (!ipv6.test(server) && !dnsName.test(server)) {
    throw new SyntaxError("Cannot use the link: its server is neither a DNS name nor an IP address");
  }
  const port = readPart(query, "port");
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw new SyntaxError("Cannot use the link: its port is no number from 1 to 65535");
  }
  // In a query + stands for a space, and in base64 for itself.
  return { server, port: Number(port), secret: readSecret(readPart(query, "secret").replaceAll(" ", "+")) };
}

function queryOf(link: string): URLSearchParams {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:/i.test(link) ? link : `https://${link}`);
  if (url === null) throw new SyntaxError(`Cannot read the link: ${example}`);
  const isApp = url.protocol === "tg:";
  if (!isApp && !(/^https?:$/.test(url.protocol) && webHosts.has(url.hostname.replace(/^www\./, "")))) {
    throw new SyntaxError(`Cannot use the link: it is none of Telegram's, ${example}`);
  }
  const what = (isApp ? url.href.slice(3).split(/[?#]/)[0]! : url.pathname).replaceAll("/", "").toLowerCase();
  if (what === "socks") throw new SyntaxError("Cannot use the link: it leads to a SOCKS5 proxy, which has no secret");
  if (what !== "proxy") throw new SyntaxError(`Cannot use the link: it leads to no proxy, ${example}`);
  return url.searchParams;
}

function readPart(query: URLSearchParams, name: string): string {
  const value = query.get(name) ?? "";
  if (value === "") throw new SyntaxError(`Cannot use the link: it has no ${name}, ${example}`);
  return value;
}

function readSecret(text: string): Secret {
  try {
    return parseSecret(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(`Cannot use the link. ${unquoted(error)}`);
  }
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
