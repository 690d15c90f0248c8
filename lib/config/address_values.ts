/** Parsers of addresses: IP, host name, `host:port`, where to listen. See `values.ts` for what a parser is. */
import { type Address, formatAddress, type TcpAddress } from "../address.ts";
import { isNetwork } from "../policy/ip_set.ts";
import { bad, describe, good, integer, type JsonSchema, type Parsed, type ValueParser } from "./values.ts";

const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ipv4Text = new RegExp(`^${octet}(?:\\.${octet}){3}$`);
const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
/** The last label has a letter, so that no mistyped IPv4 address passes for a name. */
const nameText = new RegExp(`^(?:${label}\\.)*(?!\\d+$)${label}$`);
const longestName = 253;

const anyInterface = "::";

/** For editors, which need to know less than the parsers do. */
const ipv4Pattern = "\\d{1,3}(?:\\.\\d{1,3}){3}";
const ipv6Pattern = "[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*";
const bracketPattern = "\\[[0-9A-Fa-f:.]+\\]";
const portPattern = ":\\d{1,5}";
const unixPattern = "[uU][nN][iI][xX]:.+";

function schemaOf(pattern: string): JsonSchema {
  return { type: "string", pattern: `^\\s*(?:${pattern})\\s*$` };
}

function readIpv4(text: string): string | undefined {
  return ipv4Text.test(text) ? text : undefined;
}

/** In the shortest form, so that two ways to write one address compare as equal. */
function readIpv6(text: string): string | undefined {
  if (!/^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text) || !URL.canParse(`http://[${text}]`)) return undefined;
  return text.includes(".") ? text.toLowerCase() : new URL(`http://[${text}]`).hostname.slice(1, -1);
}

function readName(text: string): string | undefined {
  const name = text.toLowerCase();
  return name.length <= longestName && nameText.test(name) ? name : undefined;
}

function textOf(raw: unknown): string {
  return typeof raw === "string" ? raw.trim() : "";
}

export const ipv4 = describe<string>(schemaOf(ipv4Pattern), (raw) => {
  const found = readIpv4(textOf(raw));
  return found === undefined ? bad('expected an IPv4 address such as "203.0.113.7"') : good(found);
});

export const ipv6 = describe<string>(schemaOf(ipv6Pattern), (raw) => {
  const found = readIpv6(textOf(raw));
  return found === undefined ? bad('expected an IPv6 address without brackets such as "2001:db8::7"') : good(found);
});

export const ip = describe<string>(schemaOf(`${ipv4Pattern}|${ipv6Pattern}`), (raw) => {
  const text = textOf(raw);
  const found = readIpv4(text) ?? readIpv6(text);
  return found === undefined
    ? bad('expected an IP address such as "203.0.113.7" or "2001:db8::7" (without brackets)')
    : good(found);
});

/** A DNS name or an IP address, without scheme, port or brackets. */
export const host = describe<string>(schemaOf("[A-Za-z0-9_.:-]+"), (raw) => {
  const text = textOf(raw);
  const found = readIpv4(text) ?? readIpv6(text) ?? readName(text);
  return found === undefined ? bad('expected a host name such as "proxy.example.com", or an IP address') : good(found);
});

/** The site that strangers see: a host, or a Unix socket. */
export interface FrontTarget {
  readonly host: string | undefined;
  readonly unixPath: string | undefined;
}

/** A DNS name, an IP address or `unix:/path`. */
export const frontTarget = describe<FrontTarget>(schemaOf(`[A-Za-z0-9_.:-]+|${unixPattern}`), (raw) => {
  const text = textOf(raw);
  if (/^unix:./i.test(text)) return good({ host: undefined, unixPath: text.slice("unix:".length) });
  const parsed = host(raw);
  if (parsed.ok) return good({ host: parsed.value, unixPath: undefined });
  return bad('expected a host name such as "www.example.com", an IP address or "unix:/run/mtg/site.sock"');
});

/** A network in CIDR notation, or a single address; given with its length: `10.0.0.0/8`, `::1/128`. */
export const network = describe<string>(schemaOf("[0-9A-Fa-f:.]+(?:/\\d{1,3})?"), (raw) => {
  const text = textOf(raw);
  const single = readIpv4(text) ?? readIpv6(text);
  const whole = single === undefined ? text : `${text}/${single.includes(":") ? 128 : 32}`;
  if (!isNetwork(whole)) {
    return bad('expected a network such as "10.0.0.0/8" or "2001:db8::/32", or an IP address');
  }
  const [address = "", length] = whole.split("/");
  return good(`${readIpv6(address) ?? address}/${length}`);
});

