import type { Clock } from "../clock.ts";

/** Nothing came in time. */
export class TimedOut extends Error {
  override readonly name = "TimedOut";

  constructor(ms: number) {
    super(`no answer within ${ms / 1_000} s`);
  }
}

/** Does `work`, whose signal aborts after `ms` with `TimedOut`, or with `signal`. Leaves no timer behind. */
export async function within<T>(
  { clock, ms, signal }: { readonly clock: Clock; readonly ms: number; readonly signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const tooLate = new AbortController();
  const done = new AbortController();
  clock.sleep(ms, done.signal).then(() => tooLate.abort(new TimedOut(ms)), () => {});
  try {
    return await work(AbortSignal.any([signal, tooLate.signal]));
  } finally {
    done.abort();
  }
}
