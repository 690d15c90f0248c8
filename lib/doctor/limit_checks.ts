/**
 * Limits of the Linux kernel that bite when clients are many. The proxy's own permissions do not reach into /proc: then each is
 * named with the command that shows it and the value that is right.
 */
import type { Config } from "../config/config.ts";
import { tcpBacklog } from "../net/listener.ts";
import { type Check, good, type Group, note, warning } from "./report.ts";
import { grouped, listed } from "./words.ts";
import type { Surroundings, World } from "./world.ts";

/** Local ports that are free at a time, by how many clients there may be: each takes one towards Telegram. */
const portsPerClient = { reusing: 1.25, waiting: 4 } as const;
const sysctlFile = "/etc/sysctl.d/mtg.conf";

export async function checkLimits({ config, world }: Surroundings): Promise<Group> {
  const title = "Limits of the system";
  if (world.os !== "linux") {
    return { id: "limits", title, checks: [note("system", `not read: what is known here is Linux, not ${world.os}`)] };
  }
  return { id: "limits", title, checks: await Promise.all(limitsFor(config).map((limit) => look(limit, world))) };
}

/** Descriptors that the proxy takes when all who may come are there. */
function descriptorsNeeded({ concurrency, strangerConcurrency }: Config): number {
  return 2 * concurrency + strangerConcurrency;
}

interface Limit {
  readonly id: string;
  readonly name: string;
  readonly files: readonly string[];
  /** Shows it. */
  readonly command: string;
  /** What is right. */
  readonly right: string;
  /** How it is set. */
  readonly advice: string;
  /** `undefined` if the files do not hold what they should. */
  judge(texts: readonly string[]): { readonly seen: string; readonly isRight: boolean } | undefined;
}

async function look({ id, name, files, command, right, advice, judge }: Limit, world: World): Promise<Check> {
  let texts: readonly string[];
  try {
    texts = await Promise.all(files.map((file) => world.readSystemFile(file)));
  } catch {
    return note(
      id,
      `${name}: not read, for the proxy may not look there; right is ${right}`,
      `look with \`${command}\``,
    );
  }
  const judged = judge(texts);
  if (judged === undefined) {
    return note(id, `${name}: not read, for it is not as expected; right is ${right}`, `look with \`${command}\``);
  }
  const { seen, isRight } = judged;
  return isRight ? good(id, `${name}: ${seen}`) : warning(id, `${name}: ${seen}, right is ${right}`, advice);
}

function limitsFor(config: Config): readonly Limit[] {
  const needed = descriptorsNeeded(config);
  return [
    descriptors(config, needed),
    atLeast("file-max", "fs.file-max", Math.max(needed, 1_000_000), "open files of all programs together"),
    atLeast("somaxconn", "net.core.somaxconn", tcpBacklog, "clients that wait to be accepted"),
    atLeast("syn-backlog", "net.ipv4.tcp_max_syn_backlog", tcpBacklog, "clients that are about to connect"),
    localPorts(config),
    ...listenPorts(config),
  ];
}

function descriptors({ concurrency, strangerConcurrency }: Config, needed: number): Limit {
  return {
    id: "descriptors",
    name: "descriptors of this process (those of the service may be others)",
    files: ["/proc/self/limits"],
    command: "ulimit -Hn",
    right: `${grouped(needed)} (two for each of concurrency = ${concurrency}, one for each of stranger-concurrency = ` +
      `${strangerConcurrency})`,
    advice: `give the service LimitNOFILE=${needed}, or lower concurrency; with fewer, strangers have to make room`,
    judge([limits = ""]) {
      const [, , hard] = /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec(limits) ?? [];
      if (hard === undefined) return undefined;
      // The runtime raises the soft limit to the hard one.
      return { seen: hard === "unlimited" ? hard : grouped(Number(hard)), isRight: !(Number(hard) < needed) };
    },
  };
}

function atLeast(id: string, key: string, least: number, what: string): Limit {
  return {
    id,
    name: `${key} (${what})`,
    files: [fileOf(key)],
    command: `sysctl ${key}`,
    right: `${grouped(least)} or more`,
    advice: setBy([`${key} = ${least}`]),
    judge([text = ""]) {
      const value = readNumber(text);
      return value === undefined ? undefined : { seen: grouped(value), isRight: value >= least };
    },
  };
}

const range = "net.ipv4.ip_local_port_range";
const reuse = "net.ipv4.tcp_tw_reuse";
const reserved = "net.ipv4.ip_local_reserved_ports";

function localPorts({ concurrency }: Config): Limit {
  return {
    id: "local-ports",
    name: `${range} and tcp_tw_reuse (ports towards Telegram)`,
    files: [fileOf(range), fileOf(reuse)],
    command: `sysctl ${range} ${reuse}`,
    right: `16384 to 65535 and 1 for concurrency = ${concurrency}`,
    advice: setBy([`${range} = 16384 65535`, `${reuse} = 1`]),
    judge([rangeText = "", reuseText = ""]) {
      const [from, to] = readRange(rangeText);
      const mode = readNumber(reuseText);
      if (from === undefined || to === undefined || mode === undefined) return undefined;
      const count = to - from + 1;
      const waiting = mode === 1 ? "used again at once" : "used again a minute after they were closed";
      return {
        seen: `${grouped(count)} ports, ${from} to ${to}, ${waiting}`,
        isRight: count >= concurrency * (mode === 1 ? portsPerClient.reusing : portsPerClient.waiting),
      };
    },
  };
}

/** A connection of this machine may take the proxy's port while that does not run. */
function listenPorts({ bindTo }: Config): readonly Limit[] {
  const ports = bindTo.flatMap((address) => address.kind === "tcp" && address.port > 0 ? [address.port] : []);
  if (ports.length === 0) return [];
  const which = listed([...new Set(ports)].map(String));
  return [{
    id: "listen-port",
    name: `port ${which}, where the proxy listens`,
    files: [fileOf(range), fileOf(reserved)],
    command: `sysctl ${range} ${reserved}`,
    right: "one that no connection of this machine takes, or a reserved one",
    advice: `listen on a port below that range, or ${setBy([`${reserved} = ${ports.join(",")}`])}`,
    judge([rangeText = "", reservedText = ""]) {
      const [from, to] = readRange(rangeText);
      if (from === undefined || to === undefined) return undefined;
      const kept = reservedText.trim().split(",").map((part) => part.split("-").map(Number));
      const isKept = (port: number) => kept.some(([first = 0, last = first]) => port >= first && port <= last);
      const isRight = ports.every((port) => port < from || port > to || isKept(port));
      return {
        seen: isRight ? "no connection of this machine takes it" : `connections of this machine take ${from} to ${to}`,
        isRight,
      };
    },
  }];
}

function readRange(text: string): readonly [number, number] | readonly [] {
  const [, first, last] = /^\s*(\d+)\s+(\d+)\s*$/.exec(text) ?? [];
  return first === undefined || last === undefined ? [] : [Number(first), Number(last)];
}

function setBy(lines: readonly string[]): string {
  return `put \`${lines.join("` and `")}\` into ${sysctlFile}, then run \`sysctl --system\``;
}

function fileOf(key: string): string {
  return `/proc/sys/${key.replaceAll(".", "/")}`;
}

function readNumber(text: string): number | undefined {
  return /^\s*\d+\s*$/.test(text) ? Number(text) : undefined;
}
