import { type Ip, readIp } from "../bytes/ip.ts";

const bits = { 4: 32, 6: 128 } as const;
const mappedLength = 96;

/** A network: the addresses of its version that begin with the same bits. */
interface Network {
  readonly version: 4 | 6;
  readonly first: bigint;
  /** How many bits of an address follow those. */
  readonly rest: bigint;
}

/**
 * IP addresses, as a list of networks in CIDR notation.
 *
 * An IPv4 address that is written as IPv6 (`::ffff:192.0.2.1`) is that IPv4 address, and so is a network of such. No other
 * network of IPv6 has IPv4 addresses in it, `::/0` neither.
 */
export class IpSet {
  readonly #networks: readonly Network[];

  private constructor(networks: readonly Network[]) {
    this.#networks = networks;
  }

  /** @throws {RangeError} If one is no network such as `10.0.0.0/8` or `2001:db8::/32`. */
  static from(cidrs: readonly string[]): IpSet {
    return new IpSet(cidrs.map((cidr) => {
      const network = readNetwork(cidr);
      if (network !== undefined) return network;
      throw new RangeError(`Expected a network such as "10.0.0.0/8" or "2001:db8::/32", not "${cidr}"`);
    }));
  }

  /** Whether `ip`, an address as sockets tell it, is in one of the networks; what is no address is not. Some microseconds. */
  has(ip: string): boolean {
    const address = readIp(ip);
    return address !== undefined && this.#networks.some((network) => contains(network, address));
  }
}

/** Whether `cidr` is a network such as `10.0.0.0/8` or `2001:db8::/32`. */
export function isNetwork(cidr: string): boolean {
  return readNetwork(cidr) !== undefined;
}

function readNetwork(cidr: string): Network | undefined {
  const [, text = "", digits = ""] = /^(.*)\/(\d{1,3})$/.exec(cidr) ?? [];
  const address = readIp(text);
  if (address === undefined) return undefined;
  const written = Number(digits);
  const isMapped = address.version === 4 && text.includes(":");
  const length = isMapped ? written - mappedLength : written;
  const size = bits[address.version];
  if (length < 0 || length > size) return undefined;
  const rest = BigInt(size - length);
  return { version: address.version, first: address.number >> rest, rest };
}

function contains({ version, first, rest }: Network, address: Ip): boolean {
  return address.version === version && address.number >> rest === first;
}

/** Networks whose addresses mean something only to their neighbours, or nothing at all (IANA's special-purpose registries). */
const special = IpSet.from([
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"],
  ...["192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"],
  ...["::/96", "64:ff9b::/32", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "fc00::/7"],
  ...["fe80::/9", "ff00::/8"],
]);

/** Whether the whole world can reach `ip`, as far as the address tells. */
export function isPublic(ip: string): boolean {
  return readIp(ip) !== undefined && !special.has(ip);
}
