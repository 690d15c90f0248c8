/** Where the fronted site is and what it does, for the groups of checks that want to know. */
import type { Address } from "../address.ts";
import { spellIp } from "../bytes/ip.ts";
import type { SiteFlight } from "../faketls/site_flight.ts";
import type { SiteVisit } from "../net/site_visit.ts";
import { orderAddresses } from "../telegram/addresses.ts";
import { frontOf } from "../thread/build_proxy.ts";
import { preferenceOf } from "../thread/network.ts";
import { reason } from "./words.ts";
import { budgetsMs, type Site, type Surroundings } from "./world.ts";

/** Something that was asked, or why it is not known. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

/** An address of the site. */
export interface SiteAddress {
  readonly address: Address;
  /** Both ends of a connection to it. */
  readonly touched: Outcome<{ readonly local: Address; readonly remote: Address }>;
}

export interface FrontFacts {
  readonly front: Address;
  /** In the order in which they are tried, or why there are none. */
  readonly addresses: Outcome<readonly SiteAddress[]>;
  /** To be asked over TLS, where a fake-TLS secret makes that matter and an address can be reached. */
  readonly site: Site | undefined;
  /** Whether that address is this very machine's. */
  readonly isHere: boolean;
}

export interface TlsFacts {
  readonly flight: Outcome<SiteFlight | undefined>;
  readonly visit: Outcome<SiteVisit>;
}

const addressesAtMost = 4;

/** `undefined` if no site is fronted. */
export async function findFront(surroundings: Surroundings): Promise<FrontFacts | undefined> {
  const { config, world } = surroundings;
  const front = frontOf(config);
  if (front === undefined) return undefined;
  const found = await outcomeOf(addressesOf(front, surroundings));
  if (!found.ok) return { front, addresses: found, site: undefined, isHere: false };
  const value = await Promise.all(found.value.map(async (address) => ({
    address,
    touched: await outcomeOf(surroundings.within(budgetsMs.connect, (asking) => world.touch(address, asking))),
  })));
  const reached = value.find(({ touched }) => touched.ok);
  const addresses = { ok: true, value } as const;
  if (reached === undefined || config.secret.kind !== "tls") {
    return { front, addresses, site: undefined, isHere: false };
  }
  const site = { address: reached.address, name: config.secret.host };
  return { front, addresses, site, isHere: leadsHere(reached) };
}

/** The system reaches an address of its own from that same address, and all of 127.0.0.0/8 from 127.0.0.1. */
function leadsHere({ address, touched }: SiteAddress): boolean {
  if (address.kind === "unix") return true;
  const isSelf = touched.ok && touched.value.local.kind === "tcp" && touched.value.local.host === address.host;
  return isSelf || address.host.startsWith("127.");
}

async function addressesOf(front: Address, surroundings: Surroundings): Promise<readonly Address[]> {
  if (front.kind === "unix") return [front];
  const hosts = await surroundings.resolve(front.host);
  const all = hosts.map((host): Address => ({ kind: "tcp", host: spellIp(host), port: front.port }));
  return orderAddresses(all, preferenceOf(surroundings.config.preferIp), 0).slice(0, addressesAtMost);
}

export async function lookAtTls(site: Site, surroundings: Surroundings): Promise<TlsFacts> {
  const { world } = surroundings;
  const [flight, visit] = await Promise.all([
    outcomeOf(surroundings.within(budgetsMs.site, (asking) => world.watchSite(site, asking))),
    outcomeOf(surroundings.within(budgetsMs.site, (asking) => world.visitSite(site, asking))),
  ]);
  return { flight, visit };
}

async function outcomeOf<T>(asking: Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await asking };
  } catch (error) {
    return { ok: false, why: reason(error) };
  }
}
