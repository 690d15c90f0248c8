import type { Clock } from "../clock.ts";

/** The longest that a timer of the runtime waits; a longer one would fire at once. */
const timerAtMostMs = 2 ** 31 - 1;

/** The clock of this machine. Sleeps of more than 24 days end after 24 days. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, Math.min(ms, timerAtMostMs));
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};
