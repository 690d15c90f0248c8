/** Several addresses of one peer: each gets a head start over the next, and the first to answer wins (RFC 8305). */
import type { Address } from "../address.ts";
import type { Conn } from "./conn.ts";

/** Head start of an address over the next one. */
export const headStartMs = 250;
/** Why attempts are given up once one has won; made once, since an abort without a reason makes an error with its stack. */
const decided = new Error("another address answered first");

/** What a race asks of whoever runs it. */
export interface RaceHost {
  /** Connects, or rejects with an `Error` that names the address. */
  attempt(address: Address, signal: AbortSignal): Promise<Conn>;
  /** Resolves once the address tried last has had its head start; never rejects. */
  waitHeadStart(): Promise<void>;
  /** Another address won in spite of the head start of this one. */
  overtaken?(address: Address): void;
}

/**
 * Connects to one of `addresses`, in order: each starts 250 ms after the one before, or at once when all before it have failed.
 * An abort of `dialing` gives up; this itself aborts it to give up attempts that have lost, and waits until they have.
 *
 * @throws The reason of an abort, else an `Error` that says what each address answered.
 */
export async function raceAddresses(
  addresses: readonly Address[],
  dialing: AbortController,
  host: RaceHost,
): Promise<Conn> {
  let winner: Conn | undefined;
  const failures: string[] = [];
  const attempts: Promise<void>[] = [];
  const win = (conn: Conn, place: number) => {
    if (winner !== undefined) return conn[Symbol.dispose]();
    winner = conn;
    for (const address of addresses.slice(0, place)) host.overtaken?.(address);
    if (attempts.length > 1) dialing.abort(decided);
  };
  const lose = (error: Error) => void failures.push(error.message);
  for (const [place, address] of addresses.entries()) {
    attempts.push(host.attempt(address, dialing.signal).then((conn) => win(conn, place), lose));
    if (attempts.length === addresses.length) break;
    await Promise.race([Promise.all(attempts), host.waitHeadStart()]);
    if (winner !== undefined || dialing.signal.aborted) break;
  }
  await Promise.all(attempts);
  if (winner !== undefined) return winner;
  dialing.signal.throwIfAborted();
  throw new Error(failures.join("; "));
}
