/** Bounds the time of every step of the load: what does not finish is closed and counted, not waited for. */

const checkEveryMs = 250;

/** Closes what is overdue. Dispose it: it holds a timer. */
export class Watchdog implements Disposable {
  readonly #limitMs: number;
  readonly #due = new Map<Disposable, number>();
  readonly #timer: ReturnType<typeof setInterval>;
  #stalls = 0;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
    this.#timer = setInterval(() => this.#check(), checkEveryMs);
  }

  /** Steps that had to be broken off. */
  get stalls(): number {
    return this.#stalls;
  }

  /**
   * Waits for `work`, which uses `resource` and rejects once that is closed.
   *
   * @throws {StallError} If it took too long.
   */
  async guard<T>(resource: Disposable, work: Promise<T>): Promise<T> {
    this.#due.set(resource, performance.now() + this.#limitMs);
    try {
      return await work;
    } catch (error) {
      if (this.#due.has(resource)) throw error;
      throw new StallError(`Not finished after ${this.#limitMs} ms`, { cause: error });
    } finally {
      this.#due.delete(resource);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const now = performance.now();
    for (const [resource, due] of this.#due) {
      if (due > now) continue;
      this.#due.delete(resource);
      this.#stalls++;
      resource[Symbol.dispose]();
    }
  }
}

/** A step was broken off for taking too long; it is counted already. */
export class StallError extends Error {
  override readonly name = "StallError";
}