/** An array, or a single one of its elements. `one` parses each. */
export function listOf<T>(one: ValueParser<T>): ValueParser<readonly T[]> {
  const schema = { anyOf: [one.schema, { type: "array", items: one.schema }] } as const;
  return describe<readonly T[]>(schema, (raw) => {
    if (!Array.isArray(raw)) {
      const parsed = one(raw);
      return parsed.ok ? good([parsed.value]) : parsed;
    }
    const found: T[] = [];
    for (const [index, item] of raw.entries()) {
      const parsed = one(item);
      if (!parsed.ok) return bad(parsed.expected, [index]);
      found.push(parsed.value);
    }
    return good(found);
  });
}

/** Host and port apart; the host of `[::1]:443` without its brackets, that of `:443` empty. */
function splitHostPort(text: string, leastPort: number): { host: string; port: number; ipv6: boolean } | undefined {
  const parts = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = integer(leastPort, 65_535)(parts?.[3]);
  if (parts === null || !port.ok) return undefined;
  return { host: parts[1] ?? parts[2] ?? "", port: port.value, ipv6: parts[1] !== undefined };
}

/** `host:port` with an IP address as host, IPv6 in brackets. */
export const ipAndPort = describe<TcpAddress>(
  schemaOf(`(?:${bracketPattern}|[A-Za-z0-9_.-]+)${portPattern}`),
  (raw) => {
    const parts = splitHostPort(textOf(raw), 1);
    const found = parts && (parts.ipv6 ? readIpv6(parts.host) : readIpv4(parts.host));
    if (parts === undefined || found === undefined) {
      return bad('expected an IP address and a port such as "203.0.113.7:443" or "[2001:db8::7]:443"');
    }
    return good({ kind: "tcp", host: found, port: parts.port });
  },
);

/**
 * Where to listen: `0.0.0.0:443`, `[::]:443`, `localhost:443`, `:443` (all interfaces, as `[::]:443`) or
 * `unix:/run/mtg/mtg.sock`. Port 0 is any free one.
 */
export const listenAddress = describe<Address>(
  schemaOf(`${unixPattern}|(?:${bracketPattern}|[A-Za-z0-9_.-]*)${portPattern}`),
  (raw) => {
    const text = textOf(raw);
    if (/^unix:./i.test(text)) return good({ kind: "unix", path: text.slice("unix:".length) });
    const parts = splitHostPort(text, 0);
    const found = parts &&
      (parts.ipv6
        ? readIpv6(parts.host)
        : parts.host === ""
        ? anyInterface
        : readIpv4(parts.host) ?? readName(parts.host));
    if (parts === undefined || found === undefined) {
      return bad('expected where to listen such as "0.0.0.0:3128", "[::]:443", ":443" or "unix:/run/mtg/mtg.sock"');
    }
    return good({ kind: "tcp", host: found, port: parts.port });
  },
);

/** One address, or an array of different ones; always at least one. `one` parses each. */
export function addresses<A extends Address>(one: ValueParser<A>): ValueParser<readonly A[]> {
  const schema = { anyOf: [one.schema, { type: "array", items: one.schema, minItems: 1 }] } as const;
  return describe<readonly A[]>(schema, (raw) => {
    if (!Array.isArray(raw)) return wrap(one(raw));
    if (raw.length === 0) return bad("expected at least one address");
    const found: A[] = [];
    const seen = new Set<string>();
    for (const [index, item] of raw.entries()) {
      const parsed = one(item);
      if (!parsed.ok) return bad(parsed.expected, [index]);
      const text = formatAddress(parsed.value);
      if (seen.has(text) && !isAnyPort(parsed.value)) return bad("expected each address only once", [index]);
      seen.add(text);
      found.push(parsed.value);
    }
    return good(found);
  });
}

const differentAddresses = addresses(listenAddress);

/** Where to listen: addresses of which none takes in another. */
export const listenAddresses = describe<readonly Address[]>(differentAddresses.schema, (raw) => {
  const parsed = differentAddresses(raw);
  if (!parsed.ok) return parsed;
  const index = parsed.value.findIndex((address) => parsed.value.some((other) => takesIn(other, address)));
  return index < 0 ? parsed : bad("expected an address that another one does not cover already", [index]);
});

/** All interfaces are also each of them. `0.0.0.0` beside `[::]` is fine: together they are all. */
function takesIn(all: Address, one: Address): boolean {
  if (all.kind !== "tcp" || one.kind !== "tcp" || all === one || all.port !== one.port || one.port === 0) return false;
  if (all.host === "0.0.0.0") return readIpv4(one.host) !== undefined;
  return all.host === anyInterface && one.host !== "0.0.0.0" &&
    (readIpv4(one.host) ?? readIpv6(one.host)) !== undefined;
}

/** Two times "any free port" are two ports. */
function isAnyPort(address: Address): boolean {
  return address.kind === "tcp" && address.port === 0;
}

function wrap<A>(parsed: Parsed<A>): Parsed<readonly A[]> {
  return parsed.ok ? good([parsed.value]) : parsed;
}
