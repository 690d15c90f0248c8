/** What measuring needs: the load generator, the stand-in data centre, and how much load there is to be. */
import { type DcProcess, LoaderProcess, LoadTimeout } from "./children.ts";
import type { Job, LoadPause, LoadResult } from "./job.ts";
import { type Cores, unknownCores } from "./measure.ts";
import { usageOf } from "./proc.ts";
import type { Scale } from "./scale.ts";
import { median } from "./stats.ts";
import type { Subject } from "./subject.ts";
import type { BenchSecret } from "./template.ts";

const closingMs = 200;
const memorySamples = 9;
/** What clients of Telegram send in a record, and ask the data centre for. */
const shape = { dc: 2, messageBytes: 512, recordBytes: 2878, levels: [] } as const;
/** Longest that a client may take to get in, when the time limit of a load is reckoned. */
const slowestClientMs = 20;

/** What a load came to, and the CPU time of the subject. */
export interface Outcome {
  readonly result: LoadResult;
  readonly cores: Cores;
  readonly cpuSeconds: number;
}

/** The load generator and the data centre at work. */
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
    onPause?: (event: LoadPause) => Promise<void>,
  ): Promise<Outcome> {
    const { seconds, transferBytes, stallMs, most } = this.scale;
    const { speech, hello = "today" } = subject.spec;
    const secret = speech === "fake-tls" ? { ...this.secret, hello } : undefined;
    const job: Job = { ...shape, seconds, transferBytes, stallMs, most, secret, ...subject.address, ...own };
    const limitMs = 1000 * job.seconds + 4 * stallMs + slowestClientMs * job.connections + 30_000;
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
      const [cpuSeconds = 0, loader = 0, dc = 0] = cpu().map((after, index) => after - (before[index] ?? 0));
      const cores = { subject: cpuSeconds / result.seconds, loader: loader / result.seconds, dc: dc / result.seconds };
      return { result, cores, cpuSeconds };
    } catch (error) {
      await this.#loader[Symbol.asyncDispose]();
      this.#loader = new LoaderProcess();
      if (!(error instanceof LoadTimeout)) throw error;
      return { result: brokenOff(error.message), cores: unknownCores, cpuSeconds: NaN };
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

function brokenOff(fault: string): LoadResult {
  const latencies = { p50Ms: NaN, p99Ms: NaN, p999Ms: NaN };
  return { done: 0, bytes: 0, seconds: NaN, stalls: 1, errors: 0, ...latencies, faults: [fault] };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
