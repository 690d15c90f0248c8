/** The outcome of a run: medians over the rounds, ratios to the floor, and whether the targets are met. */
import type { Figure, Measure, Sample } from "./measure.ts";
import type { Plan } from "./options.ts";
import { floorName, isOwn } from "./peers.ts";
import { median } from "./stats.ts";

/** One subject measured once, in one round. */
export interface Entry {
  readonly round: number;
  readonly measure: string;
  readonly subject: string;
  readonly sample: Sample;
}

/** A row of the table. */
export interface Row {
  readonly figure: Figure;
  /** Medians over the rounds, by subject; absent where it was not measured. */
  readonly values: Readonly<Record<string, number>>;
  /** To the floor's, by subject other than the floor. */
  readonly ratios: Readonly<Record<string, number>>;
  /** Whether the first subject, if it is this proxy, reaches the target; absent without a target or without figures. */
  readonly met?: boolean;
}

/** Where a run was made. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly kernel: string;
  readonly deno: string;
  /** In ISO 8601. */
  readonly date: string;
}

/** All that is known after a run; what `--json` writes. */
export interface BenchResult extends Pick<Plan, "place" | "delayMs" | "scale" | "subjects" | "notes"> {
  readonly machine: Machine;
  readonly rows: readonly Row[];
  readonly trouble: Readonly<Record<string, Trouble>>;
  /** What the data centre complained of. */
  readonly dcFaults: readonly string[];
  readonly entries: readonly Entry[];
}

/** One row for each figure; `subjects` in the order of the columns, the one that has targets first. */
export function rowsOf(measures: readonly Measure[], subjects: readonly string[], entries: readonly Entry[]): Row[] {
  return measures.flatMap(({ figures }) => figures).map((figure) => {
    const values: Record<string, number> = {};
    for (const subject of subjects) {
      const value = median(
        entries.filter((entry) => entry.subject === subject).map(({ sample }) => sample.values[figure.key] ?? NaN)
          .filter(Number.isFinite),
      );
      if (Number.isFinite(value)) values[subject] = value;
    }
    const ratios = ratiosToFloor(values);
    const first = subjects[0] ?? "";
    const met = isOwn(first) ? isMet(figure, values[first], ratios[first]) : undefined;
    return { figure, values, ratios, ...met === undefined ? {} : { met } };
  });
}

/** Up to `most` of `faults` in words, equal ones once and counted. */
export function summariseFaults(faults: readonly string[], most: number): string[] {
  const counts = Map.groupBy(faults, (fault) => fault);
  return [...counts].slice(0, most).map(([fault, { length }]) => length === 1 ? fault : `${fault} (${length} times)`);
}

/** Steps that never finished and steps that went wrong, by subject. */
export function troubleOf(subjects: readonly string[], entries: readonly Entry[]): Record<string, Trouble> {
  return Object.fromEntries(subjects.map((subject) => {
    const samples = entries.filter((entry) => entry.subject === subject).map(({ sample }) => sample);
    return [subject, {
      stalls: samples.reduce((sum, { stalls }) => sum + stalls, 0),
      errors: samples.reduce((sum, { errors }) => sum + errors, 0),
      faults: samples.flatMap(({ faults }) => faults),
    }];
  }));
}

/** What went wrong with a subject. */
export interface Trouble {
  readonly stalls: number;
  readonly errors: number;
  readonly faults: readonly string[];
}

/** The table in Markdown, aligned for reading as it is. */
export function tableOf(rows: readonly Row[], subjects: readonly string[], trouble: Record<string, Trouble>): string {
  const judged = isOwn(subjects[0] ?? "");
  const first = judged ? subjects.slice(0, 1) : [];
  const others = subjects.filter((name) => name !== floorName && !first.includes(name));
  const head = ["", ...first, ...subjects.filter((name) => name === floorName)];
  const cells = [[...head, ...judged ? ["ratio", "at most", ""] : [], ...others]];
  for (const row of rows) {
    const shown = (name: string) => show(row.values[name], row.figure.digits);
    const own = first.map((name) => showRatio(row.ratios[name]));
    cells.push([
      row.figure.unit === "" ? row.figure.label : `${row.figure.label}, ${row.figure.unit}`,
      ...head.slice(1).map(shown),
      ...judged ? [...own, showTarget(row.figure), showMet(row.met)] : [],
      ...others.map((name) =>
        row.ratios[name] === undefined ? shown(name) : `${shown(name)} (${showRatio(row.ratios[name])})`
      ),
    ]);
  }
  const count = (name: string) => `${trouble[name]?.stalls ?? 0} / ${trouble[name]?.errors ?? 0}`;
  const clean = first.every((name) => count(name) === "0 / 0");
  cells.push([
    "stalled / failed steps",
    ...head.slice(1).map(count),
    ...judged ? ["", "0 / 0", showMet(clean)] : [],
    ...others.map(count),
  ]);
  return alignTable(cells);
}

function ratiosToFloor(values: Readonly<Record<string, number>>): Record<string, number> {
  const floor = values[floorName];
  if (floor === undefined || floor === 0) return {};
  return Object.fromEntries(
    Object.entries(values).filter(([name]) => name !== floorName).map(([name, value]) => [name, value / floor]),
  );
}

function isMet({ target }: Figure, value: number | undefined, ratio: number | undefined): boolean | undefined {
  if (target === undefined) return undefined;
  const judged = target.of === "floor" ? ratio : value;
  return judged === undefined ? undefined : judged <= target.most;
}

function show(value: number | undefined, digits: number): string {
  if (value === undefined) return "–";
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function showRatio(ratio: number | undefined): string {
  return ratio === undefined ? "–" : `${ratio.toFixed(2)} ×`;
}

function showTarget({ target }: Figure): string {
  if (target === undefined) return "";
  return target.of === "floor" ? `${target.most} × floor` : String(target.most);
}

function showMet(met: boolean | undefined): string {
  return met === undefined ? "" : met ? "✓" : "✗";
}

function alignTable(cells: readonly (readonly string[])[]): string {
  const widths = cells[0]?.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = cells.map((row) =>
    `| ${
      row.map((cell, column) => column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)).join(
        " | ",
      )
    } |`
  );
  const rule = `| ${
    widths.map((width, column) => column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`).join(" | ")
  } |`;
  return [lines[0] ?? "", rule, ...lines.slice(1)].join("\n");
}
