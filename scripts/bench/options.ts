/** The command line of the benchmark. */
import { parseArgs } from "@std/cli/parse-args";
import { delayedKinds, type Kind, kinds, measuresOf, usualKinds } from "./kinds.ts";
import type { Measure } from "./measure.ts";
import { SubjectError, subjectsOf, type SubjectSpec } from "./peers.ts";
import type { Place, Surroundings } from "./place.ts";
import { mostClients, type Scale } from "./scale.ts";

/** What a run is to do. */
export interface Plan {
  readonly scale: Scale;
  readonly measures: readonly Measure[];
  /** This proxy first, the floor second, then the peers. */
  readonly subjects: readonly SubjectSpec[];
  readonly place: Place;
  /** By which every packet is held up, both ways of both connections. */
  readonly delayMs: number;
  readonly host: string;
  readonly jsonFile: string | undefined;
  readonly chartDirectory: string | undefined;
  /** What was asked for and cannot be had, in words. */
  readonly notes: readonly string[];
}

/** The command line cannot be used. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const usage = `deno task bench [options]

What is measured
  --only A,B         of ${kinds.join(", ")} (all but soak)
  --full             everything, at more numbers of connections, with all peers that are at hand (an hour)
  --quick            one short round with few clients: shows that it works, not how fast (a minute)
  --soak             memory over 100,000 connections too (some minutes)
  --delay MS         with so much delay on every packet (netem; root): ${delayedKinds.join(", ")}
  --rounds N         rounds, of which the medians are reported (3)
  --seconds S        length of one load (4)
  --clients A,B      numbers of idle clients (1000,4000,9000; a proxy needs two descriptors for each)
  --stall S          after how many seconds a step counts as stalled (15)
  --host NAME        host of the fake-TLS secret (localhost)

Who is measured: this proxy and the floor, and
  --peer haproxy     HAProxy in TCP mode, if it is installed
  --peer mtprotoproxy  mtprotoproxy, if it is installed; --mtprotoproxy PATH says where
  --peer NAME=CMD    another MTProto proxy; its placeholders are {bind} {bind-host} {port} {secret} {secret-key} {host}
                     {dc} {dc-host} {dc-port} {config}
  --plain-peer NAME=CMD  another plain TCP forwarder, to {dc}
  --peer-config NAME=FILE  a configuration with the same placeholders; the path of the filled one is {config}
  --workers A,B      this proxy once for each number of workers (1)
  --skip A,B         subjects to leave out, such as mtg
  --direct           the load without anything in between too: what the load generator itself can do
  --no-namespace     do not make a network namespace, even as root: peers must be told {dc}

What comes of it
  --json FILE        all figures of all rounds as JSON
  --chart DIR        chart-light.svg and chart-dark.svg`;

/** Reads the command line. @throws {UsageError} If an option is unknown or its value wrong. */
export function parsePlan(args: readonly string[], surroundings: Surroundings): Plan {
  const flags = parseFlags(args);
  const delayMs = flags.delay === undefined ? 0 : positive("delay", flags.delay, 0);
  const chosen = chosenKinds(flags.only, delayMs > 0 ? delayedKinds : flags.full ? kinds : usualKinds);
  const wanted = flags.soak && !chosen.includes("soak") ? [...chosen, "soak" as const] : chosen;
  const notes: string[] = [];
  const scale = scaleOf(flags, mostClients(surroundings.descriptors), wanted.includes("idle") ? notes : []);
  const { subjects, leftOut } = subjectsFrom(flags, surroundings);
  return {
    scale,
    measures: wanted.flatMap((kind) => measuresOf(kind, scale, flags.full)),
    subjects,
    place: surroundings.place,
    delayMs,
    host: flags.host ?? "localhost",
    jsonFile: flags.json,
    chartDirectory: flags.chart,
    notes: [...notes, ...leftOut],
  };
}

type Flags = ReturnType<typeof parseFlags>;

function parseFlags(args: readonly string[]) {
  return parseArgs([...args], {
    boolean: ["full", "soak", "quick", "direct", "no-namespace"],
    string: [
      "rounds",
      "seconds",
      "only",
      "clients",
      "stall",
      "delay",
      "host",
      "json",
      "chart",
      "peer",
      "plain-peer",
      "peer-config",
      "mtprotoproxy",
      "workers",
      "skip",
    ],
    collect: ["peer", "plain-peer", "peer-config", "skip"],
    unknown: (name: string) => {
      throw new UsageError(`${name} is no option of this benchmark`);
    },
  });
}

/** What is said with the quick run in mind comes first. */
function scaleOf(flags: Flags, most: number, notes: string[]): Scale {
  const { quick } = flags;
  const levels = numbers("clients", flags.clients) ?? (quick ? [100, 400] : [1000, 4000, 9000]);
  const idleLevels = levels.filter((level) => level <= most).toSorted((a, b) => a - b);
  if (idleLevels.length < levels.length) {
    notes.push(`Idle clients are measured up to ${most} only: more take more descriptors (ulimit -n)`);
  }
  return {
    rounds: positive("rounds", flags.rounds, quick ? 1 : 3),
    seconds: positive("seconds", flags.seconds, quick ? 1 : 4),
    most: quick ? 1000 : 8000,
    transferBytes: 8_000_003,
    stallMs: 1000 * positive("stall", flags.stall, 15),
    settleSeconds: quick ? 1 : 3,
    idleLevels,
    burstClients: Math.min(most, quick ? 500 : 5000),
    silentSockets: Math.min(most, quick ? 500 : 9000),
    mixedTransfers: quick ? 60 : 1000,
    soakConnections: quick ? 5000 : 100_000,
  };
}

function subjectsFrom(flags: Flags, surroundings: Surroundings): ReturnType<typeof subjectsOf> {
  try {
    return subjectsOf({
      peer: flags.peer,
      plainPeer: flags["plain-peer"],
      peerConfig: flags["peer-config"],
      mtprotoproxy: flags.mtprotoproxy,
      workers: numbers("workers", flags.workers) ?? [],
      skip: flags.skip.flatMap((names: string) => names.split(",")),
      direct: flags.direct,
      full: flags.full,
    }, surroundings);
  } catch (error) {
    if (error instanceof SubjectError) throw new UsageError(error.message);
    throw error;
  }
}

function chosenKinds(only: string | undefined, usual: readonly Kind[]): readonly Kind[] {
  if (only === undefined) return usual;
  const names = only.split(",");
  const unknown = names.find((name) => !kinds.some((kind) => kind === name));
  if (unknown !== undefined) throw new UsageError(`--only ${unknown}: expected some of ${kinds.join(", ")}`);
  return kinds.filter((kind) => names.includes(kind));
}

function numbers(name: string, text: string | undefined): number[] | undefined {
  return text?.split(",").map((part) => {
    const value = positive(name, part, 0);
    if (!Number.isInteger(value)) throw new UsageError(`--${name} ${text}: expected whole numbers`);
    return value;
  });
}

function positive(name: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new UsageError(`--${name} ${text}: expected a number above 0`);
  return value;
}
