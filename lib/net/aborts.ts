import type { Clock } from "../clock.ts";

/** Settles as `promise` does, but rejects with the signal's reason as soon as `signal` aborts. */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

const finished = new Error("it has finished");

/**
 * Does `work`, whose signal aborts with `parent`, with `late` once `ms` milliseconds have passed, and when it has finished.
 *
 * @throws Whatever `work` throws; the signal's reason as soon as it aborts.
 */
export async function within<T>(
  { clock, ms, parent, late }: { clock: Clock; ms: number; parent: AbortSignal; late: string },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  parent.throwIfAborted();
  const own = new AbortController();
  const onAbort = () => own.abort(parent.reason);
  parent.addEventListener("abort", onAbort, { once: true });
  clock.sleep(ms, own.signal).then(() => own.abort(new Error(late)), () => {});
  try {
    return await orAbort(work(own.signal), own.signal);
  } finally {
    parent.removeEventListener("abort", onAbort);
    own.abort(finished);
  }
}
