/**
 * Events as numbers, for all workers together: each adds to a row of its own, and whoever wants to know adds the rows up.
 *
 * ```text
 * row of worker 0 | row of worker 1 | …     eight 64-bit floating-point numbers each, in the order of `names`
 * ```
 *
 * See `lib/bytes/shared_memory.ts`. Nobody but its worker writes to a row while that runs, so plain additions do; a row outlives
 * its worker, and the one that comes in its place adds to it.
 */
import type { Event, EventSink } from "../events/event.ts";

const names = ["open", "accepted", "served", "refused", "limited", "upBytes", "downBytes"] as const;
const rowSize = 8;

export interface Counts {
  /** Connections at this moment. */
  readonly open: number;
  /** Connections so far. */
  readonly accepted: number;
  /** Clients so far that have reached their data centre. */
  readonly served: number;
  /** Clients so far that were refused, mostly for not knowing the secret. */
  readonly refused: number;
  /** Clients so far for whom there was no room. */
  readonly limited: number;
  /** Bytes of the connections that have ended, from clients and to them. */
  readonly upBytes: number;
  readonly downBytes: number;
}

export class Counters implements EventSink {
  readonly #numbers: Float64Array;
  readonly #worker: number;

  static bytesFor(workers: number): number {
    return workers * rowSize * Float64Array.BYTES_PER_ELEMENT;
  }

  constructor(memory: ArrayBufferLike, worker: number = 0) {
    this.#numbers = new Float64Array(memory);
    this.#worker = worker;
  }

  emit(event: Event): void {
    switch (event.type) {
      case "opened":
        this.#add("open", 1);
        return this.#add("accepted", 1);
      case "connected":
        return this.#add("served", 1);
      case "refused":
        return this.#add("refused", 1);
      case "limited":
        return this.#add("limited", 1);
      case "closed":
        this.#add("open", -1);
        this.#add("upBytes", event.upBytes);
        return this.#add("downBytes", event.downBytes);
    }
  }

  /** What `worker` and those before it have counted. */
  of(worker: number): Counts {
    return countsOf((name) => this.#numbers[at(name, worker)] ?? 0);
  }

  get total(): Counts {
    const rows = Array.from({ length: this.#numbers.length / rowSize }, (_, worker) => this.of(worker));
    return countsOf((name) => rows.reduce((sum, row) => sum + row[name], 0));
  }

  /** Forgets the open connections of `worker`, which is gone and they with it. */
  giveBack(worker: number): void {
    this.#numbers[at("open", worker)] = 0;
  }

  #add(name: keyof Counts, count: number): void {
    this.#numbers[at(name, this.#worker)]! += count;
  }
}

function at(name: keyof Counts, worker: number): number {
  return worker * rowSize + names.indexOf(name);
}

function countsOf(count: (name: keyof Counts) => number): Counts {
  return Object.fromEntries(names.map((name) => [name, count(name)])) as unknown as Counts;
}
