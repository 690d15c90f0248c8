/** Where Telegram's data centres are reached, and which address is tried first. */
import { type Address, formatAddress, isIpv6, type PreferIp } from "../address.ts";

/** The data centre for clients that ask for none, or for one that does not exist. */
export const fallbackDc = 2;

const testOffset = 10_000;
const port = 443;

/** As Telegram's own clients have them built in. */
const production: ReadonlyMap<number, readonly string[]> = new Map([
  [1, ["149.154.175.50", "2001:b28:f23d:f001::a"]],
  [2, ["149.154.167.51", "95.161.76.100", "2001:67c:4e8:f002::a"]],
  [3, ["149.154.175.100", "2001:b28:f23d:f003::a"]],
  [4, ["149.154.167.91", "2001:67c:4e8:f004::a"]],
  [5, ["149.154.171.5", "2001:b28:f23f:f005::a"]],
  [203, ["91.105.192.100", "2a0a:f280:203:a:5000::100"]],
]);

const test: ReadonlyMap<number, readonly string[]> = new Map([
  [1, ["149.154.175.10", "2001:b28:f23d:f001::e"]],
  [2, ["149.154.167.40", "2001:67c:4e8:f002::e"]],
  [3, ["149.154.175.117", "2001:b28:f23d:f003::e"]],
]);

/** Addresses that stand in for Telegram's own, by data centre number. */
export type DcOverrides = ReadonlyMap<number, readonly Address[]>;
/** Addresses that Telegram has named since, beyond those built in, by number of the data centre, without sign. */
export type DcUpdates = ReadonlyMap<number, readonly Address[]>;

const noUpdates: DcUpdates = new Map();

/**
 * All addresses of a data centre, in no order of preference but that updates come last. `dc` is as the client sent it: a
 * negative number is the same data centre for media, ±10,000 marks the test environment, which has no updates. An override
 * covers its media and test variants unless they are named themselves, and takes the place of all else. Empty if there is no
 * such data centre.
 */
export function addressesOf(dc: number, overrides: DcOverrides, updates: DcUpdates = noUpdates): readonly Address[] {
  const number = Math.abs(dc);
  const base = number > testOffset ? number - testOffset : number;
  const override = overrides.get(dc) ?? overrides.get(number) ?? overrides.get(base);
  if (override !== undefined) return override;
  const hosts = (number > testOffset ? test : production).get(base) ?? [];
  const known: readonly Address[] = hosts.map((host) => ({ kind: "tcp", host, port }));
  const updated = updates.get(number);
  return updated === undefined ? known : [...known, ...updated.filter((address) => !includes(known, address))];
}

function includes(addresses: readonly Address[], wanted: Address): boolean {
  return addresses.some((address) => formatAddress(address) === formatAddress(wanted));
}

/**
 * The order in which addresses are tried. Within a family `turn` rotates them, so that connections spread over all addresses
 * of a data centre (and over more local ports). Those of `last`, whichever their family, come after all others.
 */
export function orderAddresses(
  addresses: readonly Address[],
  prefer: PreferIp,
  turn: number,
  last: readonly Address[] = [],
): readonly Address[] {
  if (last.length > 0) {
    const first = addresses.filter((address) => !last.includes(address));
    const rest = addresses.filter((address) => last.includes(address));
    return [...orderAddresses(first, prefer, turn), ...orderAddresses(rest, prefer, turn)];
  }
  const ipv6 = rotate(addresses.filter((address) => address.kind === "tcp" && isIpv6(address.host)), turn);
  const ipv4 = rotate(addresses.filter((address) => address.kind !== "tcp" || !isIpv6(address.host)), turn);
  switch (prefer) {
    case "only-ipv4":
      return ipv4;
    case "only-ipv6":
      return ipv6;
    case "prefer-ipv4":
      return [...ipv4, ...ipv6];
    case "prefer-ipv6":
      return [...ipv6, ...ipv4];
  }
}

function rotate(addresses: readonly Address[], turn: number): readonly Address[] {
  if (addresses.length < 2) return addresses;
  const from = turn % addresses.length;
  return [...addresses.slice(from), ...addresses.slice(0, from)];
}
