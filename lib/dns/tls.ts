import type { TcpAddress } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { RandomSource } from "../crypto/random.ts";
import { orAbort, within } from "../relay/aborts.ts";
import type { DnsAnswer, DnsQuestion } from "../wire/dns_message.ts";
import type { DnsTransport } from "./source.ts";
import { DnsStream } from "./stream.ts";

/** A connection that was open already and stays silent for so long counts as dead: the network may have forgotten it. */
const reusedAnswerMs = 2_000;

export interface DnsTlsOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** How long connecting may take. */
  readonly timeoutMs: number;
  /** PEM of authorities that are trusted besides the well-known ones. */
  readonly caCerts: readonly string[];
}

/** DNS over TLS (RFC 7858), on one connection for as long as it lasts. The certificate must be for the host of `server`. */
export class DnsTls implements DnsTransport {
  readonly #server: TcpAddress;
  readonly #options: DnsTlsOptions;
  readonly #closing = new AbortController();
  #stream: DnsStream | undefined;
  #opening: Promise<DnsStream> | undefined;

  /** The host of `server` is an IP literal, or a name that the system can look up. */
  constructor(server: TcpAddress, options: DnsTlsOptions) {
    this.#server = server;
    this.#options = options;
  }

  async exchange(question: DnsQuestion, signal: AbortSignal): Promise<DnsAnswer> {
    const reused = this.#stream;
    if (reused?.isOpen) {
      const answer = await this.#askReused(reused, question, signal);
      if (answer !== undefined) return answer;
    }
    const stream = await orAbort(this.#open(), signal);
    return await stream.exchange(question, signal);
  }

  [Symbol.dispose](): void {
    this.#closing.abort(new Error("the resolver was closed"));
    this.#stream?.[Symbol.dispose]();
  }

  /** `undefined` if the connection turns out to be dead. */
  async #askReused(stream: DnsStream, question: DnsQuestion, signal: AbortSignal): Promise<DnsAnswer | undefined> {
    const { clock } = this.#options;
    try {
      return await within({ clock, ms: reusedAnswerMs, parent: signal }, (inner) => stream.exchange(question, inner));
    } catch {
      signal.throwIfAborted();
      stream[Symbol.dispose]();
      return undefined;
    }
  }

  /** Both families' questions wait for the same connection. */
  #open(): Promise<DnsStream> {
    if (this.#stream?.isOpen) return Promise.resolve(this.#stream);
    return this.#opening ??= this.#connect().finally(() => this.#opening = undefined);
  }

  #connect(): Promise<DnsStream> {
    const { clock, timeoutMs } = this.#options;
    const limits = { clock, ms: timeoutMs, parent: this.#closing.signal };
    return within(limits, (signal) => this.#handshake(signal));
  }

  async #handshake(signal: AbortSignal): Promise<DnsStream> {
    const { host, port } = this.#server;
    const tcp = await Deno.connect({ hostname: host, port, signal });
    sendAtOnce(tcp);
    // What fails here has closed the connection.
    const tls = await Deno.startTls(tcp, { hostname: host, caCerts: [...this.#options.caCerts] });
    try {
      await orAbort(tls.handshake(), signal);
      signal.throwIfAborted();
    } catch (error) {
      tls.close();
      throw error;
    }
    return this.#stream = new DnsStream(tls, this.#options.random, true);
  }
}

/** Otherwise the second family's question waits until the first has been acknowledged. */
function sendAtOnce(tcp: Deno.TcpConn): void {
  try {
    tcp.setNoDelay(true);
  } catch {
    // It is over already: the handshake will say so.
  }
}
