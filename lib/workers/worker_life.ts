/** One worker from its start to its end, whichever way that comes. */
import type { Address } from "../address.ts";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Heartbeats } from "../thread/heartbeats.ts";
import type { ThreadOptions } from "../thread/proxy_thread.ts";
import type { Settings } from "../thread/settings.ts";
import { untilGone } from "./lifeline.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/**
 * How long a worker may be silent. That is counted in looks at its heartbeat, not in time: where the whole machine or process
 * was held up, nobody has looked either.
 */
export interface Patience {
  readonly lookEveryMs: number;
  /** Looks in a row that find no new heartbeat of one that has had some. */
  readonly looks: number;
  /** The same for one that has not had any: it is loading. */
  readonly looksAtStart: number;
}

export const defaultPatience: Patience = { lookEveryMs: 1_000, looks: 10, looksAtStart: 30 };

export type WorkerEnd =
  /** It was told to stop, and has. */
  | { readonly kind: "stopped" }
  /** It cannot start, and says why. */
  | { readonly kind: "failed"; readonly reason: string }
  /** An error came out of it that nothing in it has caught. */
  | { readonly kind: "crashed"; readonly reason: string }
  /** It has exited or closed itself. */
  | { readonly kind: "exited" }
  /** Its heart has stopped: it hangs, or has exited where that cannot be told. */
  | { readonly kind: "silent"; readonly ms: number };

/** Whether its last words, which say more, come before its end is noticed is up to chance. */
const lastWordsMs = 20;

export interface WorkerLifeOptions {
  readonly module: URL;
  readonly thread: ThreadOptions;
  /** A Unix socket of the fronted site. */
  readonly frontPath: string | undefined;
  readonly heartbeats: Heartbeats;
  readonly clock: Clock;
  readonly patience: Patience;
}

export class WorkerLife implements Disposable {
  readonly #options: WorkerLifeOptions;
  readonly #worker: Worker | undefined;
  readonly #listening = Promise.withResolvers<readonly Address[] | undefined>();
  /** In the order in which they were sent, which is that of the answers. */
  readonly #applying: PromiseWithResolvers<void>[] = [];
  readonly #closed = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<WorkerEnd>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #over = new AbortController();
  /** Aborted when nobody wants to know of the thread any more. */
  readonly #forgotten = new AbortController();
  readonly #lifeline = `mtg ${crypto.randomUUID()}`;

  /** Starts it. Never throws: one that cannot even be made has ended. */
  constructor(options: WorkerLifeOptions) {
    this.#options = options;
    try {
      this.#worker = this.#open();
      this.#tell({ type: "start", thread: options.thread, lifeline: this.#lifeline });
      this.#watch();
    } catch (error) {
      this.#end({ kind: "crashed", reason: messageOf(error) });
    }
  }

  /** Resolves with what it listens on, or with nothing if it ends before. */
  get listening(): Promise<readonly Address[] | undefined> {
    return this.#listening.promise;
  }

  /** Resolves when it listens no more. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get ended(): Promise<WorkerEnd> {
    return this.#ended.promise;
  }

  /** Resolves when its thread is gone too, which is later than its end if it hangs, and may be never. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Has it serve by `settings`; resolves when it does, or has ended. */
  async apply(settings: Settings): Promise<void> {
    if (this.#over.signal.aborted) return;
    const applied = Promise.withResolvers<void>();
    this.#applying.push(applied);
    this.#tell({ type: "apply", settings });
    await applied.promise;
  }

  stop(graceMs: number): void {
    if (!this.#over.signal.aborted) this.#tell({ type: "stop", graceMs });
  }

  /** Ends it at once. */
  [Symbol.dispose](): void {
    this.#end({ kind: "stopped" });
    this.#forgotten.abort();
  }

  #open(): Worker {
    const { module, thread, frontPath } = this.#options;
    const listening = thread.listen.flatMap((address) => address.kind === "unix" ? [address.path] : []);
    const files = (name: "read" | "write") => {
      const paths = frontPath !== undefined && mayUse(name, frontPath) ? [...listening, frontPath] : listening;
      return paths.length > 0 ? paths : false;
    };
    const none = { env: false, ffi: false, import: false, run: false, sys: false };
    const worker = new Worker(module, {
      type: "module",
      name: `mtg-${thread.worker + 1}`,
      deno: { permissions: { ...none, net: "inherit", read: files("read"), write: files("write") } },
    });
    worker.addEventListener("message", ({ data }: MessageEvent<FromWorker>) => this.#hear(data));
    worker.addEventListener("error", (event) => {
      // Otherwise it would end the whole process.
      event.preventDefault();
      this.#end({ kind: "crashed", reason: event.message });
    });
    return worker;
  }

  #tell(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case "listening":
        this.#holdLifeline();
        return this.#listening.resolve(message.bound);
      case "applied":
        return this.#applying.shift()?.resolve();
      case "closed":
        return this.#closed.resolve();
      case "failed":
        return this.#end({ kind: "failed", reason: message.reason });
      case "stopped":
        return this.#end({ kind: "stopped" });
    }
  }

  #holdLifeline(): void {
    const { clock } = this.#options;
    const gone = untilGone(this.#lifeline, this.#forgotten.signal) ?? this.ended;
    gone.then(async () => {
      this.#gone.resolve();
      await clock.sleep(lastWordsMs, this.#over.signal);
      this.#end({ kind: "exited" });
    }).catch(() => {});
  }

  async #watch(): Promise<void> {
    const { heartbeats, clock, patience, thread: { worker } } = this.#options;
    const { signal } = this.#over;
    let last = heartbeats.of(worker);
    let looksAtMost = patience.looksAtStart;
    let silentLooks = 0;
    while (!signal.aborted) {
      await clock.sleep(patience.lookEveryMs, signal).catch(() => {});
      const beat = heartbeats.of(worker);
      if (beat !== last) {
        looksAtMost = patience.looks;
        silentLooks = 0;
      } else if (++silentLooks >= looksAtMost) {
        this.#end({ kind: "silent", ms: silentLooks * patience.lookEveryMs });
      }
      last = beat;
    }
  }

  #end(end: WorkerEnd): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#worker?.terminate();
    this.#listening.resolve(undefined);
    this.#closed.resolve();
    for (const applied of this.#applying) applied.resolve();
    this.#ended.resolve(end);
  }
}

/** A worker cannot have more than this thread: without the site's socket it starts all the same, and says what is missing. */
function mayUse(name: "read" | "write", path: string): boolean {
  return Deno.permissions.querySync({ name, path }).state === "granted";
}
