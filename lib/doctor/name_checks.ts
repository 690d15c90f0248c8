/** Names against addresses: where the host of the secret leads, and the host in the links. */
import { spellIp } from "../bytes/ip.ts";
import { bad, type Check, good, type Group, note, warning } from "./report.ts";
import { listed, reason } from "./words.ts";
import type { PublicAddresses, Surroundings } from "./world.ts";

export async function checkNames(surroundings: Surroundings): Promise<Group> {
  const { secret, publicHost } = surroundings.config;
  const [own, secretHost, linkHost] = await Promise.all([
    surroundings.publicAddresses(),
    secret.kind === "tls" ? lookUp(secret.host, surroundings) : undefined,
    publicHost === undefined ? undefined : lookUp(publicHost, surroundings),
  ]);
  const checks = [
    judgeOwn(own),
    ...secretHost === undefined ? [] : [judgeSecretHost(secretHost, own)],
    ...linkHost === undefined ? [] : [judgeLinkHost(linkHost, own)],
  ];
  return { id: "names", title: "Names and addresses", checks };
}

interface Looked {
  readonly host: string;
  /** In one spelling, or why there are none. */
  readonly addresses: readonly string[] | Error;
}

async function lookUp(host: string, surroundings: Surroundings): Promise<Looked> {
  try {
    return { host, addresses: (await surroundings.resolve(host)).map(spellIp) };
  } catch (error) {
    return { host, addresses: new Error(reason(error)) };
  }
}

function judgeOwn(own: PublicAddresses): Check {
  const known = knownOf(own);
  if (known.length > 0) return good("public-address", `this server is ${listed(known)} to the world`);
  const seen = "this server's public address is not known: nobody who was asked told it";
  return note("public-address", seen, "set public-ipv4 or public-ipv6, so that names can be compared with it");
}

/** As mtg does at start: every family in which this server is known must match. A mismatch hinders no client. */
function judgeSecretHost({ host, addresses }: Looked, own: PublicAddresses): Check {
  const id = "server-name";
  const meaning = "who watches sees a name that does not belong to this server";
  const advice = "make a secret for a name of yours that leads here, with a web site behind it";
  if (addresses instanceof Error) {
    return warning(id, `${host}, the host of the secret, is not found: ${addresses.message}; ${meaning}`, advice);
  }
  const known = knownOf(own);
  const where = listed(addresses);
  if (known.length === 0) {
    return note(id, `${host}, the host of the secret, leads to ${where}: nothing to compare with`);
  }
  const missing = known.filter((address) => !addresses.includes(address));
  if (missing.length === known.length) {
    return warning(id, `${host}, the host of the secret, leads to ${where}, not to this server: ${meaning}`, advice);
  }
  if (missing.length > 0) {
    const seen = `${host}, the host of the secret, leads to ${where}, which leaves out ${
      listed(missing)
    } of this server`;
    return warning(id, seen, "add that address to its DNS records");
  }
  const foreign = addresses.filter((address) => !known.includes(address));
  if (foreign.length > 0) {
    const seen = `${host}, the host of the secret, leads here and also to ${listed(foreign)}`;
    return warning(
      id,
      seen,
      "take addresses that are not this server's out of its DNS records: some apps try them first",
    );
  }
  return good(id, `${host}, the host of the secret, leads to this server`);
}

/** Where clients connect to. */
function judgeLinkHost({ host, addresses }: Looked, own: PublicAddresses): Check {
  const id = "public-host";
  if (addresses instanceof Error) {
    return bad(
      id,
      `${host}, to which links lead, is not found: ${addresses.message}`,
      "correct public-host or its DNS records",
    );
  }
  const known = knownOf(own);
  const where = listed(addresses);
  if (known.length === 0) return note(id, `${host}, to which links lead, is ${where}: nothing to compare with`);
  const foreign = addresses.filter((address) => !known.includes(address));
  if (foreign.length === 0) return good(id, `${host}, to which links lead, is this server`);
  const also = foreign.length < addresses.length ? "also " : "";
  const seen = `${host}, to which links lead, is ${also}${
    listed(foreign)
  }, which is not this server as the world sees it`;
  return warning(id, seen, "correct its DNS records, unless a load balancer or another way in stands there");
}

function knownOf({ ipv4, ipv6 }: PublicAddresses): readonly string[] {
  return [ipv4, ipv6].filter((address) => address !== undefined).map(spellIp);
}
