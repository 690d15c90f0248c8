/** The command line of the benchmark. */
import { parseArgs } from "@std/cli/parse-args";
import { runtimeFlags } from "../runtime.ts";
import { bulk, idle, type Measure, soak, steps } from "./measure.ts";
import { splitCommand, type SubjectSpec } from "./subject.ts";

/** How much load there is. */
export interface Scale {
  readonly rounds: number;
  /** Length of one load. */
  readonly seconds: number;
  /** Most connections of one `conn` load: each leaves a port in TIME_WAIT. */
  readonly most: number;
  /** Odd, so that each transfer meets the keystream at another alignment. */
  readonly transferBytes: number;
  readonly stallMs: number;
  /** Rest before memory is read, and the length of the reading. */
  readonly settleSeconds: number;
  readonly idleClients: number;
  readonly soakConnections: number;
}

/** What a run is to do. */
export interface Plan {
  readonly scale: Scale;
  readonly measures: readonly Measure[];
  /** This proxy first, the floor second, then the peers. */
  readonly subjects: readonly SubjectSpec[];
  readonly host: string;
  readonly jsonFile: string | undefined;
}

/** The command line cannot be used. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Names of the two subjects that are always at hand. */
export const ownName = "mtg";
export const floorName = "floor";

export const usage = `deno task bench [options]

  --rounds N         rounds, of which the medians are reported (3)
  --seconds S        length of one load (5)
  --only A,B         of down, up, echo, conn, idle, soak (all but soak)
  --full             down and up with 1 and 64 connections too
  --soak             memory over 100,000 connections too (some minutes)
  --clients N        idle clients (4000; a proxy needs two descriptors for each)
  --quick            one short round with few clients: shows that it works, not how fast
  --stall S          after how many seconds a step counts as stalled (15)
  --peer NAME=CMD    another MTProto proxy; CMD has {bind} or {port}, {secret}, {dc} or {dc-port} in it
  --forwarder NAME=CMD  another plain TCP forwarder from {bind} to {dc}
  --skip NAMES       subjects to leave out, such as mtg
  --direct           the load without anything in between too: what the load generator itself can do
  --host NAME        host of the fake-TLS secret (localhost)
  --json FILE        all figures of all rounds as JSON`;

const kinds = ["down", "up", "echo", "conn", "idle", "soak"] as const;
type Kind = typeof kinds[number];

/** What is to be reached, as a ratio to the floor in the same run; `soak` against itself. */
const targets = { down: 1.5, up: 4, echo: 1.25, conn: 2, idle: 1.5, soak: 1.05 } as const;

/** Reads the command line. @throws {UsageError} If an option is unknown or its value wrong. */
export function parsePlan(args: readonly string[]): Plan {
  const flags = parseArgs([...args], {
    boolean: ["full", "soak", "quick", "direct"],
    string: ["rounds", "seconds", "only", "clients", "stall", "peer", "forwarder", "skip", "host", "json"],
    collect: ["peer", "forwarder", "skip"],
    unknown: (name: string) => {
      throw new UsageError(`${name} is no option of this benchmark`);
    },
  });
  const quick = flags.quick;
  const scale: Scale = {
    rounds: positive("rounds", flags.rounds, quick ? 1 : 3),
    seconds: positive("seconds", flags.seconds, quick ? 1 : 5),
    most: quick ? 1000 : 8000,
    transferBytes: 8_000_003,
    stallMs: 1000 * positive("stall", flags.stall, 15),
    settleSeconds: quick ? 1 : 5,
    idleClients: positive("clients", flags.clients, quick ? 400 : 4000),
    soakConnections: quick ? 5000 : 100_000,
  };
  const wanted = chosenKinds(flags.only, flags.soak);
  return {
    scale,
    measures: measuresOf(wanted, scale, flags.full),
    subjects: subjectsOf(flags),
    host: flags.host ?? "localhost",
    jsonFile: flags.json,
  };
}

function measuresOf(wanted: readonly Kind[], scale: Scale, full: boolean): Measure[] {
  const connections = full ? [1, 8, 64] : [8];
  const bulks = (["down", "up"] as const).filter((mode) => wanted.includes(mode)).flatMap((mode) =>
    connections.map((count) => bulk(mode, count, count === 8 ? targets[mode] : undefined))
  );
  const rest = wanted.flatMap((kind): Measure[] => {
    switch (kind) {
      case "down":
      case "up":
        return [];
      case "echo":
        return [steps("echo", 32, targets.echo)];
      case "conn":
        return [steps("conn", 8, targets.conn)];
      case "idle":
        return [idle(scale.idleClients, targets.idle)];
      case "soak":
        return [soak(16, targets.soak)];
    }
  });
  return [...bulks, ...rest];
}

function subjectsOf(
  flags: { peer: readonly string[]; forwarder: readonly string[]; skip: readonly string[]; direct: boolean },
): SubjectSpec[] {
  const script = (path: string) => new URL(path, import.meta.url).pathname;
  const deno = [Deno.execPath(), "run", "--no-prompt"];
  const own = [Deno.execPath(), "run", ...runtimeFlags, script("../../main.ts"), "simple-run", "{bind}", "{secret}"];
  const all: SubjectSpec[] = [
    { name: ownName, speech: "fake-tls", command: [...own, "--dc-override", "2={dc}"] },
    { name: floorName, speech: "plain", command: [...deno, "--allow-net", script("floor.ts"), "{port}", "{dc-port}"] },
    ...flags.peer.map((text) => given(text, "fake-tls")),
    ...flags.forwarder.map((text) => given(text, "plain")),
    ...flags.direct ? [{ name: "direct", speech: "plain", command: [] } as const] : [],
  ];
  const skipped = flags.skip.flatMap((names) => names.split(","));
  const left = all.filter(({ name }) => !skipped.includes(name));
  const unknown = skipped.find((skip) => all.every(({ name }) => name !== skip));
  if (unknown !== undefined) throw new UsageError(`--skip ${unknown} names no subject`);
  if (new Set(all.map(({ name }) => name)).size < all.length) throw new UsageError("Two subjects have the same name");
  if (left.length === 0) throw new UsageError("--skip leaves nothing to measure");
  return left;
}

function given(text: string, speech: SubjectSpec["speech"]): SubjectSpec {
  const [, name, command = ""] = /^([\w.-]+)=(.*)$/s.exec(text) ?? [];
  const words = splitCommand(command);
  if (name === undefined || words.length === 0) throw new UsageError(`Expected NAME=COMMAND, got ${text}`);
  return { name, speech, command: words };
}

function chosenKinds(only: string | undefined, withSoak: boolean): Kind[] {
  if (only === undefined) return kinds.filter((kind) => kind !== "soak" || withSoak);
  const names = only.split(",");
  const unknown = names.find((name) => !kinds.some((kind) => kind === name));
  if (unknown !== undefined) throw new UsageError(`--only ${unknown}: expected some of ${kinds.join(", ")}`);
  return kinds.filter((kind) => names.includes(kind) || kind === "soak" && withSoak);
}

function positive(name: string, text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new UsageError(`--${name} ${text}: expected a number above 0`);
  return value;
}
