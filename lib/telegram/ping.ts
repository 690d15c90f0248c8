/** Asks a data centre for a sign of life, as a client would before anything else: obfuscated2 and `req_pq_multi`. */
import type { Clock } from "../clock.ts";
import { CtrKeystream } from "../crypto/aes_ctr.ts";
import { CtrXor } from "../crypto/ctr_xor.ts";
import type { RandomSource } from "../crypto/random.ts";
import { messageOf, ProtocolError } from "../errors.ts";
import type { Secret } from "../policy/secret.ts";
import { disposedBy } from "../relay/aborts.ts";
import { Chunk } from "../relay/chunk.ts";
import { type Conn, writeAll } from "../relay/conn.ts";
import { frameSize, makeClientFrame, makeTelegramFrame, type TelegramFrame } from "../transport/obfuscated2.ts";
import { nonceSize, readResPq, resPqRoom, writeReqPq } from "./res_pq.ts";

/** Transport errors, by Telegram's documentation. */
const meanings: ReadonlyMap<number, string> = new Map([
  [-404, "it does not know what it was asked"],
  [-429, "too many connections from this address"],
  [-444, "there is no such data centre at this address"],
]);

export interface DcAnswer {
  /** From the question to the answer; the TCP connection stood before. */
  readonly rttMs: number;
  /** Telegram's clock when it answered: Unix time in milliseconds. */
  readonly timeMs: number;
}

/**
 * What came in place of the answer.
 *
 * - `closed`, `reset`: the connection ended
 * - `refused`: a transport error, such as -404; `code` is its number
 * - `garbage`: something that is no answer of Telegram
 */
export type DcFailure = "closed" | "reset" | "refused" | "garbage";

/** The data centre did not answer as Telegram does. */
export class DcError extends Error {
  override readonly name = "DcError";

  constructor(readonly kind: DcFailure, message: string, readonly code?: number, options?: ErrorOptions) {
    super(message, options);
  }
}

export interface AskOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Ends the waiting; there is no other deadline. The connection is disposed then. */
  readonly signal: AbortSignal;
}

/**
 * Asks data centre `dc` at the other end of `conn`, which is a fresh connection and serves nothing else afterwards.
 *
 * @throws {DcError} If something else comes than the answer.
 * @throws The reason of `signal` if it aborts.
 */
export async function askDataCentre(conn: Conn, dc: number, options: AskOptions): Promise<DcAnswer> {
  const frame = makeTelegramFrame({ tag: 0xdd, dc, random: options.random });
  return await ask(conn, { frame, isPadded: true }, options);
}

/**
 * The same through the proxy with `secret` at the other end of `conn`, or inside its fake TLS. Throws as `askDataCentre()` does.
 */
export async function askThroughProxy(
  conn: Conn,
  { dc, secret: { kind, key: secret } }: { readonly dc: number; readonly secret: Secret },
  options: AskOptions,
): Promise<DcAnswer> {
  const isPadded = kind !== "simple";
  const frame = makeClientFrame({ tag: isPadded ? 0xdd : 0xee, dc, random: options.random, secret });
  return await ask(conn, { frame, isPadded }, options);
}

interface Opening {
  /** Made for whoever is at the other end: Telegram, or a proxy. Used up afterwards. */
  readonly frame: TelegramFrame;
  /** Whether the frame's tag is that of the padded intermediate transport (dd) rather than of the intermediate one (ee). */
  readonly isPadded: boolean;
}

async function ask(
  conn: Conn,
  { frame, isPadded }: Opening,
  { clock, random, signal }: AskOptions,
): Promise<DcAnswer> {
  const uplink = new CtrXor(frame.uplink, undefined, frame.ahead);
  const downlink = new CtrXor(new CtrKeystream(frame.downlinkKey.key, frame.downlinkKey.iv));
  using _ending = disposedBy(signal, conn);
  try {
    signal.throwIfAborted();
    const nonce = random.fill(new Uint8Array(nonceSize));
    const question = writeReqPq({ nonce, nowMs: clock.nowMs(), padding: isPadded ? random : undefined });
    const startMs = clock.elapsedMs();
    await writeAll(conn, sealed(frame.bytes, question, uplink));
    const timeMs = await readAnswer(conn, nonce, downlink);
    return { rttMs: clock.elapsedMs() - startMs, timeMs };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DcError) throw error;
    if (error instanceof ProtocolError) throw new DcError("garbage", error.message, undefined, { cause: error });
    throw new DcError("reset", `The connection broke off: ${messageOf(error)}`, undefined, { cause: error });
  } finally {
    uplink.release();
    downlink.release();
  }
}

/** The frame and the question behind it, which travel together. */
function sealed(frame: Uint8Array, question: Uint8Array, uplink: CtrXor): Uint8Array {
  const chunk = new Chunk(0);
  chunk.bytes.set(frame);
  chunk.bytes.set(question, frameSize);
  const end = frameSize + question.length;
  uplink.apply(chunk, frameSize, end);
  return chunk.bytes.subarray(0, end);
}

async function readAnswer(conn: Conn, nonce: Uint8Array, downlink: CtrXor): Promise<number> {
  const chunk = new Chunk(1);
  for (let end = 0;;) {
    const count = await conn.read(chunk.bytes.subarray(end, resPqRoom));
    if (count === null) throw new DcError("closed", "The connection was closed without an answer");
    downlink.apply(chunk, end, end + count);
    end += count;
    const answer = readResPq(chunk.bytes.subarray(0, end), nonce);
    switch (answer.kind) {
      case "answer":
        return answer.timeMs;
      case "error":
        throw new DcError("refused", `Telegram refused: ${explainCode(answer.code)}`, answer.code);
      case "garbage":
        throw new DcError("garbage", `What came is no answer of Telegram: ${answer.what}`);
      case "incomplete":
    }
  }
}

function explainCode(code: number): string {
  const meaning = meanings.get(code);
  return meaning === undefined ? `error ${code}` : `error ${code}, ${meaning}`;
}
