/** Asks a proxy whether it serves, as cheaply as can be told: Telegram is not asked, so that its troubles are not the proxy's. */
import { type Address, formatAddress } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { RandomSource } from "../crypto/random.ts";
import { messageOf } from "../errors.ts";
import type { Secret } from "../policy/secret.ts";
import { disposedBy, openWithin, TimedOut } from "../relay/aborts.ts";
import { type Conn, writeAll } from "../relay/conn.ts";
import type { Dialer } from "../relay/dialer.ts";
import { makeClientFrame } from "../transport/obfuscated2.ts";
import { knock, type Rebuff } from "./knock.ts";

/** There is none of this number, nor of 10,000 less, which would be a test one. */
const noDc = 32_766;

export interface HealthParts {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** For all of it. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Asked {
  readonly address: Address;
  readonly secret: Secret;
  /** `allow-fallback-on-unknown-dc` of the proxy. */
  readonly takesAnyDc: boolean;
}

/**
 * What keeps the proxy at an address from serving; `undefined` if nothing does.
 *
 * With a fake-TLS secret its signed answer is the proof. With others there is none, for the proxy has nothing to say without
 * Telegram; the best sign is that it closes at once, without a word, where a client with the right secret wants a data centre that
 * does not exist, or, where it takes any, when that client has gone. A proxy with another secret keeps the connection open, and
 * most other services say something; one that closes on anything is taken for ours.
 *
 * @throws The reason of `signal` if it aborts.
 */
export async function findFault(asked: Asked, parts: HealthParts): Promise<string | undefined> {
  const at = formatAddress(asked.address);
  const { clock, timeoutMs: ms, signal: parent } = parts;
  try {
    return await openWithin({ clock, ms, parent }, async (signal) => {
      const conn = await parts.dialer.dial(asked.address, { signal });
      const problem = asked.secret.kind === "tls"
        ? await greet(conn, asked, { ...parts, signal })
        : await ask(conn, asked, { ...parts, signal });
      return problem === undefined ? undefined : `${at} ${problem}`;
    });
  } catch (error) {
    parent.throwIfAborted();
    return error instanceof TimedOut ? `${at} gives ${error.message}` : `cannot reach ${at}: ${messageOf(error)}`;
  }
}

async function greet(conn: Conn, { secret }: Asked, parts: HealthParts): Promise<string | undefined> {
  const answer = await knock(conn, { secret, ...parts });
  if (answer.kind !== "verified") return explain(answer, parts);
  answer.conn[Symbol.dispose]();
  return undefined;
}

const stranger = "does not know the secret: something else than this proxy listens there";

function explain({ kind }: Rebuff, { timeoutMs }: HealthParts): string {
  switch (kind) {
    case "silent":
      return `gives ${new TimedOut(timeoutMs).message}`;
    case "closed":
    case "reset":
      return 'closes the connection without an answer: it is none of this proxy, or has more clients than "concurrency"';
    case "alert":
    case "broken-off":
    case "foreign":
    case "site":
      return stranger;
  }
}

async function ask(
  conn: Conn,
  { secret: { kind, key }, takesAnyDc }: Asked,
  { random, signal }: HealthParts,
): Promise<string | undefined> {
  using _conn = conn;
  using _ending = disposedBy(signal, conn);
  try {
    const tag = kind === "simple" ? 0xee : 0xdd;
    await writeAll(conn, makeClientFrame({ tag, dc: noDc, random, secret: key }).bytes);
    if (takesAnyDc) await conn.closeWrite();
    return await conn.read(new Uint8Array(1)) === null ? undefined : stranger;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return `breaks the connection off: ${messageOf(error)}`;
  }
}
