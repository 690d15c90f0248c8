import type { Address } from "../address.ts";
import type { Config } from "../config/config.ts";
import type { Counts } from "../metrics/counters.ts";
import type { LogFormat } from "../metrics/log.ts";
import { ProxyThread } from "./proxy_thread.ts";
import type { Service } from "./service.ts";
import type { Settings } from "./settings.ts";
import { allocate, type SharedBuffers, SharedState } from "./shared_state.ts";

/** The whole service in the thread that started it. */
export class OneThread implements Service {
  readonly replaced = 0;
  readonly broken: Promise<never> = new Promise(() => {});
  readonly #thread: ProxyThread;
  readonly #shared: SharedState;

  private constructor(thread: ProxyThread, shared: SharedState) {
    this.#thread = thread;
    this.#shared = shared;
  }

  /** @throws {Error} If an address cannot be listened on. */
  static async start({ config, logFormat }: { config: Config; logFormat: LogFormat }): Promise<OneThread> {
    const shared: SharedBuffers = allocate(config, 1);
    const place = { worker: 0, workers: 1, listen: config.bindTo, elsewhere: [], checksFront: true };
    const thread = await ProxyThread.start({ config, dcUpdates: new Map(), logFormat, shared, ...place });
    return new OneThread(thread, new SharedState(config, shared));
  }

  get bound(): readonly Address[] {
    return this.#thread.bound;
  }

  get counts(): Counts {
    return this.#shared.counters.total;
  }

  mayFront(): boolean {
    return true;
  }

  apply(settings: Settings): Promise<void> {
    this.#thread.apply(settings);
    return Promise.resolve();
  }

  stop(graceMs: number, onClosed: () => void): Promise<void> {
    return this.#thread.stop(graceMs, onClosed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]();
  }
}
