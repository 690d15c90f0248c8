import { randomInteger, type RandomSource } from "../crypto/random.ts";
import { messageOf } from "../errors.ts";
import { sendWhole } from "../relay/conn.ts";
import { decodeDnsAnswer, type DnsAnswer, type DnsQuestion, encodeDnsQuery } from "../wire/dns_message.ts";

interface Waiting {
  readonly question: DnsQuestion;
  resolve(answer: DnsAnswer): void;
  reject(reason: unknown): void;
}

const lengthSize = 2;

/**
 * DNS over a TCP or TLS connection: each message after its length in 2 bytes (RFC 7766). Questions do not wait for one another;
 * answers come in any order and are told apart by their ids. Owns the connection.
 */
export class DnsStream implements Disposable {
  readonly #conn: Deno.Conn;
  readonly #random: RandomSource;
  readonly #padded: boolean;
  readonly #waiting = new Map<number, Waiting>();
  #sending: Promise<void> = Promise.resolve();
  /** Why the connection is over. */
  #over: string | undefined;

  /** `padded` for connections that are encrypted. */
  constructor(conn: Deno.Conn, random: RandomSource, padded: boolean) {
    this.#conn = conn;
    this.#random = random;
    this.#padded = padded;
    this.#receive().catch((error) => this.#end(`the connection broke: ${messageOf(error)}`));
  }

  get isOpen(): boolean {
    return this.#over === undefined;
  }

  /** @throws {Error} If the connection is over before the answer is there; the reason of `signal` if it aborts before. */
  exchange(question: DnsQuestion, signal: AbortSignal): Promise<DnsAnswer> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#over !== undefined) return Promise.reject(new Error(this.#over));
    const { promise, resolve, reject } = Promise.withResolvers<DnsAnswer>();
    const id = this.#freeId();
    const onAbort = () => reject(signal.reason);
    this.#waiting.set(id, { question, resolve, reject });
    signal.addEventListener("abort", onAbort, { once: true });
    this.#send(encodeDnsQuery(id, question, this.#padded));
    return promise.finally(() => {
      this.#waiting.delete(id);
      signal.removeEventListener("abort", onAbort);
    });
  }

  [Symbol.dispose](): void {
    this.#end("the connection was closed");
  }

  #freeId(): number {
    for (;;) {
      const id = randomInteger(this.#random, 0, 0xffff);
      if (!this.#waiting.has(id)) return id;
    }
  }

  #send(message: Uint8Array): void {
    const framed = new Uint8Array(lengthSize + message.length);
    new DataView(framed.buffer).setUint16(0, message.length);
    framed.set(message, lengthSize);
    this.#sending = this.#sending.then(() => sendWhole(this.#conn, framed)).catch((error) =>
      this.#end(`the connection broke: ${messageOf(error)}`)
    );
  }

  async #receive(): Promise<void> {
    for (;;) {
      const length = await this.#exactly(lengthSize);
      const message = length && await this.#exactly(length[0]! << 8 | length[1]!);
      if (message === undefined) return this.#end("the server closed the connection");
      const id = message.length < 2 ? -1 : message[0]! << 8 | message[1]!;
      // What nobody waits for (any longer) is dropped.
      const waiting = this.#waiting.get(id);
      waiting?.resolve(decodeDnsAnswer(message, id, waiting.question));
    }
  }

  async #exactly(size: number): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(size);
    for (let filled = 0; filled < size;) {
      const count = await this.#conn.read(bytes.subarray(filled));
      if (count === null) return undefined;
      filled += count;
    }
    return bytes;
  }

  #end(why: string): void {
    if (this.#over !== undefined) return;
    this.#over = why;
    this.#conn.close();
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
  }
}
