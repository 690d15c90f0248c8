import { setImmediate } from "node:timers";
import type { Clock } from "../../lib/clock.ts";

interface Sleep {
  readonly dueMs: number;
  wake(): void;
}

/** Time that moves only when a test says so. */
export class FakeClock implements Clock {
  #nowMs: number;
  #elapsedMs = 0;
  /** In the order in which they wake; those of one moment in the order in which they began. */
  readonly #sleeps: Sleep[] = [];

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Milliseconds that each pending sleep has still to go, the next one first. */
  get pendingMs(): readonly number[] {
    return this.#sleeps.map(({ dueMs }) => dueMs - this.#elapsedMs);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#sleeps.splice(this.#sleeps.indexOf(sleep), 1);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const sleep = { dueMs: this.#elapsedMs + Math.max(0, ms), wake };
      signal?.addEventListener("abort", onAbort, { once: true });
      const later = this.#sleeps.findIndex(({ dueMs }) => dueMs > sleep.dueMs);
      this.#sleeps.splice(later === -1 ? this.#sleeps.length : later, 0, sleep);
    });
  }

  /** Lets `ms` milliseconds pass: wakes each sleep at its own time, and lets what waited for it run before the next. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await settle();
    for (let next = this.#sleeps[0]; next !== undefined && next.dueMs <= untilMs; next = this.#sleeps[0]) {
      this.#moveTo(Math.max(this.#elapsedMs, next.dueMs));
      this.#sleeps.shift();
      next.wake();
      await settle();
    }
    this.#moveTo(untilMs);
  }

  #moveTo(elapsedMs: number): void {
    this.#nowMs += elapsedMs - this.#elapsedMs;
    this.#elapsedMs = elapsedMs;
  }

  /** Sets the clock of the machine, back or forth, as an operator or a time server does; wakes nobody. */
  set(nowMs: number): void {
    this.#nowMs = nowMs;
  }
}

/** Lets everything run that waits for nothing but promises. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
