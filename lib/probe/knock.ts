/** Greets a fake-TLS proxy as Telegram's clients do, and tells who answers. */
import type { Clock } from "../clock.ts";
import type { RandomSource } from "../crypto/random.ts";
import { makeClientHello, type OwnClientHello } from "../faketls/own_client_hello.ts";
import { ownFlightAtMost, readServerFlight } from "../faketls/server_flight.ts";
import type { Secret } from "../policy/secret.ts";
import { disposedBy, TimedOut } from "../relay/aborts.ts";
import { type Conn, writeAll } from "../relay/conn.ts";
import { RecordConn } from "./record_conn.ts";

/** How a greeting is answered, but by the proxy. */
export type Rebuff =
  | {
    /**
     * - `site`: a TLS server that does not know the secret
     * - `foreign`: no TLS
     * - `closed`, `reset`: the connection ended before anything came
     * - `silent`: nothing came in time
     * - `broken-off`: something of a flight came, and then no more
     */
    readonly kind: "site" | "foreign" | "closed" | "reset" | "silent" | "broken-off";
    /** Bytes that have come. */
    readonly received: number;
  }
  | { readonly kind: "alert"; readonly code: number };

/** The proxy has answered. `conn` is what goes on inside TLS; `sizes` are those of the three records of its flight. */
export interface Welcome {
  readonly kind: "verified";
  readonly conn: Conn;
  readonly sizes: readonly number[];
  readonly ms: number;
}

export interface KnockOptions {
  readonly secret: Secret;
  /** Its time is what the proxy is told. */
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Ends the waiting, with `TimedOut` as its reason where it counts as silence. */
  readonly signal: AbortSignal;
}

/** Takes `conn` over, a fresh connection, and disposes it unless the proxy answers. @throws The reason of another abort. */
export async function knock(conn: Conn, options: KnockOptions): Promise<Welcome | Rebuff> {
  const { secret: { host, key }, clock, random, signal } = options;
  using _ending = disposedBy(signal, conn);
  using owned = new DisposableStack();
  owned.use(conn);
  signal.throwIfAborted();
  const timeSeconds = Math.max(0, Math.floor(clock.nowMs() / 1_000));
  const hello = makeClientHello({ host, key, timeSeconds, random });
  const startMs = clock.elapsedMs();
  const answer = await listen(conn, hello, { key, signal });
  if (answer.kind !== "verified") return answer;
  owned.move();
  return { ...answer, ms: clock.elapsedMs() - startMs };
}

interface Listening {
  readonly key: Uint8Array;
  readonly signal: AbortSignal;
}

async function listen(
  conn: Conn,
  hello: OwnClientHello,
  { key, signal }: Listening,
): Promise<Omit<Welcome, "ms"> | Rebuff> {
  const buffer = new Uint8Array(ownFlightAtMost);
  let received = 0;
  let isTls = false;
  const ended = (kind: "closed" | "reset" | "silent"): Rebuff => {
    if (isTls) return { kind: "site", received };
    return { kind: received > 0 ? "broken-off" : kind, received };
  };
  try {
    await writeAll(conn, hello.bytes);
    for (;;) {
      const count = await conn.read(buffer.subarray(received));
      if (count === null) return ended("closed");
      received += count;
      const flight = readServerFlight(buffer.subarray(0, received), { key, clientRandom: hello.random });
      switch (flight.kind) {
        case "verified":
          return {
            kind: "verified",
            conn: new RecordConn(conn, buffer.subarray(flight.consumed, received)),
            sizes: flight.sizes,
          };
        case "alert":
          return flight;
        case "site":
        case "foreign":
          return { kind: flight.kind, received };
        case "incomplete":
          isTls = flight.isTls;
      }
    }
  } catch {
    if (signal.aborted && !(signal.reason instanceof TimedOut)) throw signal.reason;
    return ended(signal.aborted ? "silent" : "reset");
  }
}
