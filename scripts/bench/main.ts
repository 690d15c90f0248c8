/**
 * The benchmark of the whole proxy on loopback: `deno task bench`.
 *
 * **What.** CPU-seconds per GB down and up at 8 connections, CPU microseconds per round trip of 512 bytes at 32
 * connections and per new connection (handshake, one round trip of 64 bytes, close), rates and p50/p99, memory with
 * 4,000 idle clients, and on demand memory over 100,000 connections: for this proxy (`main.ts simple-run`, one thread,
 * fake TLS) and for the floor (floor.ts, a plain TCP forwarder on Deno) under the same load without TLS. The figures
 * that count are the ratios: the machine's speed drops out of them.
 *
 * **How.** The load generator (loader.ts), the stand-in data centre (dc.ts) and each subject are processes of their
 * own. Every round measures everything on every subject in turn, in the other order every other round; reported are
 * the medians over the rounds, and ratios of these.
 *
 * - CPU is user and system time of the subject and its children (`/proc/PID/stat`, ticks of 10 ms), from the moment
 *   when the connections of the load stand (for new connections: from the first) to 0.2 s after its end. The load
 *   generator takes a good part of the machine, so the *rates* say less than the CPU: where `loader` or `dc` in the
 *   JSON are near 1 core, the rate is theirs.
 * - Bulk: transfers of 8,000,003 bytes follow each other on every connection. The number of bytes is exact; of the
 *   content 1 KiB in every 64 KiB is enciphered and compared, beginning and end always (content.ts says why that is
 *   enough). Clients send TLS records of 2,878 bytes, as Telegram's do.
 * - Round trips and new connections: every answer is compared. ClientHellos have the size of today's clients (1.8 KB);
 *   the server's flight is verified. No two connections share keys, since the proxy refuses replays.
 * - Memory is VmRSS, a median over 2 s after 3 s of rest, of a process started for it. The idle clients have had one
 *   message echoed before and answer once more afterwards. The soak is done in the first round only.
 * - A step that does not end within its limit (`--stall`) is broken off and counted as a stall.
 * - New connections leave ports in TIME_WAIT, which at some ten thousand make the kernel slow: each subject has a
 *   listener and a data centre port of its own, and one load makes at most 8,000 connections.
 *
 * **Repeat.** `deno task bench` (some 4 minutes), `deno task bench --quick` (half a minute, shows that it works),
 * `deno task bench --only conn,soak --json FILE`, `deno task bench --peer 'other=/path/to/proxy … {bind} {secret} {dc}'`.
 * Linux only, for `/proc`; an idle machine helps; 4,000 idle clients need 8,192 descriptors (`ulimit -n`).
 */
import { DcProcess } from "./children.ts";
import { printLine } from "./lines.ts";
import { failedSample, type Measure, Rig, type Sample, warmUp } from "./measure.ts";
import { parsePlan, type Plan, usage, UsageError } from "./options.ts";
import { processorName } from "./proc.ts";
import { type Entry, rowsOf, summariseFaults, tableOf, troubleOf } from "./report.ts";
import { Subject, SubjectGone, type SubjectSpec } from "./subject.ts";

const failedExit = 1;
const usageExit = 2;
const interruptedExit = 130;
const faultsShown = 5;

