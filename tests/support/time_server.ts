/** A stand-in for a time server, on loopback UDP. */
import { answerPacket, type AnswerParts } from "../wire/sntp_packets.ts";

/** What it sends to a question, in order; `undefined` where it is silent. */
export type TimeScript = (question: Uint8Array, index: number) => readonly Uint8Array[] | undefined;

/** Its clock is behind that of this machine by `behindMs`. */
export function timeBehind(behindMs: number, parts: Partial<AnswerParts> = {}): TimeScript {
  return (question) => {
    const nowMs = Date.now() - behindMs;
    return [answerPacket(question.subarray(40, 48), { receivedMs: nowMs, sentMs: nowMs, ...parts })];
  };
}

export class TimeServer implements AsyncDisposable {
  readonly #socket: Deno.DatagramConn;
  readonly #serving: Promise<void>;
  /** Questions as they came. */
  readonly questions: Uint8Array[] = [];

  constructor(script: TimeScript, hostname = "127.0.0.1") {
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    this.#serving = this.#serve(script);
  }

  get address(): { readonly kind: "tcp"; readonly host: string; readonly port: number } {
    const { hostname, port } = this.#socket.addr as Deno.NetAddr;
    return { kind: "tcp", host: hostname, port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#serving;
  }

  async #serve(script: TimeScript): Promise<void> {
    for await (const [question, from] of this.#socket) {
      const answers = script(question.slice(), this.questions.push(question.slice()) - 1);
      for (const answer of answers ?? []) await this.#socket.send(answer, from);
    }
  }
}
