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

/** Made once, since an abort without a reason makes an error with its stack. */
const finished = new Error("it has finished");

export interface Deadline {
  readonly clock: Clock;
  readonly ms: number;
  /** Ends the work earlier. */
  readonly parent: AbortSignal;
  /** Why the signal of the work aborts when its time is over; a function says it of that moment. */
  readonly late: string | (() => Error);
}

/**
 * Does `work`, whose signal aborts with `parent`, with `late` once `ms` milliseconds have passed, and when it has finished.
 *
 * @throws Whatever `work` throws; the signal's reason as soon as it aborts.
 */
export function within<T>(deadline: Deadline, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return openWithin(deadline, (signal) => orAbort(work(signal), signal));
}

/** The same for work that opens something: it is waited for, so that nothing opened is lost. It must obey its signal. */
export async function openWithin<T>(
  { clock, ms, parent, late }: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  parent.throwIfAborted();
  const own = new AbortController();
  const onAbort = () => own.abort(parent.reason);
  parent.addEventListener("abort", onAbort, { once: true });
  const onTime = () => own.abort(typeof late === "string" ? new Error(late) : late());
  clock.sleep(ms, own.signal).then(onTime, () => {});
  try {
    return await work(own.signal);
  } finally {
    parent.removeEventListener("abort", onAbort);
    own.abort(finished);
  }
}
