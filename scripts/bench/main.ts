/**
 * The benchmark of the whole proxy on loopback: `deno task bench`.
 *
 * **What.** CPU-seconds per GB down and up; CPU, rate and latencies of round trips of 512 bytes and of new connections
 * (handshake, one round trip of 64 bytes, close); time to first byte; memory with idle clients; whether every transfer
 * finishes; 5,000 clients at once; a client beside 9,000 silent sockets; on demand memory over 100,000 connections. For this
 * proxy (`main.ts simple-run`, one worker, fake TLS), for the floor (floor.ts, a plain TCP forwarder on Deno) under the same
 * load without TLS, and for the peers that are asked for. What counts are the ratios to the floor: the machine's speed drops
 * out of them.
 *
 * **Where.** As root with iproute2, in a network namespace of its own in which Telegram's addresses are local (namespace.ts):
 * every proxy runs there as it is, and what it dials is the stand-in. Else on the loopback of the machine; then this proxy has
 * `--dc-override`, and peers take part that can be told `{dc}`. A run uses either way for all subjects.
 *
 * **How.** The load generator (loader.ts), the stand-in data centre (dc.ts) and each subject are processes of their own. Every
 * round measures everything on every subject in turn, in the other order every other round; reported are the medians over the
 * rounds, and ratios of these. A few things that do not vary are done in the first round only.
 *
 * - CPU is user and system time of the subject and its children (`/proc/PID/stat`, ticks of 10 ms), from the moment when the
 *   connections of the load stand (for new connections: from the first) to 0.2 s after its end. The load generator takes a
 *   good part of the machine, so the *rates* say less than the CPU: where `loader` or `dc` in the JSON are near 1 core, the
 *   rate is theirs.
 * - Bulk: transfers of 8,000,003 bytes follow each other on every connection. The number of bytes is exact; of the content
 *   1 KiB in every 64 KiB is enciphered and compared, beginning and end always (content.ts says why that is enough). Clients
 *   send TLS records of 2,878 bytes, as Telegram's do.
 * - Round trips and new connections: every answer is compared. ClientHellos have the size of today's clients (1.8 KB; for
 *   mtprotoproxy 517 bytes, it takes no others); the server's flight is verified. No two connections share keys, since the
 *   proxy refuses replays.
 * - Time to first byte runs from `connect()` until the first message from the data centre is there, one client at a time.
 * - Memory is VmRSS, of the subject and its children, a median over 1.2 s after 1.8 s of rest, of a process started for it.
 *   The idle clients have had one message echoed, on coming in; a figure counts if all answer once more at the end. Peers that
 *   close quiet clients within a minute need a configuration that does not.
 * - A step that does not end within its limit (`--stall`) is broken off and counted as a stall. `stalls` moves 1,000 transfers
 *   of 0.1 to 8 MB, both ways, on 8 connections, and counts those that do not finish.
 * - New connections leave ports in TIME_WAIT, which at some ten thousand make the kernel slow: the namespace keeps few of
 *   them, elsewhere each subject has a data centre port of its own, and one load makes at most 8,000 connections.
 *
 * **Repeat.** `deno task bench` (some 6 minutes), `deno task bench --quick` (a minute, shows that it works),
 * `deno task bench --only conn,soak --json FILE`, `deno task bench --peer haproxy --peer 'other=/path/to/proxy {bind} {secret}'`;
 * `--help` has the rest. Linux only, for `/proc`; an idle machine helps; 9,000 idle clients need 18,500 descriptors.
 */
import { note, printLine } from "./lines.ts";
import { Namespace, NamespaceError } from "./namespace.ts";
import { parsePlan, usage, UsageError } from "./options.ts";
import { surroundings } from "./place.ts";
import { exitCodes, runHere } from "./run.ts";

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    printLine(usage);
    return exitCodes.fine;
  }
  try {
    const { delayMs } = parsePlan(args, surroundings("namespace"));
    const code = args.includes("--no-namespace") ? undefined : await runInNamespace(args, delayMs);
    if (code !== undefined) return code;
    if (delayMs > 0) throw new UsageError("--delay needs a network namespace");
    return await runHere(args, "override");
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    note(`${error.message}\n\nSee deno task bench --help`);
    return exitCodes.usage;
  }
}

/** Starts run.ts in a namespace, which goes when it ends, however it ends; `undefined` if there is none to be had. */
async function runInNamespace(args: readonly string[], delayMs: number): Promise<number | undefined> {
  const stop = new AbortController();
  using _signals = onSignals(() => stop.abort());
  await using namespace = await makeNamespace(delayMs);
  if (namespace === undefined) return undefined;
  if (stop.signal.aborted) return exitCodes.interrupted;
  const runner = new URL("run.ts", import.meta.url).pathname;
  const [program = "", ...words] = namespace.enter([Deno.execPath(), "run", "-A", runner, ...args]);
  return (await new Deno.Command(program, { args: words, stdin: "null", signal: stop.signal }).spawn().status).code;
}

/** `undefined` if there can be none, which is no reason to stop unless there is to be delay. */
async function makeNamespace(delayMs: number): Promise<Namespace | undefined> {
  try {
    return await Namespace.make(delayMs);
  } catch (error) {
    if (!(error instanceof NamespaceError)) throw error;
    if (delayMs > 0) throw new UsageError(`No delay on this machine: ${error.message}`);
    note(`${error.message}: measuring on the machine's own loopback`);
    return undefined;
  }
}

/** Calls `receive` for whatever asks this process to end, until it is disposed. */
function onSignals(receive: () => void): Disposable {
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) Deno.addSignalListener(name, receive);
  return {
    [Symbol.dispose]() {
      for (const name of names) Deno.removeSignalListener(name, receive);
    },
  };
}

if (import.meta.main) Deno.exit(await main(Deno.args));
