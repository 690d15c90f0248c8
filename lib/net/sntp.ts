/** Asks a time server, over UDP. */
import { isIpv6, type TcpAddress } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { RandomSource } from "../crypto/random.ts";
import { type ClockOffset, compareClocks, decodeAnswer, encodeQuestion, nonceSize } from "../wire/sntp.ts";

/** UDP loses packets: the question is asked again until somebody answers. */
const askAgainMs = 1_000;

export interface AskTimeOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Ends it; nothing else does while the server is silent. */
  readonly signal: AbortSignal;
}

interface Question {
  readonly nonce: Uint8Array;
  readonly askedMs: number;
  readonly elapsedMs: number;
}

/**
 * How far the clock of this machine is ahead of that of the server at `address`, whose host is an IP address.
 *
 * @throws {Error} If the server refuses, or does not know the time. The reason of `signal` if it aborts.
 */
export async function askTime(address: TcpAddress, { clock, random, signal }: AskTimeOptions): Promise<ClockOffset> {
  signal.throwIfAborted();
  const hostname = isIpv6(address.host) ? "::" : "0.0.0.0";
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  const done = new AbortController();
  const ending = AbortSignal.any([signal, done.signal]);
  ending.addEventListener("abort", () => socket.close(), { once: true });
  const questions: Question[] = [];
  const asking = askUntil(ending, { socket, address, clock, random, questions });
  const answering = awaitAnswer(socket, questions, clock);
  try {
    return await Promise.race([asking, answering]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    done.abort();
    await Promise.allSettled([asking, answering]);
  }
}

interface Asking {
  readonly socket: Deno.DatagramConn;
  readonly address: TcpAddress;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Each is added before it goes. */
  readonly questions: Question[];
}

/** Rejects when it cannot ask, and at the end. */
async function askUntil(ending: AbortSignal, asking: Asking): Promise<never> {
  const { socket, address, clock, random, questions } = asking;
  for (;;) {
    const nonce = random.fill(new Uint8Array(nonceSize));
    questions.push({ nonce, askedMs: clock.nowMs(), elapsedMs: clock.elapsedMs() });
    await socket.send(encodeQuestion(nonce), { transport: "udp", hostname: address.host, port: address.port });
    await clock.sleep(askAgainMs, ending);
  }
}

/** Whoever knows a question's nonce has seen the question, so it does not matter from which address the answer comes. */
async function awaitAnswer(
  socket: Deno.DatagramConn,
  questions: readonly Question[],
  clock: Clock,
): Promise<ClockOffset> {
  for (;;) {
    const [packet] = await socket.receive();
    const elapsedMs = clock.elapsedMs();
    for (const question of questions) {
      const answer = decodeAnswer(packet, question.nonce);
      if (answer.kind === "foreign") continue;
      if (answer.kind === "refused") throw new Error(`it does not want to be asked (${answer.code})`);
      if (answer.kind === "unsynchronized") throw new Error("it does not know the time itself");
      const { askedMs } = question;
      // By the clock that only moves on: the other one may be set in between.
      return compareClocks({ askedMs, answeredMs: askedMs + elapsedMs - question.elapsedMs }, answer);
    }
  }
}
