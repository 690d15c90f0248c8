/** Telegram's data centres by every way: a real exchange with each address, not a TCP connection alone. */
import { type Address, formatAddress, isIpv6, type PreferIp } from "../address.ts";
import { addressesOf, orderAddresses } from "../telegram/addresses.ts";
import { bad, type Check, good, type Group, note, warning } from "./report.ts";
import { reason } from "./words.ts";
import { budgetsMs, type DcSign, type Surroundings, type Way } from "./world.ts";

/** All that clients ask for outside of the test environment. */
const dataCentres = [1, 2, 3, 4, 5, 203];

/** Asks all data centres by a way, at all their addresses. */
export async function askTelegram(way: Way, surroundings: Surroundings): Promise<readonly Reached[]> {
  const dcs = [...new Set([...dataCentres, ...surroundings.config.dcOverrides.keys()])];
  return await Promise.all(dcs.map((dc) => reach(dc, way, surroundings)));
}

/** The group of a way; `number` counts the ways from 0. */
export function checkTelegram(
  reached: readonly Reached[],
  { way, number, preferIp }: { readonly way: Way; readonly number: number; readonly preferIp: PreferIp },
): Group {
  const unused = way.isUsed ? "" : " (not used: network.proxies does not name it)";
  const families = judgeFamilies(reached, preferIp);
  return {
    id: number === 0 ? "telegram-direct" : `telegram-proxy-${number}`,
    title: `Telegram, ${way.label}${unused}`,
    checks: [...reached.map((one) => judge(one, way)), ...families === undefined ? [] : [families]],
  };
}

export interface Attempt {
  readonly address: Address;
  /** The answer, or why there is none. */
  readonly outcome: DcSign | Error;
}

export interface Reached {
  readonly dc: number;
  readonly attempts: readonly Attempt[];
}

async function reach(dc: number, way: Way, surroundings: Surroundings): Promise<Reached> {
  const { config } = surroundings;
  const addresses = orderAddresses(addressesOf(dc, config.dcOverrides), config.preferIp, 0);
  const attempts = addresses.map(async (address): Promise<Attempt> => {
    try {
      const outcome = await surroundings.within(budgetsMs.dataCentre, (asking) => way.ask(address, dc, asking));
      return { address, outcome };
    } catch (error) {
      return { address, outcome: new Error(reason(error)) };
    }
  });
  return { dc, attempts: await Promise.all(attempts) };
}

function judge({ dc, attempts }: Reached, { isUsed, isDirect }: Way): Check {
  const id = `dc-${dc}`;
  const answered = attempts.filter(({ outcome }) => !(outcome instanceof Error));
  const seen = `data centre ${dc}${showAll(attempts)}`;
  if (answered.length > 0) {
    const silent = attempts.find((one) =>
      one.outcome instanceof Error && answered.some((other) => family(other) === family(one))
    );
    if (silent === undefined || !isUsed) return good(id, seen);
    return warning(id, seen, "nothing at first: the proxy takes the addresses that answer; look again in an hour");
  }
  if (!isUsed) return note(id, seen, "nothing: clients do not go this way");
  if (attempts.length === 0) {
    return bad(id, `data centre ${dc} has no address of the kind that prefer-ip allows`, "change prefer-ip");
  }
  return bad(id, seen, isDirect ? blockedAdvice : proxyAdvice);
}

const blockedAdvice =
  "let your firewall pass outgoing TCP to port 443; if the country blocks Telegram, run the proxy elsewhere or name a " +
  "SOCKS5 proxy in network.proxies";
const proxyAdvice =
  "see to it that the SOCKS5 proxy runs, lets this server in and reaches Telegram, or take it out of network.proxies";

/** A family that answers nowhere, while the other one does. */
function judgeFamilies(reached: readonly Reached[], preferIp: PreferIp): Check | undefined {
  const all = reached.flatMap(({ attempts }) => attempts);
  const works = (which: "IPv4" | "IPv6") => all.some((one) => family(one) === which && !(one.outcome instanceof Error));
  const tried = (which: "IPv4" | "IPv6") => all.some((one) => family(one) === which);
  if (tried("IPv6") && !works("IPv6") && works("IPv4")) {
    const seen = "no data centre answers over IPv6, all is done over IPv4";
    if (preferIp === "prefer-ipv4") return note("ipv6", seen);
    const advice = 'set prefer-ip = "only-ipv4": it saves new clients a quarter of a second now and then';
    return note("ipv6", seen, advice);
  }
  if (tried("IPv4") && !works("IPv4") && works("IPv6")) {
    return note("ipv4", "no data centre answers over IPv4, all is done over IPv6", 'set prefer-ip = "only-ipv6"');
  }
  return undefined;
}

/** What happened at each address; once, if the same has happened at all of them. */
function showAll(attempts: readonly Attempt[]): string {
  const reasons = new Set(attempts.map(reasonOf));
  const [first] = reasons;
  if (reasons.size === 1 && first !== undefined && attempts.length > 1) {
    return `, ${attempts.length} addresses: ${first}`;
  }
  const each = attempts.map((attempt) => {
    const { address, outcome } = attempt;
    const answer = outcome instanceof Error ? reasonOf(attempt) : `${Math.max(1, Math.round(outcome.rttMs))} ms`;
    return `${formatAddress(address)} ${answer}`;
  });
  return `: ${each.join("; ")}`;
}

/** Dialers name the address as well. */
function reasonOf({ address, outcome }: Attempt): string | undefined {
  return outcome instanceof Error ? outcome.message.replaceAll(`${formatAddress(address)}: `, "") : undefined;
}

function family({ address }: Attempt): "IPv4" | "IPv6" {
  return address.kind === "tcp" && isIpv6(address.host) ? "IPv6" : "IPv4";
}
