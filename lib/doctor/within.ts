import type { Clock } from "../clock.ts";

/**
 * What `work` gives, if it does within `ms`; the signal that it gets is aborted when it has not, and work that does not heed it
 * is not waited for.
 *
 * @throws What `work` does, or an `Error` that says that there was no answer. The reason of `signal` if that aborts.
 */
export async function within<T>(
  ms: number,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const over = new AbortController();
  const ending = AbortSignal.any([signal, over.signal]);
  const tooLate = new Error(`no answer within ${ms / 1000} s`);
  clock.sleep(ms, ending).then(() => over.abort(tooLate), () => {});
  const { promise: ended, reject } = Promise.withResolvers<never>();
  ended.catch(() => {});
  const onEnd = () => reject(ending.reason);
  ending.addEventListener("abort", onEnd, { once: true });
  const working = work(ending);
  working.catch(() => {});
  try {
    return await Promise.race([working, ended]);
  } finally {
    ending.removeEventListener("abort", onEnd);
    over.abort(tooLate);
  }
}
