/** Parsers of URIs: DNS servers and SOCKS5 proxies. See `values.ts` for what a parser is. */
import { bracketed } from "../address.ts";
import { host as hostName, ip } from "./address_values.ts";
import type { BreakerOptions, DnsServer, SocksProxy, Uplink } from "./config.ts";
import { anyCase, bad, describe, duration, good, integer, type Parsed, type Parser } from "./values.ts";

const dnsExpected =
  'expected a DNS server such as "https://1.1.1.1", "tls://dns.example.com", "udp://1.1.1.1" or "1.1.1.1"';
const proxyExpected =
  'expected a SOCKS5 proxy such as "socks5://user:password@203.0.113.9:1080", or "" for the direct way';
/** For editors, which need to know less than the parsers do. */
const dnsPattern = `^\\s*(?:(?:${anyCase("https|tls|udp")})://\\S+|[0-9A-Fa-f:.]+)\\s*$`;
const proxyPattern = `^\\s*(?:${anyCase("socks5")}[hH]?://\\S+)?\\s*$`;
const escapesExpected = `${proxyExpected}; in user and password "%40" stands for "@", "%3A" for ":", "%2F" for "/", ` +
  '"%3F" for "?", "%23" for "#", "%25" for "%" and "%20" for a space';
const parametersExpected =
  "expected none but open_threshold, half_open_timeout and reset_failures_timeout after the question mark";
const defaultBreaker: BreakerOptions = { openThreshold: 5, halfOpenTimeoutMs: 60_000, resetFailuresTimeoutMs: 10_000 };

/** `udp://ip[:port]`, `tls://host[:port]`, `https://host[:port][/path]`, or a bare IP address, which means UDP. */
export const dnsServer = describe<DnsServer>({ type: "string", pattern: dnsPattern }, (raw) => {
  const text = typeof raw === "string" ? raw.trim() : "";
  const bare = ip(text);
  if (bare.ok) return good({ kind: "udp", host: bare.value, port: 53 });
  const uri = readUri(text.includes("://") ? text : `udp://${text}`);
  if (uri === undefined || uri.user !== undefined || uri.hash !== "") return bad(dnsExpected);
  switch (uri.scheme) {
    case "https": {
      const path = uri.path === "" || uri.path === "/" ? "/dns-query" : uri.path;
      const port = uri.port === undefined ? "" : `:${uri.port}`;
      return good({ kind: "https", url: `https://${bracketed(uri.host)}${port}${path}${uri.search}` });
    }
    case "tls":
    case "udp": {
      if (uri.path.length > 1 || uri.search !== "") return bad(`${dnsExpected}: a path is only for https`);
      if (uri.scheme === "tls") return good({ kind: "tls", host: uri.host, port: uri.port ?? 853 });
      if (!ip(uri.host).ok) return bad(`${dnsExpected}: with udp the server must be an IP address`);
      return good({ kind: "udp", host: uri.host, port: uri.port ?? 53 });
    }
    default:
      return bad(dnsExpected);
  }
});

/**
 * `socks5://[user:password@]host[:port]`, or `socks5h` for names to be looked up by the proxy. The query may tune its circuit
 * breaker: `open_threshold`, `half_open_timeout`, `reset_failures_timeout`. An empty text is the direct way.
 */
