import ipaddr from "ipaddr.js";

type Ip = ipaddr.IPv4 | ipaddr.IPv6;

/**
 * IP addresses, as a list of networks in CIDR notation.
 *
 * An IPv4 address that is written as IPv6 (`::ffff:192.0.2.1`) is that IPv4 address, and so is a network of such. No other
 * network of IPv6 has IPv4 addresses in it, `::/0` neither.
 */
export class IpSet {
  readonly #networks: readonly (readonly [Ip, number])[];

  private constructor(networks: readonly (readonly [Ip, number])[]) {
    this.#networks = networks;
  }

  /** @throws {RangeError} If one is no network such as `10.0.0.0/8` or `2001:db8::/32`. */
  static from(cidrs: readonly string[]): IpSet {
    return new IpSet(cidrs.map(parseNetwork));
  }

  /** Whether `ip`, an address as sockets tell it, is in one of the networks; what is no address is not. Some microseconds. */
  has(ip: string): boolean {
    const address = parseIp(ip);
    return address !== undefined &&
      this.#networks.some(([network, length]) =>
        network.kind() === address.kind() && address.match(network as never, length)
      );
  }
}

/** `::192.0.2.1`, a form out of use, would pass for IPv4. */
const compatibleIpv4 = /^::\d+\./;

function parseIp(text: string): Ip | undefined {
  try {
    return compatibleIpv4.test(text) ? undefined : ipaddr.process(text);
  } catch {
    return undefined;
  }
}

const mappedLength = 96;

function parseNetwork(cidr: string): readonly [Ip, number] {
  if (!ipaddr.isValidCIDR(cidr)) {
    throw new RangeError(`Expected a network such as "10.0.0.0/8" or "2001:db8::/32", not "${cidr}"`);
  }
  const [network, length] = ipaddr.parseCIDR(cidr);
  if (network.kind() === "ipv4" || length < mappedLength) return [network, length];
  const plain = ipaddr.process(network.toString());
  return plain.kind() === "ipv4" ? [plain, length - mappedLength] : [network, length];
}
