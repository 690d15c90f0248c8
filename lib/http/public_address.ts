/** Finds out under which addresses the world sees this machine, by asking services that tell. */
import { families, type Family } from "../address.ts";
import { readIp, showIp } from "../bytes/ip.ts";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { isPublic } from "../policy/ip_set.ts";
import { openWithin } from "../relay/aborts.ts";
import type { Dialer } from "../relay/dialer.ts";
import { HttpClient } from "./http_client.ts";

/** Each is run by somebody else and answers a GET with the address of whoever asks, and nothing more. */
export const addressServices: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ["https://ipv4.icanhazip.com/", "https://api.ipify.org/", "https://ifconfig.co/ip"],
  ipv6: ["https://ipv6.icanhazip.com/", "https://api6.ipify.org/", "https://ifconfig.co/ip"],
};

export interface DetectOptions {
  /** Dials addresses of one family only, and directly: through a SOCKS proxy its address would be found. */
  readonly dialerOf: (family: Family) => Dialer;
  readonly clock: Clock;
  /** For all questions together. */
  readonly timeoutMs: number;
  /** What is to be found. @default {both} */
  readonly wanted?: readonly Family[];
  /** At least two for each family. @default {`addressServices`} */
  readonly services?: Readonly<Record<Family, readonly string[]>>;
  /** PEM of authorities to trust beyond those of the runtime. */
  readonly caCerts?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

export interface PublicAddresses {
  readonly ipv4?: string;
  readonly ipv6?: string;
  /** Sentences: why an address that should be known is not. */
  readonly problems: readonly string[];
}

const names: Readonly<Record<Family, string>> = { ipv4: "IPv4", ipv6: "IPv6" };
/** An address and a line break; services that answer with a page are none. */
const maxBytes = 4096;
/** So many services are asked at a time, and must agree. */
const witnesses = 2;

/**
 * Asks two services for each family, and a third one where one of them fails. What both say counts; where only one answers in
 * time, what that one says; where they differ, nothing. That a machine has no address of one of the families is no problem.
 *
 * @throws The reason of `signal` if that aborts; nothing else.
 */
export async function detectPublicAddresses(options: DetectOptions): Promise<PublicAddresses> {
  const { clock, timeoutMs: ms, wanted = families, signal } = options;
  const found = await openWithin(
    { clock, ms, parent: signal },
    (ending) => Promise.all(wanted.map((family) => detect(family, options, ending))),
  );
  signal?.throwIfAborted();
  return combine(found);
}

interface Found {
  readonly family: Family;
  readonly address?: string;
  readonly problem?: string;
  /** Services have answered, if not with the same. */
  readonly answered: boolean;
}

async function detect(family: Family, options: DetectOptions, signal: AbortSignal): Promise<Found> {
  const { dialerOf, services = addressServices } = options;
  using http = new HttpClient({ ...options, dialer: dialerOf(family) });
  const waiting = [...services[family]];
  const failures: string[] = [];
  const witness = async (): Promise<string[]> => {
    for (let url = waiting.shift(); url !== undefined && !signal.aborted; url = waiting.shift()) {
      try {
        return [await ask(url, family, http, signal)];
      } catch (error) {
        failures.push(signal.aborted ? `${url}: ${messageOf(error)}` : messageOf(error));
      }
    }
    return [];
  };
  const answers = new Set((await Promise.all(Array.from({ length: witnesses }, witness))).flat());
  return { family, ...judge(family, [...answers], failures) };
}

function judge(family: Family, answers: readonly string[], failures: readonly string[]): Omit<Found, "family"> {
  const [address, other] = answers;
  if (address === undefined) {
    return { answered: false, problem: `the public ${names[family]} address is not known: ${failures.join("; ")}` };
  }
  if (other === undefined) return { answered: true, address };
  const both = answers.join(" and ");
  return { answered: true, problem: `the public ${names[family]} address is not known: services differ, ${both}` };
}

function combine(found: readonly Found[]): PublicAddresses {
  const isOnline = found.some(({ answered }) => answered);
  const addresses = found.flatMap(({ family, address }) => address === undefined ? [] : [[family, address]]);
  const problems = found.flatMap(({ answered, problem }) =>
    problem === undefined || (isOnline && !answered) ? [] : [problem]
  );
  return { ...Object.fromEntries(addresses), problems };
}

async function ask(url: string, family: Family, http: HttpClient, signal: AbortSignal): Promise<string> {
  const { status, text } = await http.get(url, { signal, maxBytes, headers: { accept: "text/plain" } });
  if (status !== 200) throw new Error(`${url}: the server answered with status ${status}`);
  const address = readPublic(text.trim(), family);
  if (address === undefined) {
    throw new Error(`${url}: the server did not answer with a public ${names[family]} address`);
  }
  return address;
}

/** In its shortest form; `undefined` unless the whole world can reach it. */
function readPublic(text: string, family: Family): string | undefined {
  // A zone (`%eth0`) means something on this machine only.
  const ip = text.includes("%") ? undefined : readIp(text);
  const isOfFamily = ip?.version === (family === "ipv4" ? 4 : 6) && text.includes(":") === (family === "ipv6");
  return ip !== undefined && isOfFamily && isPublic(text) ? showIp(ip) : undefined;
}
