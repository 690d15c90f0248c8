/**
 * A network of the benchmark's own, in which Telegram's addresses are local: whatever a proxy dials as Telegram is the
 * stand-in. Nothing in it can leave the machine, for it has a loopback and no other device. Root and iproute2 make it.
 */
import { addressesOf } from "../../lib/telegram/addresses.ts";

const dcNumbers = [1, 2, 3, 4, 5, 203] as const;

/**
 * Thousands of short connections go to one address: they shall neither use up the ports nor measure the kernel's search for
 * one, and none may take a port on which a subject is about to listen (subject.ts).
 */
const settings = [
  "net.ipv4.tcp_max_tw_buckets=500",
  "net.ipv4.ip_local_port_range=10000 65535",
  "net.ipv4.ip_local_reserved_ports=20000-29999",
  "net.ipv4.tcp_max_syn_backlog=16384",
  "net.core.somaxconn=16384",
] as const;

/**
 * A proxy's own address, a public one to look at (RFC 5737). Whatever else is dialled is local too, by the default route: it
 * is refused at once, where without a route proxies do not find their address, and with another they wait for answers.
 */
const ownAddress = "203.0.113.1";

/** Packets that netem may hold; its own limit of 1,000 would lose some. */
const netemLimit = 1_000_000;

/** `ADDRESS:PORT` of every data centre, IPv4, that of data centre 2 first: clients of the load ask for it. */
export const dcAddresses: readonly string[] = dcNumbers.toSorted((a, b) => Number(b === 2) - Number(a === 2)).flatMap(
  (dc) =>
    addressesOf(dc, new Map()).flatMap((address) =>
      address.kind === "tcp" && !address.host.includes(":") ? [`${address.host}:${address.port}`] : []
    ),
);

/** The namespace cannot be made here; the message says why. */
export class NamespaceError extends Error {
  override readonly name = "NamespaceError";
}

/** The commands that make the namespace `name` ready after `ip netns add`; `delayMs` holds up every packet. */
export function setUpCommands(name: string, delayMs: number): string[][] {
  const hosts = dcAddresses.map((address) => address.slice(0, address.lastIndexOf(":")));
  const delay = ["netem", "delay", `${delayMs}ms`, "limit", String(netemLimit)];
  return [
    ["ip", "-n", name, "link", "set", "lo", "up"],
    ...[ownAddress, ...hosts].map((host) => ["ip", "-n", name, "address", "add", `${host}/32`, "dev", "lo"]),
    ["ip", "-n", name, "route", "add", "local", "default", "dev", "lo", "src", ownAddress],
    ["ip", "netns", "exec", name, "sysctl", "-e", "-q", "-w", ...settings],
    ...delayMs > 0 ? [["tc", "-n", name, "qdisc", "add", "dev", "lo", "root", ...delay]] : [],
  ];
}

/** A namespace that stands. Disposing it ends what still runs in it. */
export class Namespace implements AsyncDisposable {
  readonly #name: string;

  private constructor(name: string) {
    this.#name = name;
  }

  /** @throws {NamespaceError} */
  static async make(delayMs: number): Promise<Namespace> {
    if (Deno.uid() !== 0) throw new NamespaceError("Making a network namespace takes root");
    const name = `mtg-bench-${Deno.pid}`;
    await output(["ip", "netns", "add", name]);
    const namespace = new Namespace(name);
    try {
      for (const command of setUpCommands(name, delayMs)) await output(command);
      return namespace;
    } catch (error) {
      await namespace[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What runs `command` inside; the process that it starts becomes that command. */
  enter(command: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.#name, ...command];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pids = await output(["ip", "netns", "pids", this.#name]);
    for (const pid of pids.split("\n").filter(Boolean)) {
      try {
        Deno.kill(Number(pid), "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    await output(["ip", "netns", "delete", this.#name]);
  }
}

async function output([program = "", ...args]: readonly string[]): Promise<string> {
  const words = `${program} ${args.join(" ")}`;
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command(program, { args, stdin: "null" }).output();
  } catch (error) {
    throw new NamespaceError(`${program} cannot be started: ${error instanceof Error ? error.message : error}`);
  }
  const decoder = new TextDecoder();
  if (!result.success) throw new NamespaceError(`${words}: ${decoder.decode(result.stderr).trim()}`);
  return decoder.decode(result.stdout);
}
