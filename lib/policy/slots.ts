/**
 * How many at once: permits that whoever took one gives back by disposing it, exactly once.
 *
 * The count lies in a buffer that may be shared, so that a limit holds for all workers together.
 */
export class Slots {
  readonly #taken: Int32Array;
  readonly capacity: number;

  /** `memory` holds one 32-bit word, zero at first. @throws {RangeError} If `capacity` is not a positive integer. */
  constructor(capacity: number, memory: ArrayBufferLike = new ArrayBuffer(4)) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`Slots need a positive capacity, not ${capacity}`);
    }
    this.capacity = capacity;
    this.#taken = new Int32Array(memory, 0, 1);
  }

  get taken(): number {
    return Atomics.load(this.#taken, 0);
  }

  /** A permit, or `undefined` if all are taken. */
  tryTake(): Disposable | undefined {
    if (Atomics.add(this.#taken, 0, 1) >= this.capacity) {
      Atomics.sub(this.#taken, 0, 1);
      return undefined;
    }
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) Atomics.sub(this.#taken, 0, 1);
        held = false;
      },
    };
  }
}
