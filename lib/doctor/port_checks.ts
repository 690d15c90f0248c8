/** Whether clients reach the proxy: where it listens, and by its public address. */
import { type Address, formatAddress, isIpv6, type TcpAddress } from "../address.ts";
import { publicPort, reachedLocally } from "./own_addresses.ts";
import { bad, type Check, good, type Group, note, warning } from "./report.ts";
import { reason } from "./words.ts";
import { type Answerer, budgetsMs, type Surroundings } from "./world.ts";

export async function checkPort(surroundings: Surroundings): Promise<Group> {
  const { bindTo } = surroundings.config;
  const local = await Promise.all(bindTo.map((address) => checkListener(address, surroundings)));
  const runs = local.some(({ verdict }) => verdict === "good");
  return { id: "port", title: "Port", checks: [...local, ...await checkPublic(runs, surroundings)] };
}

async function checkListener(address: Address, surroundings: Surroundings): Promise<Check> {
  const id = `listener-${formatAddress(address)}`;
  const answers = await Promise.all(reachedLocally(address).map((local) => ask(local, true, surroundings)));
  const answerer = answers.find((answer) => !(answer instanceof Error)) ?? answers[0];
  const where = formatAddress(address);
  if (answerer === undefined || answerer instanceof Error) {
    return note(id, `the proxy does not run here: nothing answers on ${where}`, "start it, then look again");
  }
  if (answerer === "proxy") return good(id, `the proxy runs here, and answers on ${where}`);
  if (answerer === "unclear") {
    const seen = `something listens on ${where}, but does not answer as the proxy does`;
    return note(id, seen, "if it is the proxy, it cannot reach Telegram; if not, stop it or change bind-to");
  }
  const seen =
    `what answers on ${where} does not know the secret: another program, or the proxy with another configuration`;
  return bad(id, seen, "stop that program or change bind-to; if it is the proxy, start it anew");
}

async function checkPublic(runs: boolean, surroundings: Surroundings): Promise<readonly Check[]> {
  if (!runs) {
    return [note("public", "not running here, so not looked at: whether its port can be reached from outside")];
  }
  const port = publicPort(surroundings.config);
  const { ipv4, ipv6 } = await surroundings.publicAddresses();
  const hosts = [ipv4, ipv6].filter((host) => host !== undefined);
  if (port === undefined || hosts.length === 0) {
    const seen = "its port was not looked at from outside: this server's public address is not known";
    return [note("public", seen, "try a link on a phone without Wi-Fi")];
  }
  return await Promise.all(hosts.map((host) => checkFromOutside({ kind: "tcp", host, port }, surroundings)));
}

/** From this machine by its public address: behind NAT many routers do not lead back inside. */
async function checkFromOutside(address: TcpAddress, surroundings: Surroundings): Promise<Check> {
  const id = isIpv6(address.host) ? "public-ipv6" : "public-ipv4";
  const where = formatAddress(address);
  const answerer = await ask(address, false, surroundings);
  if (answerer === "proxy") return good(id, `${where} leads to this proxy`);
  const advice =
    `try a link on a phone without Wi-Fi; if that fails, let firewall and router pass port ${address.port}`;
  const inside = "behind NAT that may be all right, for many routers do not lead back inside";
  if (answerer instanceof Error) {
    return warning(id, `${where} cannot be reached from here (${answerer.message}): ${inside}`, advice);
  }
  return warning(id, `at ${where} something else answers than this proxy: ${inside}`, advice);
}

async function ask(address: Address, asBalancer: boolean, surroundings: Surroundings): Promise<Answerer | Error> {
  const { world } = surroundings;
  try {
    return await surroundings.within(budgetsMs.proxy, (asking) => world.whoAnswers(address, { ...asking, asBalancer }));
  } catch (error) {
    return new Error(reason(error));
  }
}
