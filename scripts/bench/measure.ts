/** What a measurement is, and what comes of it. */
import type { LoadResult } from "./job.ts";
import type { Rig } from "./rig.ts";
import type { Subject } from "./subject.ts";

/** What is to be reached: at most so many times the floor's, or so much. */
export interface Target {
  readonly of: "floor" | "absolute";
  readonly most: number;
}

/** A row of the report. */
export interface Figure {
  readonly key: string;
  readonly label: string;
  readonly unit: string;
  /** Decimal places. */
  readonly digits: number;
  readonly target?: Target | undefined;
}

/** One subject measured once. */
export interface Sample {
  /** By `Figure.key`; NaN where it could not be measured. */
  readonly values: Readonly<Record<string, number>>;
  readonly stalls: number;
  readonly errors: number;
  readonly faults: readonly string[];
  /** Cores that each process kept busy; a loader or DC near 1 was the bottleneck, which costs rate but not CPU figures. */
  readonly cores: Cores;
}

/** Cores that the processes of a load kept busy. */
export interface Cores {
  readonly subject: number;
  readonly loader: number;
  readonly dc: number;
}

/** A kind of load with its figures. */
export interface Measure {
  readonly key: string;
  readonly figures: readonly Figure[];
  /** Whether it wants a process that has just been started. */
  readonly fresh: boolean;
  /** Whether one round of it is enough. */
  readonly once: boolean;
  run(subject: Subject, rig: Rig): Promise<Sample>;
}

/** The figures that a load came to, with its health. */
export function sampleOf(values: Sample["values"], result: LoadResult, cores: Cores): Sample {
  return { values, cores, stalls: result.stalls, errors: result.errors, faults: result.faults };
}

/** What stands for a measurement of a subject that is gone. */
export function failedSample(fault: string): Sample {
  return { values: {}, stalls: 0, errors: 1, faults: [fault], cores: unknownCores };
}

/** Where the processes cannot be asked any more. */
export const unknownCores: Cores = { subject: NaN, loader: NaN, dc: NaN };
