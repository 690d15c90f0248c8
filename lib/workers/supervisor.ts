/**
 * Several workers as one service: starts them, replaces those that die, and ends them in order.
 *
 * Each worker listens by itself, and the kernel shares out the clients (`reusePort`). A Unix socket cannot be shared so; the
 * first worker serves it.
 *
 * A worker that hangs is the one thing that cannot be mended whole: `terminate()` waits for its event loop, so one in an endless
 * loop keeps its thread, and its socket goes on to get its share of the clients (tried with Deno 2.9.6). It is replaced all the
 * same, since the others serve the rest. Where nobody else serves its address, or where as many hang as there should be, only a
 * new process helps.
 */
import type { Address } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Counts } from "../metrics/counters.ts";
import { log, logEvents, type LogFormat, setLogLevel } from "../metrics/log.ts";
import { systemClock } from "../net/system_clock.ts";
import { probe } from "../thread/bind_to.ts";
import { outliveFaults } from "../thread/faults.ts";
import type { Service } from "../thread/service.ts";
import type { Settings } from "../thread/settings.ts";
import { allocate, type SharedBuffers, SharedState } from "../thread/shared_state.ts";
import { defaultPatience, type Patience, type WorkerEnd, WorkerLife } from "./worker_life.ts";

/** Before a dead worker is replaced. */
const pauses = { leastMs: 100, mostMs: 10_000 } as const;
/** Beyond the grace period, for a worker to end. */
const endingMs = 2_000;

export interface SupervisorOptions {
  readonly config: Config;
  readonly logFormat: LogFormat;
  readonly workers: number;
  /** @default {`worker.ts`} */
  readonly module?: URL;
  readonly patience?: Patience;
}

export class Supervisor implements Service {
  readonly #options: Required<SupervisorOptions>;
  readonly #clock: Clock = systemClock;
  readonly #buffers: SharedBuffers;
  readonly #shared: SharedState;
  readonly #lives: WorkerLife[] = [];
  readonly #keepers: Promise<void>[] = [];
  readonly #stopping = new AbortController();
  readonly #broken = Promise.withResolvers<never>();
  readonly #guard: Disposable;
  #settings: Settings;
  #bound: readonly Address[] = [];
  #replaced = 0;
  /** Those that are replaced while their thread may go on for ever. */
  readonly #hanging = new Set<WorkerLife>();

  private constructor(options: SupervisorOptions) {
    this.#options = { module: new URL("./worker.ts", import.meta.url), patience: defaultPatience, ...options };
    this.#settings = { config: options.config, dcUpdates: new Map() };
    this.#buffers = allocate(options.config, options.workers);
    this.#shared = new SharedState(options.config, this.#buffers);
    this.#guard = outliveFaults(logEvents(this.#clock));
    this.#broken.promise.catch(() => {});
  }

