/** The fronted site: what strangers get, and what the proxy's own answer is compared with by whoever watches. */
import { type Address, formatAddress } from "../address.ts";
import { recordType } from "../faketls/record.ts";
import { flightRecordAtMost } from "../faketls/server_hello.ts";
import { groupNames, type SiteFlight, tls13 } from "../faketls/site_flight.ts";
import type { SiteCertificate, SiteVisit } from "../net/site_visit.ts";
import { isOwnConnection } from "../thread/front_check.ts";
import { type FrontFacts, lookAtTls, type Outcome, type SiteAddress } from "./front_facts.ts";
import { ownAddresses } from "./own_addresses.ts";
import { bad, type Check, good, type Group, note, warning } from "./report.ts";
import { grouped, listed } from "./words.ts";
import type { Site, Surroundings } from "./world.ts";

const postQuantum = 0x11ec;
const dayMs = 86_400_000;
/** Automatic renewal happens before so much is left. */
const renewedBeforeMs = 14 * dayMs;
const anotherSite = "take another site, or another web server for it";

export async function checkFront(
  finding: Promise<FrontFacts | undefined>,
  surroundings: Surroundings,
): Promise<Group> {
  const facts = await finding;
  const title = facts === undefined ? "Fronted site" : `Fronted site, ${formatAddress(facts.front)}`;
  return { id: "front", title, checks: await judgeAll(facts, surroundings) };
}

async function judgeAll(facts: FrontFacts | undefined, surroundings: Surroundings): Promise<readonly Check[]> {
  if (facts === undefined) {
    const seen = "no site is fronted: strangers get no answer at all, which is a sign of its own";
    return [note("site", seen, "set host or ip in [domain-fronting], or make a secret for fake TLS")];
  }
  const { addresses, site } = facts;
  if (!addresses.ok) {
    return [
      bad("reachable", `it has no address: ${addresses.why}`, "correct the name, or set ip in [domain-fronting]"),
    ];
  }
  const reachable = judgeReachable(addresses.value);
  const loop = await judgeLoop(addresses.value, surroundings);
  if (loop.verdict === "bad") return [reachable, loop];
  return [reachable, loop, ...site === undefined ? [] : await judgeTls(site, surroundings)];
}

function judgeReachable(addresses: readonly SiteAddress[]): Check {
  const show = ({ address, touched }: SiteAddress) =>
    touched.ok ? `${formatAddress(address)} takes connections` : `${formatAddress(address)}: ${touched.why}`;
  const seen = addresses.map(show).join("; ");
  if (addresses.every(({ touched }) => touched.ok)) return good("reachable", seen);
  if (addresses.some(({ touched }) => touched.ok)) {
    return warning(
      "reachable",
      seen,
      "correct its DNS records, or set ip in [domain-fronting] to an address that works",
    );
  }
  const advice =
    "start it, correct host, ip and port in [domain-fronting], and let your firewall pass it: until then " +
    "strangers are closed, which gives the proxy away";
  return bad("reachable", seen, advice);
}

async function judgeLoop(addresses: readonly SiteAddress[], surroundings: Surroundings): Promise<Check> {
  const own = ownAddresses(surroundings.config, await surroundings.publicAddresses());
  const isOwn = ({ address, touched }: SiteAddress) =>
    isOwnConnection(touched.ok ? touched.value : { local: nowhere(address), remote: address }, own);
  const looping = addresses.filter(isOwn);
  if (looping.length === 0) return good("loop", "it is not this proxy itself");
  const seen = `${
    listed(looping.map(({ address }) => formatAddress(address)))
  } is this proxy itself: strangers are closed`;
  return bad("loop", seen, "say where the site really is, by ip and port in [domain-fronting]");
}

/** The own end of a connection that could not be made: only loopback is known to lead here. */
function nowhere(address: Address): Address {
  const isLoopback = address.kind === "tcp" && (address.host.startsWith("127.") || address.host === "::1");
  return isLoopback ? address : { kind: "unix", path: "" };
}

async function judgeTls(site: Site, surroundings: Surroundings): Promise<readonly Check[]> {
  const { flight, visit } = await lookAtTls(site, surroundings);
  return [...judgeFlight(flight), ...judgeVisit(visit, site.name, surroundings.world.clock.nowMs())];
}

