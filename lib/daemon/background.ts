import { messageOf } from "../errors.ts";
import { log } from "../metrics/log.ts";

/** Something that goes on beside the service and can be switched on and off. */
export class Background implements AsyncDisposable {
  readonly #task: (signal: AbortSignal) => Promise<void>;
  #running: { readonly stop: AbortController; readonly over: Promise<void> } | undefined;

  /** `task` goes on until its signal aborts. Should it fail, which is a fault of ours, the log says so and nothing else ends. */
  constructor(task: (signal: AbortSignal) => Promise<void>) {
    this.#task = task;
  }

  /** Starts it, unless it runs. */
  start(): void {
    if (this.#running !== undefined) return;
    const stop = new AbortController();
    const over = this.#task(stop.signal).catch((error) => log("error", `a fault of this program: ${messageOf(error)}`));
    this.#running = { stop, over };
  }

  /** Ends it, if it runs; resolves when it is over. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stop.abort();
    await running?.over;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
