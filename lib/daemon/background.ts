/** Something that goes on beside the service and can be switched on and off. */
export class Background implements AsyncDisposable {
  readonly #task: (signal: AbortSignal) => Promise<void>;
  #running: { readonly stop: AbortController; readonly over: Promise<void> } | undefined;

  /** `task` goes on until its signal aborts, and never rejects. */
  constructor(task: (signal: AbortSignal) => Promise<void>) {
    this.#task = task;
  }

  /** Starts it, unless it runs. */
  start(): void {
    if (this.#running !== undefined) return;
    const stop = new AbortController();
    this.#running = { stop, over: this.#task(stop.signal) };
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
