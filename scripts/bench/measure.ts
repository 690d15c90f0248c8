/** The measurements: which load each puts on a subject, and which figures it takes. */
import { type DcProcess, LoaderProcess, LoadTimeout } from "./children.ts";
import type { Job, LoadMode, LoadResult } from "./job.ts";
import type { Scale } from "./options.ts";
import { usageOf } from "./proc.ts";
import { median } from "./stats.ts";
import type { BenchSecret, Subject } from "./subject.ts";

const closingMs = 200;
const memorySamples = 9;
/** Before memory is read for the first time, so that what every process loads late is there. */
const firstConnections = 50;
const soakSeconds = 600;

/** A row of the report. */
export interface Figure {
  readonly key: string;
  readonly label: string;
  readonly unit: string;
  /** Decimal places. */
  readonly digits: number;
  /** What is to be reached, if anything: at most so many times the floor's, or so much. */
  readonly target?: { readonly of: "floor" | "absolute"; readonly most: number };
}

/** One subject measured once. */
export interface Sample {
  /** By `Figure.key`; NaN where it could not be measured. */
  readonly values: Readonly<Record<string, number>>;
  readonly stalls: number;
  readonly errors: number;
  readonly faults: readonly string[];
  /** Cores that each process kept busy; a loader or DC near 1 was the bottleneck, which costs rate but not CPU figures. */
  readonly cores: { readonly subject: number; readonly loader: number; readonly dc: number };
}

/** A kind of load with its figures. */
export interface Measure {
  readonly key: string;
  readonly mode: LoadMode;
  readonly connections: number;
  readonly figures: readonly Figure[];
  /** Whether it wants a process that has just been started. */
  readonly fresh: boolean;
  /** Whether one round of it is enough, since it takes minutes and compares a process with itself. */
  readonly once: boolean;
  run(subject: Subject, rig: Rig): Promise<Sample>;
}

/** What measuring needs: the helpers and how much load there is to be. */
export class Rig implements AsyncDisposable {
  readonly dc: DcProcess;
  readonly scale: Scale;
  readonly secret: BenchSecret;
  #loader = new LoaderProcess();

  constructor(dc: DcProcess, scale: Scale, secret: BenchSecret) {
    this.dc = dc;
    this.scale = scale;
    this.secret = secret;
  }

  /** Runs a load; one that has to be stopped counts as a stall. After any failure there is a new generator. */
  async load(
    subject: Subject,
    own: Pick<Job, "mode" | "connections"> & Partial<Job>,
    onPause?: (event: "ready" | "up") => Promise<void>,
  ): Promise<{ result: LoadResult; cores: Sample["cores"]; cpuSeconds: number }> {
    const { seconds, transferBytes, stallMs, most } = this.scale;
    const secret = subject.spec.speech === "fake-tls" ? this.secret : undefined;
    const shape = { dc: 2, messageBytes: 512, recordBytes: 2878 };
    const job: Job = { ...shape, seconds, transferBytes, stallMs, most, secret, port: subject.port, ...own };
    const limitMs = 1000 * job.seconds + 4 * stallMs + 30_000;
    const pids = [this.#loader.pid, this.dc.pid] as const;
    const cpu = () => [subject.usage().cpuSeconds, ...pids.map((pid) => usageOf(pid).cpuSeconds)];
    let before = cpu();
    try {
      const result = await this.#loader.run(job, limitMs, async (event) => {
        await onPause?.(event);
        await sleep(closingMs);
        before = cpu();
      });
      await sleep(closingMs);
      const [own = 0, loader = 0, dc = 0] = cpu().map((after, index) => after - (before[index] ?? 0));
      const cores = { subject: own / result.seconds, loader: loader / result.seconds, dc: dc / result.seconds };
      return { result, cores, cpuSeconds: own };
    } catch (error) {
      await this.#loader[Symbol.asyncDispose]();
      this.#loader = new LoaderProcess();
      if (!(error instanceof LoadTimeout)) throw error;
      return { result: brokenOff(error.message), cores: { subject: NaN, loader: NaN, dc: NaN }, cpuSeconds: NaN };
    }
  }

  /** Resident bytes once things have come to rest: the median over the last part of `settleSeconds`. */
  async restingMemory(subject: Subject): Promise<number> {
    const { settleSeconds } = this.scale;
    await sleep(600 * settleSeconds);
    const samples: number[] = [];
    for (let count = 0; count < memorySamples; count++) {
      await sleep(400 * settleSeconds / memorySamples);
      samples.push(subject.usage().residentBytes);
    }
    return median(samples);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loader[Symbol.asyncDispose]();
  }
}

/** Lets a subject run every path, so that what is measured is compiled code. */
export async function warmUp(subject: Subject, rig: Rig, seconds: number): Promise<void> {
  for (const mode of ["conn", "echo", "down", "up"] as const) {
    await rig.load(subject, { mode, connections: 8, seconds });
  }
}

/** CPU and rate of bulk transfers. */
export function bulk(mode: "down" | "up", connections: number, most: number | undefined): Measure {
  const key = `${mode}-${connections}`;
  const where = `${mode}, ${connections} connection${connections === 1 ? "" : "s"}`;
  return {
    key,
    mode,
    connections,
    fresh: false,
    once: false,
    figures: [
      { key: `${key}-cpu`, label: `CPU per GB ${where}`, unit: "s", digits: 3, ...atMost("floor", most) },
      { key: `${key}-rate`, label: `rate ${where}`, unit: "GB/s", digits: 2 },
    ],
    async run(subject, rig) {
      const { result, cores, cpuSeconds } = await rig.load(subject, { mode, connections });
      const gigabytes = result.bytes / 1e9;
      const values = { [`${key}-cpu`]: cpuSeconds / gigabytes, [`${key}-rate`]: gigabytes / result.seconds };
      return sampleOf(values, result, cores);
    },
  };
}

