/** A whole run: every round, everything, every subject; then the report. main.ts starts this where it is to run. */
import { writeCharts } from "./chart.ts";
import { DcProcess } from "./children.ts";
import { note, printLine } from "./lines.ts";
import { parsePlan, type Plan } from "./options.ts";
import { type Place, surroundings } from "./place.ts";
import { processorName } from "./proc.ts";
import { type BenchResult, type Entry, rowsOf, summariseFaults, tableOf, troubleOf } from "./report.ts";
import { Rig } from "./rig.ts";
import { Stable } from "./stable.ts";

/** What the process says when it ends; `failed`: the first subject did not do everything that was asked. */
export const exitCodes = { fine: 0, failed: 1, usage: 2, interrupted: 130 } as const;

const faultsShown = 5;

/** Does what `args` say on the network of this process. @throws {UsageError} */
export async function runHere(args: readonly string[], place: Place): Promise<number> {
  return await run(parsePlan(args, surroundings(place))) ? exitCodes.fine : exitCodes.failed;
}

/** Gives whether the first subject did everything that was asked. */
async function run(plan: Plan): Promise<boolean> {
  for (const text of plan.notes) note(text);
  await using dc = await DcProcess.start(plan.place, plan.subjects.length);
  const key = crypto.getRandomValues(new Uint8Array(16)).toHex();
  await using rig = new Rig(dc, plan.scale, { key, host: plan.host });
  await using stable = new Stable(rig);
  const interrupted = async () => {
    for (const each of [stable, rig, dc]) await each[Symbol.asyncDispose]();
    Deno.exit(exitCodes.interrupted);
  };
  Deno.addSignalListener("SIGINT", interrupted);
  Deno.addSignalListener("SIGTERM", interrupted);
  try {
    const result = resultOf(plan, await measureAll(plan, rig, stable), dc);
    print(result);
    if (plan.jsonFile !== undefined) {
      await Deno.writeTextFile(plan.jsonFile, JSON.stringify(result, undefined, 2) + "\n");
    }
    if (plan.chartDirectory !== undefined) await writeCharts(result, plan.chartDirectory);
    const { stalls = 0, errors = 0 } = result.trouble[plan.subjects[0]?.name ?? ""] ?? {};
    return stalls + errors === 0;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupted);
    Deno.removeSignalListener("SIGTERM", interrupted);
  }
}

async function measureAll(plan: Plan, rig: Rig, stable: Stable): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let round = 1; round <= plan.scale.rounds; round++) {
    for (const measure of plan.measures.filter(({ once }) => !once || round === 1)) {
      const order = plan.subjects.map((spec, index) => ({ spec, dc: rig.dc.addressFor(index) }));
      for (const { spec, dc } of round % 2 === 0 ? order.reverse() : order) {
        note(`round ${round}/${plan.scale.rounds} ${measure.key} ${spec.name}`);
        const sample = await stable.measure(measure, spec, dc);
        entries.push({ round, measure: measure.key, subject: spec.name, sample });
      }
    }
  }
  return entries;
}

function resultOf(plan: Plan, entries: readonly Entry[], dc: DcProcess): BenchResult {
  const { place, delayMs, scale, subjects, notes } = plan;
  const names = subjects.map(({ name }) => name);
  const machine = {
    processor: processorName(),
    cores: navigator.hardwareConcurrency,
    kernel: Deno.osRelease(),
    deno: Deno.version.deno,
    date: new Date().toISOString(),
  };
  const rows = rowsOf(plan.measures, names, entries);
  const dcFaults = dc.faults.map(({ fault, subject }) => `data centre of ${subject}: ${fault}`);
  const trouble = troubleOf(names, entries);
  return { machine, place, delayMs, scale, subjects, notes, rows, trouble, dcFaults, entries };
}

function print({ machine, place, delayMs, scale, subjects, rows, trouble, dcFaults }: BenchResult): void {
  const { cores, processor, kernel, deno, date } = machine;
  const where = place === "namespace" ? "in a network namespace" : "on the machine's own loopback";
  const delay = delayMs > 0 ? `, ${delayMs} ms of delay on every packet` : "";
  const names = subjects.map(({ name }) => name);
  printLine(`${cores} × ${processor}, Linux ${kernel}, Deno ${deno}, ${date}`);
  printLine(`Medians of ${scale.rounds} rounds, ${scale.seconds} s a load, ${where}${delay}.\n`);
  printLine(tableOf(rows, names, trouble));
  for (const name of names) {
    for (const fault of summariseFaults(trouble[name]?.faults ?? [], faultsShown)) printLine(`${name}: ${fault}`);
  }
  for (const fault of summariseFaults(dcFaults, faultsShown)) printLine(fault);
}

if (import.meta.main) Deno.exit(await runHere(Deno.args, "namespace"));