  /** @throws {Error} If an address cannot be listened on, or a worker does not start; then none is left. */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const supervisor = new Supervisor(options);
    try {
      await supervisor.#start();
      return supervisor;
    } catch (error) {
      await supervisor[Symbol.asyncDispose]();
      throw error;
    }
  }

  get bound(): readonly Address[] {
    return this.#bound;
  }

  get counts(): Counts {
    return this.#shared.counters.total;
  }

  /** Counts of one worker, from 0, and those before it. */
  countsOf(worker: number): Counts {
    return this.#shared.counters.of(worker);
  }

  get #frontPath(): string | undefined {
    return this.#options.config.domainFronting.unixPath;
  }

  get replaced(): number {
    return this.#replaced;
  }

  get broken(): Promise<never> {
    return this.#broken.promise;
  }

  mayFront({ domainFronting: { unixPath } }: Config): boolean {
    return unixPath === undefined || unixPath === this.#frontPath;
  }

  async apply(settings: Settings): Promise<void> {
    this.#settings = settings;
    setLogLevel(settings.config.logLevel);
    await Promise.all(this.#lives.map((life) => life.apply(settings)));
  }

  async stop(graceMs: number, onClosed: () => void): Promise<void> {
    this.#stopping.abort();
    for (const life of this.#lives) life.stop(graceMs);
    const closed = Promise.all(this.#lives.map((life) => life.closed)).then(onClosed);
    const allOver = new AbortController();
    const limit = this.#clock.sleep(graceMs + endingMs, allOver.signal).catch(() => {});
    await Promise.race([limit, Promise.all([closed, ...this.#keepers])]);
    allOver.abort();
    await this[Symbol.asyncDispose]();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    for (const life of [...this.#lives, ...this.#hanging]) life[Symbol.dispose]();
    await Promise.all(this.#keepers);
    this.#guard[Symbol.dispose]();
  }

  async #start(): Promise<void> {
    const { config: { bindTo }, workers } = this.#options;
    // The first worker turns port 0 into a real one, on which the others listen too.
    this.#bound = await this.#untilListening(0, this.#live(0, await probe(bindTo)));
    const others = Array.from({ length: workers - 1 }, (_, index) => index + 1);
    await Promise.all(others.map((worker) => this.#untilListening(worker, this.#live(worker))));
    for (const [worker, life] of this.#lives.entries()) this.#keepers.push(this.#keep(worker, life));
  }

  #live(worker: number, listen = this.#addressesOf(worker)): WorkerLife {
    const { logFormat, workers, module, patience } = this.#options;
    const elsewhere = this.#bound.filter((address) => !listen.includes(address));
    const place = { worker, workers, listen, elsewhere, checksFront: worker === 0 };
    const thread = { ...this.#settings, logFormat, shared: this.#buffers, ...place };
    const { heartbeats } = this.#shared;
    const frontPath = this.#frontPath;
    return this.#lives[worker] = new WorkerLife({
      module,
      thread,
      frontPath,
      heartbeats,
      clock: this.#clock,
      patience,
    });
  }

  #addressesOf(worker: number): readonly Address[] {
    return this.#bound.filter((address) => worker === 0 || address.kind === "tcp");
  }

  async #untilListening(worker: number, life: WorkerLife): Promise<readonly Address[]> {
    const bound = await life.listening;
    if (bound !== undefined) return bound;
    const end = await life.ended;
    throw new Error(end.kind === "failed" ? end.reason : this.#describe(worker, end));
  }

  /** Replaces a worker whenever it has died, until the service stops or cannot go on. */
  async #keep(worker: number, first: WorkerLife): Promise<void> {
    const { signal } = this.#stopping;
    let pauseMs = 0;
    for (let life = first;; life = this.#replace(worker)) {
      const startMs = this.#clock.elapsedMs();
      const end = await life.ended;
      this.#shared.giveBack(worker);
      if (signal.aborted) return;
      const why = this.#describe(worker, end);
      if (end.kind === "silent" && !(await this.#canSpare(worker, life))) {
        return this.#broken.reject(new Error(`${why}, and it cannot be replaced: its thread keeps its sockets`));
      }
      const flaw = this.#hanging.has(life)
        ? ", but clients that the kernel sends to its sockets get no answer until the proxy is started anew"
        : "";
      log("error", `${why}; another takes its place${flaw}`, { worker: worker + 1 });
      this.#replaced++;
      pauseMs = pauseAfter(this.#clock.elapsedMs() - startMs, pauseMs);
      await this.#clock.sleep(pauseMs, signal).catch(() => {});
      if (signal.aborted) return;
    }
  }

  #replace(worker: number): WorkerLife {
    const life = this.#live(worker);
    life.listening.then((bound) => {
      if (bound !== undefined) log("info", `worker ${worker + 1} serves again`, { worker: worker + 1 });
    });
    return life;
  }

  /** Whether the service can do without a worker that hangs; one that has never listened, or comes to its end after all, it can. */
  async #canSpare(worker: number, life: WorkerLife): Promise<boolean> {
    if (await life.listening === undefined) return true;
    this.#hanging.add(life);
    const gone = life.gone.then(() => this.#hanging.delete(life));
    await Promise.race([gone, this.#clock.sleep(endingMs, this.#stopping.signal).catch(() => {})]);
    const { workers } = this.#options;
    const isAlone = workers === 1 || this.#addressesOf(worker).some((address) => address.kind === "unix");
    return !this.#hanging.has(life) || (!isAlone && this.#hanging.size < workers);
  }

  #describe(worker: number, end: WorkerEnd): string {
    switch (end.kind) {
      case "stopped":
        return `worker ${worker + 1} has stopped`;
      case "failed":
        return `worker ${worker + 1} cannot start: ${end.reason}`;
      case "crashed":
        return `worker ${worker + 1} has crashed: ${end.reason}`;
      case "exited":
        return `worker ${worker + 1} has ended by itself`;
      case "silent":
        return `worker ${worker + 1} gives no sign of life for ${end.ms / 1_000} s`;
    }
  }
}

/** How long to wait before a worker is replaced that has lived for so long: the longer the sooner it dies again. */
export function pauseAfter(livedMs: number, lastMs: number): number {
  if (lastMs === 0 || livedMs >= pauses.mostMs) return pauses.leastMs;
  return Math.min(2 * lastMs, pauses.mostMs);
}
