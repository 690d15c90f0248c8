/** All that checks may ask of the world around them. The real one is in `system_world.ts`. */
import { type Address, families, type Family } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { SiteFlight } from "../faketls/site_flight.ts";
import type { SiteVisit } from "../net/site_visit.ts";
import { within } from "../relay/aborts.ts";
import type { Resolver } from "../relay/resolver.ts";

/** Ends a question; its reason says why nobody answered. */
export interface Asking {
  readonly signal: AbortSignal;
}

/** The fronted site at one of its addresses. */
export interface Site {
  readonly address: Address;
  /** What strangers ask it for. */
  readonly name: string;
}

/** A way to Telegram. */
export interface Way {
  /** `directly`, or `through socks5 host:port`: never a password. */
  readonly label: string;
  readonly isDirect: boolean;
  /** Whether the configuration has clients go this way. */
  readonly isUsed: boolean;
  /** Asks a data centre for a sign of life. */
  ask(address: Address, dc: number, asking: Asking): Promise<DcSign>;
}

/** This machine's clock against another. */
export interface ClockDifference {
  /** Positive: the clock of this machine is ahead. */
  readonly aheadMs: number;
}

/** The answer of a data centre, which also tells its time. */
export interface DcSign extends ClockDifference {
  /** The round trip. */
  readonly rttMs: number;
}

export interface World {
  readonly clock: Clock;
  readonly resolver: Resolver;
  /** The direct way first, then each SOCKS proxy by itself. */
  readonly ways: readonly Way[];
  /** Asks the time server at an IP address. */
  askTime(host: string, asking: Asking): Promise<ClockDifference>;
  /** Connects and hangs up; gives where both ends of the connection were. */
  touch(address: Address, asking: Asking): Promise<{ readonly local: Address; readonly remote: Address }>;
  /** What the site answers to a client's hello; `undefined` if it ends the connection first. */
  watchSite(site: Site, asking: Asking): Promise<SiteFlight | undefined>;
  visitSite(site: Site, asking: Asking): Promise<SiteVisit>;
  /** The site's date as a clock; `undefined` if it has none. */
  askSiteDate(site: Site, asking: Asking): Promise<ClockDifference | undefined>;
  /** This machine's addresses as the rest of the world sees them, as far as `wanted`; absent where nobody tells. */
  publicAddresses(wanted: readonly Family[], asking: Asking): Promise<PublicAddresses>;
  /**
   * Who answers at `address`; rejects if nobody can be reached there. `asBalancer` is for where the proxy itself listens: there it
   * may want a PROXY protocol header.
   */
  whoAnswers(address: Address, asking: Asking & { readonly asBalancer: boolean }): Promise<Answerer>;
  /** Rejects if the file cannot be read. */
  readSystemFile(path: string): Promise<string>;
  /** The operating system, as Deno calls it. */
  readonly os: string;
}

/**
 * - `proxy`: the one with the secret of the configuration
 * - `other`: somebody who does not know that secret
 * - `unclear`: somebody whose silence does not tell which of the two
 */
export type Answerer = "proxy" | "other" | "unclear";

export interface PublicAddresses {
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
}

/** What every group of checks is given. */
export class Surroundings {
  readonly config: Config;
  readonly world: World;
  #publicAddresses: Promise<PublicAddresses> | undefined;

  constructor(config: Config, world: World) {
    this.config = config;
    this.world = world;
  }

  /** Asks with a deadline; what does not heed it is not waited for. @throws What `ask` does, or `TimedOut`. */
  within<T>(ms: number, ask: (asking: Asking) => Promise<T>): Promise<T> {
    return within({ clock: this.world.clock, ms }, (signal) => ask({ signal }));
  }

  /** The IP addresses of a host. */
  resolve(host: string): Promise<readonly string[]> {
    return this.within(budgetsMs.resolve, (asking) => this.world.resolver.resolve(host, asking));
  }

  /** Asked once, for what the configuration does not say. */
  publicAddresses(): Promise<PublicAddresses> {
    return this.#publicAddresses ??= this.#findPublicAddresses();
  }

  async #findPublicAddresses(): Promise<PublicAddresses> {
    const { publicIpv4, publicIpv6 } = this.config;
    const known: PublicAddresses = { ipv4: publicIpv4, ipv6: publicIpv6 };
    const wanted = families.filter((family) => known[family] === undefined);
    if (wanted.length === 0) return known;
    const { world } = this;
    const asked = await this.within(budgetsMs.publicAddress, (asking) => world.publicAddresses(wanted, asking))
      .catch(() => known);
    return { ipv4: publicIpv4 ?? asked.ipv4, ipv6: publicIpv6 ?? asked.ipv6 };
  }
}

/** How long an answer may take. What is asked one after the other takes less than 12 s together. */
export const budgetsMs = {
  resolve: 3_500,
  publicAddress: 4_000,
  time: 4_000,
  connect: 4_000,
  site: 4_000,
  dataCentre: 8_000,
  proxy: 3_500,
} as const;