function judgeFlight(flight: Outcome<SiteFlight | undefined>): readonly Check[] {
  if (!flight.ok) return [bad("tls", `it does not answer the hello of a Telegram client: ${flight.why}`, anotherSite)];
  const seen = flight.value;
  if (seen === undefined) return [bad("tls", "it hangs up at the hello of a Telegram client", anotherSite)];
  switch (seen.kind) {
    case "incomplete":
    case "not-tls":
      return [
        bad("tls", "it does not speak TLS: the proxy pretends to be a site that does", "front the site's HTTPS port"),
      ];
    case "alert":
      return [bad("tls", `it refuses the hello of a Telegram client with TLS alert ${seen.code}`, anotherSite)];
    case "hello":
      return judgeHello(seen);
  }
}

function judgeHello({ hello, records }: SiteFlight & { readonly kind: "hello" }): readonly Check[] {
  if (hello.version !== tls13) {
    const seen =
      "it does not speak TLS 1.3, which is what the proxy's own answers look like: anyone sees the difference";
    return [bad("tls", seen, "switch TLS 1.3 on at the site, or take another one")];
  }
  const tls = good("tls", "it speaks TLS 1.3");
  const group = hello.group === undefined ? "no key share" : groupNames.get(hello.group) ?? `group ${hello.group}`;
  if (hello.isRetry) {
    const seen = `it asks for another hello first (HelloRetryRequest, ${group}), which the proxy never does`;
    return [tls, warning("retry", seen, anotherSite)];
  }
  return [tls, judgeGroup(hello.group, group), judgeRecords(records)];
}

function judgeGroup(group: number | undefined, name: string): Check {
  if (group === postQuantum) return good("group", `it takes the post-quantum key exchange ${name}`);
  const seen = `it takes ${name}, though clients offer the post-quantum X25519MLKEM768: censors have blocked by that`;
  return warning("group", seen, "let it run on OpenSSL 3.5 or later, or on Caddy");
}

function judgeRecords(records: readonly { readonly type: number; readonly size: number }[]): Check {
  const encrypted = records.filter(({ type }) => type === recordType.applicationData);
  const sizes = listed(encrypted.map(({ size }) => grouped(size)));
  if (encrypted.length === 0) {
    return warning("flight", "it sends nothing encrypted behind its ServerHello", anotherSite);
  }
  if (encrypted.length > 1) {
    const seen =
      `it sends its encrypted flight as ${encrypted.length} records of ${sizes} bytes; the proxy can send only one`;
    return warning("flight", seen, "prefer a site on BoringSSL or rustls, which send one; OpenSSL and Go send several");
  }
  if (encrypted[0]!.size > flightRecordAtMost) {
    const seen = `its encrypted flight has ${sizes} bytes, and Telegram for iOS takes ${grouped(flightRecordAtMost)}`;
    return warning("flight", seen, "prefer a site with a shorter certificate chain");
  }
  return good("flight", `it sends its encrypted flight as one record of ${sizes} bytes, as the proxy does`);
}

function judgeVisit(visit: Outcome<SiteVisit>, name: string, nowMs: number): readonly Check[] {
  if (!visit.ok) return [bad("certificate", `a TLS handshake with it fails: ${visit.why}`, anotherSite)];
  const { protocol, certificate } = visit.value;
  const speaks = protocol === undefined
    ? warning("protocol", "it agrees on no application protocol; most sites speak h2 or http/1.1", anotherSite)
    : good("protocol", `it speaks ${protocol}`);
  return [judgeCertificate(certificate, name, nowMs), speaks];
}

function judgeCertificate(certificate: SiteCertificate, name: string, nowMs: number): Check {
  const { names, fitsName, validFromMs = 0, validToMs = 0, isTrusted } = certificate;
  const until = new Date(validToMs).toISOString().slice(0, 10);
  const refuse = (seen: string, advice: string) => bad("certificate", seen, advice);
  if (!fitsName) {
    const whom = names.length === 0 ? "nobody" : listed(names);
    return refuse(`its certificate is for ${whom}, not for ${name}`, "make a secret for a name of the site");
  }
  if (validToMs < nowMs) return refuse(`its certificate has expired on ${until}`, "renew it");
  if (validFromMs > nowMs) return refuse("its certificate is not in force yet", "set the clocks of both machines");
  if (!isTrusted) {
    return refuse("its certificate is by no authority that browsers trust", "get one from Let's Encrypt, for instance");
  }
  if (validToMs - nowMs < renewedBeforeMs) {
    return warning("certificate", `its certificate for ${name} expires on ${until}`, "see to its renewal");
  }
  return good("certificate", `its certificate is valid for ${name} until ${until}`);
}