/** CPU, rate and latency of round trips (`echo`) or of whole connections (`conn`). */
export function steps(mode: "echo" | "conn", connections: number, most: number | undefined): Measure {
  const key = `${mode}-${connections}`;
  const what = mode === "echo" ? `round trip, ${connections} connections` : `new connection, ${connections} at a time`;
  return {
    key,
    mode,
    connections,
    fresh: false,
    once: false,
    figures: [
      { key: `${key}-cpu`, label: `CPU per ${what}`, unit: "µs", digits: 1, ...atMost("floor", most) },
      { key: `${key}-rate`, label: "… a second", unit: "/s", digits: 0 },
      { key: `${key}-p50`, label: "… p50", unit: "ms", digits: 2 },
      { key: `${key}-p99`, label: "… p99", unit: "ms", digits: 2 },
    ],
    async run(subject, rig) {
      const { result, cores, cpuSeconds } = await rig.load(subject, { mode, connections });
      const values = {
        [`${key}-cpu`]: cpuSeconds / result.done * 1e6,
        [`${key}-rate`]: result.done / result.seconds,
        [`${key}-p50`]: result.p50Ms,
        [`${key}-p99`]: result.p99Ms,
        [`${key}-p999`]: result.p999Ms,
      };
      return sampleOf(values, result, cores);
    },
  };
}

/** Memory with silent clients. */
export function idle(connections: number, most: number): Measure {
  const key = `idle-${connections}`;
  const clients = `${connections.toLocaleString("en")} idle clients`;
  return {
    key,
    mode: "idle",
    connections,
    fresh: true,
    once: false,
    figures: [
      { key: `${key}-total`, label: `memory with ${clients}`, unit: "MB", digits: 1, ...atMost("floor", most) },
      { key: `${key}-each`, label: "… each, above that without", unit: "B", digits: 0, ...atMost("floor", most) },
    ],
    async run(subject, rig) {
      let without = NaN;
      let withAll = NaN;
      await rig.load(subject, { mode: "conn", connections: 8, most: firstConnections });
      const { result, cores } = await rig.load(subject, { mode: "idle", connections }, async (event) => {
        const memory = await rig.restingMemory(subject);
        if (event === "ready") without = memory;
        else withAll = memory;
      });
      const values = {
        [`${key}-total`]: withAll / 1e6,
        [`${key}-before`]: without / 1e6,
        [`${key}-each`]: (withAll - without) / connections,
      };
      const missing = connections - result.done;
      return { ...sampleOf(values, result, cores), errors: Math.max(result.errors, missing - result.stalls) };
    },
  };
}

/** Memory after very many connections have come and gone. */
export function soak(connections: number, most: number): Measure {
  return {
    key: "soak",
    mode: "conn",
    connections,
    fresh: true,
    once: true,
    figures: [
      { key: "soak-first", label: "memory after the first fifth of the soak", unit: "MB", digits: 1 },
      { key: "soak-last", label: "memory after all of it", unit: "MB", digits: 1 },
      {
        key: "soak-growth",
        label: "… to that after the first fifth",
        unit: "×",
        digits: 3,
        ...atMost("absolute", most),
      },
    ],
    async run(subject, rig) {
      const memory: number[] = [];
      const values: Record<string, number> = {};
      let total: Sample | undefined;
      for (let fifth = 1; fifth <= 5; fifth++) {
        const own = { mode: "conn", connections, seconds: soakSeconds, most: rig.scale.soakConnections / 5 } as const;
        const { result, cores } = await rig.load(subject, own);
        total = addHealth(total, sampleOf(values, result, cores));
        memory.push(await rig.restingMemory(subject) / 1e6);
        values[`soak-${fifth}`] = memory.at(-1) ?? NaN;
      }
      const [first = NaN, last = NaN] = [memory[0], memory.at(-1)];
      Object.assign(values, { "soak-first": first, "soak-last": last, "soak-growth": last / first });
      return total ?? sampleOf(values, brokenOff("No load"), { subject: NaN, loader: NaN, dc: NaN });
    },
  };
}

function atMost(of: "floor" | "absolute", most: number | undefined): Pick<Figure, "target"> {
  return most === undefined ? {} : { target: { of, most } };
}

function sampleOf(values: Sample["values"], result: LoadResult, cores: Sample["cores"]): Sample {
  return { values, cores, stalls: result.stalls, errors: result.errors, faults: result.faults };
}

function addHealth(sum: Sample | undefined, next: Sample): Sample {
  if (sum === undefined) return next;
  const faults = [...sum.faults, ...next.faults];
  return { ...next, stalls: sum.stalls + next.stalls, errors: sum.errors + next.errors, faults };
}

/** What stands for a measurement of a subject that is gone. */
export function failedSample(fault: string): Sample {
  return { values: {}, stalls: 0, errors: 1, faults: [fault], cores: { subject: NaN, loader: NaN, dc: NaN } };
}

function brokenOff(fault: string): LoadResult {
  return {
    done: 0,
    bytes: 0,
    seconds: NaN,
    stalls: 1,
    errors: 0,
    p50Ms: NaN,
    p99Ms: NaN,
    p999Ms: NaN,
    faults: [fault],
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
