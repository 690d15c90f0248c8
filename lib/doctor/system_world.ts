/** The real world, as a configuration reaches it. */
import type { Address } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { systemRandom } from "../crypto/random.ts";
import { createResolver } from "../dns/resolver.ts";
import { makeClientHello } from "../faketls/own_client_hello.ts";
import { detectPublicAddresses } from "../http/public_address.ts";
import { directDialer } from "../net/dialer.ts";
import { ResolvingDialer } from "../net/resolving_dialer.ts";
import { askSiteDate, visitSite } from "../net/site_visit.ts";
import { askTime } from "../net/sntp.ts";
import { systemClock } from "../net/system_clock.ts";
import { operatingSystem, readSystemFile } from "../net/system_file.ts";
import { watchFlight } from "../net/tls_probe.ts";
import { singleUplinks, uplinkDialers } from "../net/uplinks.ts";
import { type Conn, writeAll } from "../relay/conn.ts";
import type { Resolver } from "../relay/resolver.ts";
import { askDataCentre } from "../telegram/ping.ts";
import { preferenceOf } from "../thread/network.ts";
import { encodeProxyHeader } from "../wire/proxy_protocol.ts";
import { ntpPort } from "../wire/sntp.ts";
import { greetProxy } from "./greet_proxy.ts";
import { type Asking, budgetsMs, type Site, type Way, type World } from "./world.ts";

/** Disposing it ends what is under way. */
export interface SystemWorld extends World, Disposable {}

/** Nobody has come by this connection: it is the load balancer's, or ours. */
const noAddress: Address = { kind: "unix", path: "" };
const localHeader = encodeProxyHeader(noAddress, noAddress);
const protocols = ["h2", "http/1.1"];

export interface WorldOptions {
  /** PEM of authorities that the fronted site's certificate may come from, in place of the well-known ones. */
  readonly caCerts?: readonly string[] | undefined;
  /** Where time servers listen. @default {123} */
  readonly timePort?: number | undefined;
  /** @default {this machine's} */
  readonly clock?: Clock | undefined;
}

export function systemWorld(config: Config, options: WorldOptions = {}): SystemWorld {
  const { caCerts, timePort = ntpPort, clock = systemClock } = options;
  const random = systemRandom;
  const resolver = createResolver(config.network.dns, { clock, timeoutMs: budgetsMs.resolve });
  const toSite = config.domainFronting.proxyProtocol ? localHeader : undefined;
  const visit = ({ address, name }: Site, { signal }: Asking) => ({
    address,
    name,
    protocols,
    preface: toSite,
    caCerts,
    clock,
    signal,
  });
  return {
    clock,
    resolver,
    ways: waysOf(config, resolver, clock),
    os: operatingSystem,
    readSystemFile,
    askTime: (host, { signal }) => askTime({ kind: "tcp", host, port: timePort }, { clock, random, signal }),
    async touch(address, asking) {
      using conn = await directDialer.dial(address, asking);
      const { local, remote } = conn;
      return { local, remote };
    },
    async watchSite({ address, name }, asking) {
      const conn = await dialWith(address, toSite, asking);
      const { bytes } = makeClientHello({
        host: name,
        // Signed with no secret: what a stranger sends.
        key: random.fill(new Uint8Array(16)),
        timeSeconds: Math.floor(clock.nowMs() / 1000),
        random,
      });
      return await watchFlight(conn, bytes, { clock, ...asking });
    },
    visitSite: (site, asking) => visitSite(visit(site, asking)),
    askSiteDate: (site, asking) => askSiteDate(visit(site, asking)),
    async publicAddresses(wanted, { signal }) {
      const { ipv4, ipv6 } = await detectPublicAddresses({
        dialerOf: (family) => new ResolvingDialer({ resolver, preferIp: `only-${family}`, clock }),
        clock,
        // One that is not known in time must not take the other away.
        timeoutMs: budgetsMs.publicAddress - 500,
        wanted,
        signal,
      });
      return { ipv4, ipv6 };
    },
    async whoAnswers(address, { asBalancer, signal }) {
      const preface = asBalancer && config.proxyProtocolListener ? localHeader : undefined;
      return await greetProxy(await dialWith(address, preface, { signal }), config.secret, { clock, random, signal });
    },
    [Symbol.dispose]: () => resolver[Symbol.dispose](),
  };
}

function waysOf({ network: { uplinks }, preferIp }: Config, resolver: Resolver, clock: Clock): readonly Way[] {
  const direct = new ResolvingDialer({ resolver, preferIp: preferenceOf(preferIp), clock, dialer: directDialer });
  // Less than all, for a proxy's dialer says what it has waited for.
  const timeoutMs = budgetsMs.dataCentre - 1_000;
  const dialers = uplinkDialers({ direct, resolver, clock, timeoutMs });
  const isDirectUsed = uplinks.length === 0 || uplinks.some(({ kind }) => kind === "direct");
  return singleUplinks(uplinks, dialers).map(({ label, dialer }, index) => ({
    label: index === 0 ? "directly" : `through ${label}`,
    isDirect: index === 0,
    isUsed: index > 0 || isDirectUsed,
    async ask(address, dc, asking) {
      using conn = await dialer.dial(address, asking);
      const { rttMs, timeMs } = await askDataCentre(conn, dc, { clock, random: systemRandom, ...asking });
      return { rttMs, aheadMs: clock.nowMs() - rttMs / 2 - timeMs };
    },
  }));
}

async function dialWith(address: Address, preface: Uint8Array | undefined, asking: Asking): Promise<Conn> {
  const conn = await directDialer.dial(address, asking);
  if (preface === undefined) return conn;
  try {
    await writeAll(conn, preface);
    return conn;
  } catch (error) {
    conn[Symbol.dispose]();
    throw error;
  }
}
