/**
 * A word for each worker that it changes as long as its event loop turns: the end of a worker by `Deno.exit()` or
 * `self.close()`, or a loop that never ends, raises no event that the supervisor could hear.
 */
const everyMs = 500;

export class Heartbeats {
  readonly #beats: Int32Array;
  readonly #worker: number;

  static bytesFor(workers: number): number {
    return workers * Int32Array.BYTES_PER_ELEMENT;
  }

  constructor(memory: ArrayBufferLike, worker: number = 0) {
    this.#beats = new Int32Array(memory);
    this.#worker = worker;
  }

  /** Beats for this worker twice a second until it is disposed. */
  start(): Disposable {
    const beat = () => Atomics.add(this.#beats, this.#worker, 1);
    beat();
    const timer = setInterval(beat, everyMs);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  }

  of(worker: number): number {
    return Atomics.load(this.#beats, worker);
  }
}
