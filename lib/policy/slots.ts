/**
 * How many at once: permits that whoever took one gives back by disposing it, exactly once.
 *
 * ```text
 * taken by all | taken by worker 0 | taken by worker 1 | …     32-bit words
 * ```
 *
 * The words may be shared (see `lib/bytes/shared_memory.ts`), so that a limit holds for all workers together. It holds exactly:
 * there are never more permits out than `capacity`, and none is refused while there are fewer.
 */
export class Slots {
  readonly #words: Int32Array;
  readonly #row: number;
  readonly capacity: number;

  static bytesFor(workers: number): number {
    return (1 + workers) * Int32Array.BYTES_PER_ELEMENT;
  }

  /** @throws {RangeError} If `capacity` is not a positive integer. */
  constructor(capacity: number, memory: ArrayBufferLike = new ArrayBuffer(Slots.bytesFor(1)), worker: number = 0) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`Slots need a positive capacity, not ${capacity}`);
    }
    this.capacity = capacity;
    this.#words = new Int32Array(memory);
    this.#row = 1 + worker;
  }

  get taken(): number {
    return Atomics.load(this.#words, 0);
  }

  /** A permit, or `undefined` if all are taken. */
  tryTake(): Disposable | undefined {
    for (let taken = this.taken;;) {
      if (taken >= this.capacity) return undefined;
      const seen = Atomics.compareExchange(this.#words, 0, taken, taken + 1);
      if (seen === taken) break;
      taken = seen;
    }
    // Nothing can end a worker between these two: the runtime stops a thread where its loop turns or a function begins.
    Atomics.add(this.#words, this.#row, 1);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#giveBackOne();
        held = false;
      },
    };
  }

  /** Gives back whatever `worker` holds, which is gone. If it still comes to dispose its permits, nothing happens. */
  giveBack(worker: number): void {
    Atomics.sub(this.#words, 0, Atomics.exchange(this.#words, 1 + worker, 0));
  }

  /** Whoever takes a permit out of the row, the worker or the supervisor, has to take it out of the sum as well. */
  #giveBackOne(): void {
    for (let held = Atomics.load(this.#words, this.#row); held > 0;) {
      const seen = Atomics.compareExchange(this.#words, this.#row, held, held - 1);
      if (seen === held) return void Atomics.sub(this.#words, 0, 1);
      held = seen;
    }
  }
}
