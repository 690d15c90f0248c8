/** Where the proxy is reached. */
import type { Address, TcpAddress } from "../address.ts";
import type { Config } from "../config/config.ts";
import type { OwnAddresses } from "../thread/front_check.ts";
import type { PublicAddresses } from "./world.ts";

/** The port that clients are told. `undefined` if the proxy listens on Unix sockets alone and no port was said. */
export function publicPort({ publicPort, bindTo }: Config): number | undefined {
  return publicPort ?? bindTo.find((address) => address.kind === "tcp")?.port;
}

/** What the proxy listens on, and under which addresses the world reaches it. */
export function ownAddresses(config: Config, { ipv4, ipv6 }: PublicAddresses): OwnAddresses {
  const port = publicPort(config);
  const hosts = [ipv4, ipv6].filter((host) => host !== undefined);
  return {
    bound: config.bindTo,
    public: port === undefined ? [] : hosts.map((host): TcpAddress => ({ kind: "tcp", host, port })),
  };
}

/** Where this machine itself reaches what listens on `address`; all interfaces are those of IPv4 alone where there is no IPv6. */
export function reachedLocally(address: Address): readonly Address[] {
  if (address.kind === "unix") return [address];
  const loopback = ["::1", "127.0.0.1"].map((host): Address => ({ ...address, host }));
  if (address.host === "::") return loopback;
  return address.host === "0.0.0.0" ? loopback.slice(1) : [address];
}
