import type { Clock } from "../clock.ts";

export interface Deadline {
  readonly clock: Clock;
  readonly ms: number;
  /** Ends the task earlier. */
  readonly signal: AbortSignal;
  /** What the task rejects with when its time is over. */
  readonly late: () => Error;
}

/**
 * Runs `task` with a signal that aborts after so many milliseconds. `task` must obey it; nothing is left behind when this
 * settles.
 *
 * @throws What `task` throws, which is `late()` or the reason of `signal` if it passes on why it was aborted.
 */
export async function withDeadline<T>(deadline: Deadline, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, ms, signal, late } = deadline;
  const over = new AbortController();
  const done = new AbortController();
  clock.sleep(ms, done.signal).then(() => over.abort(late()), () => {});
  try {
    return await task(AbortSignal.any([signal, over.signal]));
  } finally {
    done.abort(finished);
  }
}

/** Made once, since an abort without a reason makes an error with its stack. */
const finished = new Error("it has come to its end");
