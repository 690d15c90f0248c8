import type { Clock } from "../clock.ts";

/**
 * What `work` gives, if it does within `ms`; the signal that it gets is aborted when it has not, and work that does not heed it
 * is not waited for.
 *
 * @throws What `work` does, or an `Error` that says that there was no answer.
 */
export async function within<T>(ms: number, clock: Clock, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController();
  const done = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  late.catch(() => {});
  clock.sleep(ms, done.signal).then(() => {
    const tooLate = new Error(`no answer within ${ms / 1000} s`);
    over.abort(tooLate);
    reject(tooLate);
  }, () => {});
  const working = work(over.signal);
  working.catch(() => {});
  try {
    return await Promise.race([working, late]);
  } finally {
    done.abort();
  }
}
