/** Looks at what a TLS server answers to a hello, without going on with the handshake. */
import type { Clock } from "../clock.ts";
import { decodeSiteFlight, type SiteFlight, tls13 } from "../faketls/site_flight.ts";
import { disposedBy } from "../relay/aborts.ts";
import { type Conn, writeAll } from "../relay/conn.ts";

/** A server's flight is over when nothing has come for so long: longer than a way around the world. */
const pauseMs = 700;
/** The most of a flight that is looked at; certificate chains take 2 to 13 KB. */
const flightAtMost = 64 * 1024;

export interface WatchOptions {
  readonly clock: Clock;
  /** Ends it; nothing else does while the server is silent. */
  readonly signal: AbortSignal;
}

/**
 * Sends `hello` and reads until the server's first flight is over, which is when it pauses or ends the connection. Disposes
 * `conn`.
 *
 * @returns `undefined` if the server ended the connection before it said anything that can be told apart.
 * @throws {Error} If the connection breaks before. The reason of `signal` if it aborts.
 */
export async function watchFlight(
  conn: Conn,
  hello: Uint8Array,
  { clock, signal }: WatchOptions,
): Promise<SiteFlight | undefined> {
  using _conn = conn;
  using _ending = disposedBy(signal, conn);
  try {
    signal.throwIfAborted();
    await writeAll(conn, hello);
    return await readFlight(conn, clock);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

async function readFlight(conn: Conn, clock: Clock): Promise<SiteFlight | undefined> {
  const bytes = new Uint8Array(flightAtMost);
  let flight: SiteFlight = { kind: "incomplete" };
  for (let size = 0; size < bytes.length;) {
    const reading = conn.read(bytes.subarray(size));
    const count = flight.kind === "hello" ? await orPause(reading, clock) : await reading;
    if (count === null) break;
    size += count;
    flight = decodeSiteFlight(bytes.subarray(0, size));
    if (flight.kind === "not-tls" || flight.kind === "alert") return flight;
    if (flight.kind === "hello" && (flight.hello.isRetry || flight.hello.version !== tls13)) return flight;
  }
  return flight.kind === "incomplete" ? undefined : flight;
}

/** The outcome of a read; `null` too if nothing comes for `pauseMs`, or if a reset ends the flight. */
async function orPause(reading: Promise<number | null>, clock: Clock): Promise<number | null> {
  const over = new AbortController();
  const pause = clock.sleep(pauseMs, over.signal).then(() => null, () => null);
  const count = await Promise.race([reading.catch(() => null), pause]);
  over.abort();
  return count;
}
