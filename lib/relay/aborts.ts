/** How work is given up: by a signal, or when its time is over. All deadlines of single tasks are made here. */
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

/** Disposes `thing` as soon as `signal` aborts, unless what this gives is disposed before: that lets go of `thing`. */
export function disposedBy(signal: AbortSignal, thing: Disposable): Disposable {
  const onAbort = () => thing[Symbol.dispose]();
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", onAbort) };
}

/** Nothing came in time. */
export class TimedOut extends Error {
  override readonly name = "TimedOut";

  constructor(ms: number) {
    super(noAnswerWithin(ms));
  }
}

/** `no answer within 2.5 s`. */
export function noAnswerWithin(ms: number): string {
  return `no answer within ${ms / 1_000} s`;
}

/** Made once, since an abort without a reason makes an error with its stack. */
const finished = new Error("it has finished");

export interface Deadline {
  readonly clock: Clock;
  readonly ms: number;
  /** Ends the work earlier. */
  readonly parent?: AbortSignal | undefined;
  /** Why the signal of the work aborts when its time is over. @default {`TimedOut`} */
  readonly late?: () => Error;
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
  { clock, ms, parent, late = () => new TimedOut(ms) }: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  parent?.throwIfAborted();
  const own = new AbortController();
  const onAbort = () => own.abort(parent?.reason);
  parent?.addEventListener("abort", onAbort, { once: true });
  clock.sleep(ms, own.signal).then(() => own.abort(late()), () => {});
  try {
    return await work(own.signal);
  } finally {
    parent?.removeEventListener("abort", onAbort);
    own.abort(finished);
  }
}
