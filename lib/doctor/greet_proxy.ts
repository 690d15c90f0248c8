/** Tells whether a proxy with a given secret answers, as its clients would. */
import type { Clock } from "../clock.ts";
import type { RandomSource } from "../crypto/random.ts";
import type { Secret } from "../policy/secret.ts";
import { knock } from "../probe/knock.ts";
import type { Conn } from "../relay/conn.ts";
import { fallbackDc } from "../telegram/addresses.ts";
import { askThroughProxy, DcError } from "../telegram/ping.ts";
import type { Answerer } from "./world.ts";

export interface GreetOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Ends it; nothing else does while nobody answers. */
  readonly signal: AbortSignal;
}

/**
 * Greets whoever is at the other end of `conn`, which is disposed afterwards. With a fake-TLS secret a signed answer is the proof.
 * With others there is none but that Telegram answers through the proxy.
 *
 * @throws The reason of `signal` if it aborts.
 */
export async function greetProxy(conn: Conn, secret: Secret, options: GreetOptions): Promise<Answerer> {
  using _conn = conn;
  if (secret.kind !== "tls") return await askThrough(conn, secret, options);
  const answer = await knock(conn, { secret, ...options });
  // Silence is an answer to a knock; here it is none.
  options.signal.throwIfAborted();
  return answer.kind === "verified" ? "proxy" : "other";
}

async function askThrough(conn: Conn, secret: Secret, options: GreetOptions): Promise<Answerer> {
  try {
    await askThroughProxy(conn, { dc: fallbackDc, secret }, options);
    return "proxy";
  } catch (error) {
    if (error instanceof DcError) return "unclear";
    throw error;
  }
}
