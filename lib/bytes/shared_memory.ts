/**
 * What several workers share, and the one way in which such a thing is made.
 *
 * - It lives in memory that its constructor takes as an argument, of which a static `bytesFor()` says how much it needs. Memory
 *   of zeros is its beginning, and any number of instances over the same memory are one thing. An `ArrayBuffer` will do where
 *   only one thread uses it.
 * - That memory, made once by the supervisor (`lib/thread/shared_state.ts`), is all that is shared. Workers send each other
 *   nothing and never wait for each other, but for as long as a lock is held.
 * - What a worker holds and would give back stands in a row of its own, `worker` being the number of the row. If the worker
 *   goes without giving it back, the supervisor does it by that row.
 * - Whatever others may see half done is either one operation of `Atomics` or done under a `SharedLock`.
 */

/** Tries before a waiting thread sleeps: a lock is held for a microsecond, unless its holder lost the processor. */
const spins = 1_000;
/** Sleeps before a lock is taken from its holder. What takes longest under one, clearing half a GiB, took 260 ms. */
const sleeps = 500;
const sleepMs = 1;

/**
 * A lock in one 32-bit word, for steps of microseconds that wait for nothing: free (0), or the number of the worker that holds
 * it plus 1.
 *
 * A worker that dies with the lock stops nobody: the supervisor takes it back, and until then whoever waits too long takes it.
 */
export class SharedLock {
  readonly #word: Int32Array;
  readonly #own: number;

  /** `word` is the first of `words`. */
  constructor(words: Int32Array, worker: number) {
    this.#word = words;
    this.#own = worker + 1;
  }

  acquire(): void {
    for (let tries = 0;; tries++) {
      const holder = Atomics.compareExchange(this.#word, 0, 0, this.#own);
      if (holder === 0) return;
      if (tries < spins) continue;
      if (tries < spins + sleeps && this.#word.buffer instanceof SharedArrayBuffer) {
        Atomics.wait(this.#word, 0, holder, sleepMs);
      } else if (Atomics.compareExchange(this.#word, 0, holder, this.#own) === holder) {
        return;
      } else {
        tries = 0;
      }
    }
  }

  release(): void {
    this.giveBack(this.#own - 1);
  }

  /** Frees the lock if `worker` holds it, which is gone. */
  giveBack(worker: number): void {
    Atomics.compareExchange(this.#word, 0, worker + 1, 0);
  }
}

/** Numbers from 1 on, each given once. */
export class SharedSequence {
  readonly #last: BigInt64Array;

  static bytesFor(): number {
    return BigInt64Array.BYTES_PER_ELEMENT;
  }

  constructor(memory: ArrayBufferLike) {
    this.#last = new BigInt64Array(memory, 0, 1);
  }

  next(): number {
    return Number(Atomics.add(this.#last, 0, 1n)) + 1;
  }
}
