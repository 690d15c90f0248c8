/**
 * Telegram's list of middle proxies, as `core.telegram.org/getProxyConfig` (IPv4) and `…/getProxyConfigV6` give it.
 *
 * ```text
 * # a comment, to the end of the line
 * default 2;                            the data centre for clients whose own is not in the list
 * proxy_for 4 91.108.4.146:8888;        one address of data centre 4; there may be several, and negative numbers (media)
 * proxy_for -203 [2a0a:f280::1]:443;    IPv6 in brackets
 * ```
 *
 * White space and line breaks mean nothing beyond what they separate. `proxy HOST:PORT;` (data centre 0), `timeout N;`,
 * `min_connections N;` and `max_connections N;` are known to Telegram's own MTProxy, whose parser is the reference.
 */
import type { Address, TcpAddress } from "../address.ts";
import { ipAndPort } from "../config/address_values.ts";

export interface ProxyConfig {
  /** The data centre for clients whose own is not in the list. */
  readonly defaultDc: number | undefined;
  /** Middle proxies by data centre, with its sign, in the order of the list. Never empty. */
  readonly proxies: ReadonlyMap<number, readonly TcpAddress[]>;
}

export type ProxyConfigResult =
  | { readonly ok: true; readonly config: ProxyConfig }
  /** `problem` names the line. */
  | { readonly ok: false; readonly problem: string };

/** As Telegram's own MTProxy has it. */
const addressesAtMost = 4096;
/** Of all data centres in that list, the one whose addresses speak to clients too. */
const directDc = 203;

/** Reads a list as a whole: one bad line and nothing of it counts. Never throws. */
export function parseProxyConfig(text: string): ProxyConfigResult {
  const proxies = new Map<number, TcpAddress[]>();
  let defaultDc: number | undefined;
  let count = 0;
  for (const { line, words } of statements(text)) {
    const read = readStatement(words);
    if (typeof read === "string") return { ok: false, problem: `line ${line}: ${read}` };
    if (read.defaultDc !== undefined) defaultDc = read.defaultDc;
    if (read.proxy === undefined) continue;
    if (++count > addressesAtMost) {
      return { ok: false, problem: `line ${line}: more than ${addressesAtMost} addresses` };
    }
    const { dc, address } = read.proxy;
    const known = proxies.get(dc);
    if (known === undefined) proxies.set(dc, [address]);
    else known.push(address);
  }
  if (count === 0) return { ok: false, problem: "no line of it names an address" };
  return { ok: true, config: { defaultDc, proxies } };
}

/**
 * What the list adds for connections without a middle proxy: the addresses of data centre 203. All others speak the protocol of
 * middle proxies only.
 */
export function directAddresses(config: ProxyConfig): ReadonlyMap<number, readonly Address[]> {
  const addresses = config.proxies.get(directDc);
  return new Map(addresses === undefined ? [] : [[directDc, addresses]]);
}

interface Statement {
  /** Where it begins, counted from 1. */
  readonly line: number;
  /** Without its semicolon; `undefined` if that is missing. */
  readonly words: readonly string[] | undefined;
}

function* statements(text: string): Generator<Statement> {
  let words: string[] = [];
  let begin = 0;
  for (const [index, whole] of text.split("\n").entries()) {
    const code = whole.split("#", 1)[0] ?? "";
    for (const word of code.match(/;|[^\s;]+/g) ?? []) {
      if (begin === 0) begin = index + 1;
      if (word !== ";") words.push(word);
      else {
        yield { line: begin, words };
        [words, begin] = [[], 0];
      }
    }
  }
  if (begin > 0) yield { line: begin, words: undefined };
}

interface Read {
  readonly defaultDc?: number;
  readonly proxy?: { readonly dc: number; readonly address: TcpAddress };
}

/** What a statement says, or what is wrong with it. */
function readStatement(words: readonly string[] | undefined): Read | string {
  if (words === undefined) return "expected a semicolon at the end";
  const [verb, first, second] = words;
  switch (words.length === 2 || (words.length === 3 && verb === "proxy_for") ? verb : "") {
    case "default": {
      const dc = readDc(first);
      return dc === undefined ? "expected default and the number of a data centre" : { defaultDc: dc };
    }
    case "proxy_for": {
      const [dc, address] = [readDc(first), ipAndPort(second)];
      if (dc !== undefined && address.ok) return { proxy: { dc, address: address.value } };
      return "expected proxy_for, the number of a data centre, and an IP address and port such as 203.0.113.7:443";
    }
    case "proxy": {
      const address = ipAndPort(first);
      return address.ok ? { proxy: { dc: 0, address: address.value } } : "expected proxy, and an IP address and port";
    }
    case "timeout":
    case "min_connections":
    case "max_connections":
      return /^\d{1,9}$/.test(first ?? "") ? {} : `expected ${verb} and a number`;
    default:
      return "expected default N; or proxy_for N HOST:PORT;";
  }
}

function readDc(word: string | undefined): number | undefined {
  if (word === undefined || !/^-?\d{1,5}$/.test(word)) return undefined;
  const dc = Number(word);
  return dc >= -32_768 && dc <= 32_767 ? dc : undefined;
}
