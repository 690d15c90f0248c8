/** Telegram's data centres by every way: a real exchange with each address, not a TCP connection alone. */
import { type Address, formatAddress, isIpv6 } from "../address.ts";
import { messageOf } from "../errors.ts";
import { addressesOf, orderAddresses } from "../telegram/addresses.ts";
import { bad, type Check, good, type Group, note, warning } from "./report.ts";
import { budgetsMs, type Surroundings, type Way } from "./world.ts";

/** All that clients ask for outside of the test environment. */
const dataCentres = [1, 2, 3, 4, 5, 203];

/** One group; `number` counts the ways from 0. */
export async function checkTelegram(surroundings: Surroundings, way: Way, number: number): Promise<Group> {
  const { dcOverrides } = surroundings.config;
  const dcs = [...new Set([...dataCentres, ...dcOverrides.keys()])];
  const reached = await Promise.all(dcs.map((dc) => reach(dc, way, surroundings)));
  const unused = way.isUsed ? "" : " (not used: network.proxies does not name it)";
  const families = judgeFamilies(reached, surroundings);
  return {
    id: number === 0 ? "telegram-direct" : `telegram-proxy-${number}`,
    title: `Telegram, ${way.label}${unused}`,
    checks: [...reached.map((one) => judge(one, way)), ...families === undefined ? [] : [families]],
  };
}

interface Attempt {
  readonly address: Address;
  /** Round trip in milliseconds, or why there is none. */
  readonly outcome: number | Error;
}

interface Reached {
  readonly dc: number;
  readonly attempts: readonly Attempt[];
}

async function reach(dc: number, way: Way, surroundings: Surroundings): Promise<Reached> {
  const { config } = surroundings;
  const addresses = orderAddresses(addressesOf(dc, config.dcOverrides), config.preferIp, 0);
  const attempts = addresses.map(async (address): Promise<Attempt> => {
    try {
      const { rttMs } = await surroundings.within(budgetsMs.dataCentre, (asking) => way.ask(address, dc, asking));
      return { address, outcome: rttMs };
    } catch (error) {
      return { address, outcome: new Error(messageOf(error)) };
    }
  });
  return { dc, attempts: await Promise.all(attempts) };
}

function judge({ dc, attempts }: Reached, { isUsed }: Way): Check {
  const id = `dc-${dc}`;
  const answered = attempts.filter(({ outcome }) => typeof outcome === "number");
  const seen = `data centre ${dc}: ${attempts.map(show).join("; ")}`;
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
  return bad(id, seen, blockedAdvice);
}

const blockedAdvice =
  "let your firewall pass outgoing TCP to port 443; if the country blocks Telegram, run the proxy elsewhere or name a " +
  "SOCKS5 proxy in network.proxies";

/** A family that answers nowhere, while the other one does. */
function judgeFamilies(reached: readonly Reached[], { config: { preferIp } }: Surroundings): Check | undefined {
  const all = reached.flatMap(({ attempts }) => attempts);
  const works = (which: "IPv4" | "IPv6") => all.some((one) => family(one) === which && typeof one.outcome === "number");
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

function show({ address, outcome }: Attempt): string {
  const what = typeof outcome === "number"
    ? `${Math.max(1, Math.round(outcome))} ms`
    : shorten(outcome.message, address);
  return `${formatAddress(address)} ${what}`;
}

/** Dialers name the address as well. */
function shorten(message: string, address: Address): string {
  return message.replaceAll(`${formatAddress(address)}: `, "");
}

function family({ address }: Attempt): "IPv4" | "IPv6" {
  return address.kind === "tcp" && isIpv6(address.host) ? "IPv6" : "IPv4";
}