export const uplink = describe<Uplink>({ type: "string", pattern: proxyPattern }, (raw) => {
  const text = typeof raw === "string" ? raw.trim() : undefined;
  if (text === "") return good({ kind: "direct" });
  const uri = readUri(text ?? "");
  if (uri === undefined && hasUnescaped(text ?? "")) return bad(escapesExpected);
  if (uri === undefined || !/^socks5h?$/.test(uri.scheme) || uri.path.length > 1 || uri.hash !== "") {
    return bad(proxyExpected);
  }
  const breaker = breakerOf(uri.search);
  if (!breaker.ok) return breaker;
  const proxy: SocksProxy = {
    kind: "socks5",
    address: { kind: "tcp", host: uri.host, port: uri.port ?? 1080 },
    credentials: uri.user === undefined ? undefined : { user: uri.user, password: uri.password ?? "" },
    remoteDns: uri.scheme === "socks5h",
    breaker: breaker.value,
  };
  const { credentials } = proxy;
  const sizes = credentials === undefined ? [] : [credentials.user, credentials.password].map(sizeOf);
  // A field of its own length byte each (RFC 1929).
  if (sizes.some((size) => size > 255)) return bad("expected user and password of at most 255 bytes each");
  if (sizes[0] === 0) return bad("expected a user before the password");
  return good(proxy);
});

/** Whether user and password have a character that ends them, or begins an escape. */
function hasUnescaped(text: string): boolean {
  const [, userinfo = ""] = /^socks5h?:\/\/(.*)@/is.exec(text) ?? [];
  return /[@/?#\s]|%(?![0-9a-f]{2})/i.test(userinfo);
}

const positiveDuration: Parser<number> = (raw) => {
  const parsed = duration(raw);
  return parsed.ok && parsed.value === 0 ? bad("expected more than zero") : parsed;
};

const breakerParsers: ReadonlyMap<string, Parser<number>> = new Map([
  ["open_threshold", integer(1, 1_000_000)],
  ["half_open_timeout", positiveDuration],
  ["reset_failures_timeout", positiveDuration],
]);

function breakerOf(search: string): Parsed<BreakerOptions> {
  const found: Record<string, number> = {};
  for (const [name, text] of new URLSearchParams(search)) {
    const parsed = breakerParsers.get(name)?.(text);
    if (parsed === undefined) return bad(parametersExpected);
    if (!parsed.ok) return bad(`${name}: ${parsed.expected}`);
    found[name] = parsed.value;
  }
  return good({
    openThreshold: found["open_threshold"] ?? defaultBreaker.openThreshold,
    halfOpenTimeoutMs: found["half_open_timeout"] ?? defaultBreaker.halfOpenTimeoutMs,
    resetFailuresTimeoutMs: found["reset_failures_timeout"] ?? defaultBreaker.resetFailuresTimeoutMs,
  });
}

interface Uri {
  readonly scheme: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
  readonly path: string;
  readonly search: string;
  readonly hash: string;
}

/** A URI with an authority; not by `URL`, which knows no host of schemes that are not the web's and drops ports of those that are. */
function readUri(text: string): Uri | undefined {
  const parts =
    /^([a-z][a-z0-9+.-]*):\/\/(?:([^@/?#\s]*)@)?(?:\[([^\]\s]*)\]|([^:/?#[\]\s]*))(?::(\d{1,5}))?(\/[^?#\s]*)?(\?[^#]*)?(#.*)?$/i
      .exec(text);
  if (parts === null) return undefined;
  const [, scheme = "", userinfo, ipv6, name, portText, path = "", search = "", hash = ""] = parts;
  const host = hostName(ipv6 ?? name);
  const port = portText === undefined ? undefined : integer(1, 65_535)(portText);
  if (!host.ok || (ipv6 === undefined) === host.value.includes(":") || port?.ok === false) return undefined;
  const [user, password] = userinfo === undefined ? [] : splitUserinfo(userinfo);
  if (userinfo !== undefined && user === undefined) return undefined;
  return { scheme: scheme.toLowerCase(), user, password, host: host.value, port: port?.value, path, search, hash };
}

function splitUserinfo(userinfo: string): readonly [string | undefined, string | undefined] {
  const colon = userinfo.indexOf(":");
  try {
    const user = decodeURIComponent(colon < 0 ? userinfo : userinfo.slice(0, colon));
    return [user, colon < 0 ? undefined : decodeURIComponent(userinfo.slice(colon + 1))];
  } catch {
    return [undefined, undefined];
  }
}

function sizeOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
