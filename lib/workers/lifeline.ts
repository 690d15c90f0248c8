/**
 * How a supervisor learns that a worker's thread is gone: the worker holds a lock (Web Locks) for as long as it lives, and
 * whoever asks for the same lock gets it right then. `Deno.exit()` and `self.close()` raise no event.
 *
 * Deno 2.9 has these locks, though its types do not yet tell; where there are none, the heartbeat is all there is.
 */
interface Locks {
  request(name: string, options: { readonly signal?: AbortSignal }, granted: () => unknown): Promise<unknown>;
}

const locks = (navigator as { readonly locks?: Locks }).locks;

/** In a worker: resolves once the lock is held, which it is until the thread is gone. */
export async function holdLifeline(name: string): Promise<void> {
  if (locks === undefined) return;
  const held = Promise.withResolvers<void>();
  const request = locks.request(name, {}, () => {
    held.resolve();
    return new Promise(() => {});
  });
  request.catch(held.reject);
  await held.promise;
}

/**
 * In the supervisor, once the worker holds it: resolves when its thread is gone; rejects when `signal` aborts. `undefined` if
 * that cannot be known here.
 */
export function untilGone(name: string, signal: AbortSignal): Promise<unknown> | undefined {
  return locks?.request(name, { signal }, () => {});
}
