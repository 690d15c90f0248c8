/** Reaches a data centre over whichever of its addresses answers first. */
import { type Address, formatAddress } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Conn } from "../relay/conn.ts";
import type { Dialer } from "../relay/dialer.ts";

/** Head start of an address over the next one (happy eyeballs, RFC 8305). */
const staggerMs = 250;
/** Pauses before all addresses are tried again. */
const pausesMs = [200, 400, 800];

export interface DialAnyOptions {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Connects to one of `addresses`, in order and staggered; tries all of them again up to three times.
 *
 * @throws The signal's reason once it aborts, else an `Error` that says what each address answered in the last round.
 */
export async function dialAny(addresses: readonly Address[], options: DialAnyOptions): Promise<Conn> {
  for (let round = 0;; round++) {
    try {
      return addresses.length === 1
        ? await options.dialer.dial(addresses[0]!, { signal: options.signal })
        : await dialRound(addresses, options);
    } catch (error) {
      options.signal.throwIfAborted();
      const pauseMs = pausesMs[round];
      if (pauseMs === undefined) throw error;
      await options.clock.sleep(pauseMs, options.signal);
    }
  }
}

/** One round: each address starts 250 ms after the one before, or at once when all before it have failed. */
async function dialRound(addresses: readonly Address[], { dialer, clock, signal }: DialAnyOptions): Promise<Conn> {
  const decided = new AbortController();
  const either = AbortSignal.any([signal, decided.signal]);
  const failures: string[] = [];
  let winner: Conn | undefined;

  const attempt = async (address: Address): Promise<void> => {
    try {
      const conn = await dialer.dial(address, { signal: either });
      if (winner !== undefined) return conn[Symbol.dispose]();
      winner = conn;
      decided.abort();
    } catch (error) {
      failures.push(`${formatAddress(address)}: ${error instanceof Error ? error.message : error}`);
    }
  };

  const attempts: Promise<void>[] = [];
  for (const address of addresses) {
    if (winner !== undefined || signal.aborted) break;
    attempts.push(attempt(address));
    const headStart = new AbortController();
    const pause = clock.sleep(staggerMs, AbortSignal.any([either, headStart.signal])).catch(() => {});
    // The next address need not wait for one that has failed already.
    await Promise.race([pause, Promise.all(attempts)]);
    headStart.abort();
  }
  await Promise.all(attempts);
  signal.throwIfAborted();
  if (winner === undefined) throw new Error(failures.join("; "));
  return winner;
}
