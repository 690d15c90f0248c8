/** Tells whether a proxy with a given secret answers, as its clients would. */
import type { Clock } from "../clock.ts";
import type { RandomSource } from "../crypto/random.ts";
import { makeClientHello } from "../faketls/own_client_hello.ts";
import { ownFlightAtMost, readServerFlight, type ServerFlight } from "../faketls/server_flight.ts";
import type { Secret } from "../policy/secret.ts";
import { type Conn, writeAll } from "../relay/conn.ts";
import { askWithFrame, DcError } from "../telegram/ping.ts";
import { makeClientFrame } from "../transport/obfuscated2.ts";
import type { Answerer } from "./world.ts";

export interface GreetOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly signal: AbortSignal;
}

/**
 * Greets whoever is at the other end of `conn`, which is disposed afterwards. With a fake-TLS secret a signed answer is the proof.
 * With others there is none but that Telegram answers through the proxy.
 *
 * @throws {Error} If nobody answers.
 */
export async function greetProxy(conn: Conn, secret: Secret, options: GreetOptions): Promise<Answerer> {
  using _conn = conn;
  return await (secret.kind === "tls" ? greetFakeTls : askThrough)(conn, secret, options);
}

async function greetFakeTls(conn: Conn, secret: Secret, { clock, random, signal }: GreetOptions): Promise<Answerer> {
  const { host, key } = secret;
  const hello = makeClientHello({ host, key, timeSeconds: Math.floor(clock.nowMs() / 1000), random });
  const end = () => conn[Symbol.dispose]();
  signal.addEventListener("abort", end, { once: true });
  try {
    signal.throwIfAborted();
    await writeAll(conn, hello.bytes);
    const flight = await readFlight(
      conn,
      (received) => readServerFlight(received, { key, clientRandom: hello.random }),
    );
    return flight.kind === "verified" ? "proxy" : "other";
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", end);
  }
}

async function readFlight(conn: Conn, read: (received: Uint8Array) => ServerFlight): Promise<ServerFlight> {
  const bytes = new Uint8Array(ownFlightAtMost);
  for (let size = 0;;) {
    const count = await conn.read(bytes.subarray(size));
    const flight = read(bytes.subarray(0, size += count ?? 0));
    if (flight.kind !== "incomplete" || count === null || size === bytes.length) return flight;
  }
}

async function askThrough(conn: Conn, { kind, key }: Secret, options: GreetOptions): Promise<Answerer> {
  const isPadded = kind === "secured";
  const frame = makeClientFrame({ tag: isPadded ? 0xdd : 0xee, dc: 2, random: options.random, secret: key });
  try {
    await askWithFrame(conn, { frame, isPadded }, options);
    return "proxy";
  } catch (error) {
    if (error instanceof DcError) return "unclear";
    throw error;
  }
}