/** Starts the subjects: those that live through the whole run, and those that live for one measurement. */
class Stable implements AsyncDisposable {
  readonly #rig: Rig;
  readonly #lasting = new Map<SubjectSpec, Subject>();
  readonly #all = new Set<Subject>();
  /** Why a subject cannot be started; that is tried once. */
  readonly #dead = new Map<SubjectSpec, string>();

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  /** Measures `spec` once; a subject that cannot be started or dies of it gives a failed sample. */
  async measure(measure: Measure, spec: SubjectSpec, dcPort: number): Promise<Sample> {
    const dead = this.#dead.get(spec);
    if (dead !== undefined) return failedSample(dead);
    let subject: Subject | undefined;
    try {
      subject = (measure.fresh ? undefined : this.#lasting.get(spec)) ?? await this.#start(spec, dcPort);
      if (!measure.fresh) await this.#keep(subject);
      return await measure.run(subject, this.#rig);
    } catch (error) {
      if (!(error instanceof SubjectGone)) throw error;
      if (subject === undefined) this.#dead.set(spec, error.message);
      else await this.#end(subject);
      return failedSample(`${measure.key}: ${error.message}`);
    } finally {
      if (measure.fresh && subject !== undefined) await this.#end(subject);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const subject of this.#all) await this.#end(subject);
  }

  async #start(spec: SubjectSpec, dcPort: number): Promise<Subject> {
    const subject = await Subject.start(spec, dcPort, this.#rig.secret);
    this.#all.add(subject);
    return subject;
  }

  async #keep(subject: Subject): Promise<void> {
    if (this.#lasting.has(subject.spec)) return;
    this.#lasting.set(subject.spec, subject);
    await warmUp(subject, this.#rig, 1);
  }

  async #end(subject: Subject): Promise<void> {
    this.#all.delete(subject);
    if (this.#lasting.get(subject.spec) === subject) this.#lasting.delete(subject.spec);
    await subject[Symbol.asyncDispose]();
  }
}

async function measureAll(plan: Plan, rig: Rig, stable: Stable): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let round = 1; round <= plan.scale.rounds; round++) {
    for (const measure of plan.measures.filter(({ once }) => !once || round === 1)) {
      const order = plan.subjects.map((spec, index) => ({ spec, dcPort: rig.dc.ports[index] ?? 0 }));
      for (const { spec, dcPort } of round % 2 === 0 ? order.reverse() : order) {
        note(`round ${round}/${plan.scale.rounds} ${measure.key} ${spec.name}`);
        const sample = await stable.measure(measure, spec, dcPort);
        entries.push({ round, measure: measure.key, subject: spec.name, sample });
      }
    }
  }
  return entries;
}

/** Prints the outcome; gives whether the first subject did everything that was asked. */
async function report(plan: Plan, entries: readonly Entry[], dc: DcProcess): Promise<boolean> {
  const names = plan.subjects.map(({ name }) => name);
  const dcFaults = dc.faults.map(({ fault, port }) => `data centre of ${names[dc.ports.indexOf(port)]}: ${fault}`);
  const rows = rowsOf(plan.measures, names, entries);
  const trouble = troubleOf(names, entries);
  const machine = {
    processor: processorName(),
    cores: navigator.hardwareConcurrency,
    kernel: Deno.osRelease(),
    deno: Deno.version.deno,
    date: new Date().toISOString(),
  };
  printLine(`${machine.cores} × ${machine.processor}, Linux ${machine.kernel}, Deno ${machine.deno}, ${machine.date}`);
  printLine(`Medians of ${plan.scale.rounds} rounds, ${plan.scale.seconds} s a load.\n`);
  printLine(tableOf(rows, names, trouble));
  for (const name of names) {
    for (const fault of summariseFaults(trouble[name]?.faults ?? [], faultsShown)) printLine(`${name}: ${fault}`);
  }
  for (const fault of summariseFaults(dcFaults, faultsShown)) printLine(fault);
  const { stalls = 0, errors = 0 } = trouble[names[0] ?? ""] ?? {};
  if (plan.jsonFile === undefined) return stalls + errors === 0;
  const whole = { machine, scale: plan.scale, subjects: plan.subjects, rows, trouble, dcFaults, entries };
  await Deno.writeTextFile(plan.jsonFile, JSON.stringify(whole, undefined, 2) + "\n");
  return stalls + errors === 0;
}

async function run(plan: Plan): Promise<boolean> {
  await using dc = await DcProcess.start(plan.subjects.length);
  const key = crypto.getRandomValues(new Uint8Array(16)).toHex();
  await using rig = new Rig(dc, plan.scale, { key, host: plan.host });
  await using stable = new Stable(rig);
  const interrupted = () => void stable[Symbol.asyncDispose]().finally(() => Deno.exit(interruptedExit));
  Deno.addSignalListener("SIGINT", interrupted);
  Deno.addSignalListener("SIGTERM", interrupted);
  try {
    return await report(plan, await measureAll(plan, rig, stable), dc);
  } finally {
    Deno.removeSignalListener("SIGINT", interrupted);
    Deno.removeSignalListener("SIGTERM", interrupted);
  }
}

function note(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text + "\n"));
}

async function main(): Promise<number> {
  if (Deno.args.includes("--help")) {
    printLine(usage);
    return 0;
  }
  try {
    return await run(parsePlan(Deno.args)) ? 0 : failedExit;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    note(`${error.message}\n\n${usage}`);
    return usageExit;
  }
}

if (import.meta.main) Deno.exit(await main());
