import { isIpv6, type TcpAddress, unmapIpv4 } from "../address.ts";
import { spellIp } from "../bytes/ip.ts";
import type { Clock } from "../clock.ts";
import { randomInteger, type RandomSource } from "../crypto/random.ts";
import { orAbort } from "../relay/aborts.ts";
import { decodeDnsAnswer, type DnsAnswer, type DnsQuestion, encodeDnsQuery } from "../wire/dns_message.ts";
import type { DnsTransport } from "./source.ts";
import { DnsStream } from "./stream.ts";

/** Pause before a question is sent again; twice as long after each time. */
const firstPauseMs = 1_000;
/** Servers send 512 bytes at most to whoever does not ask for more. */
const datagramAtMost = 4_096;
const finished = new Error("the question has been answered");

/**
 * Plain DNS. A forger has to guess the id and the port of each question: both are random, and each question has a socket of its
 * own. What is not the answer to it, or comes from elsewhere, is ignored. An answer that has no room in a datagram is fetched
 * over TCP.
 */
export class DnsUdp implements DnsTransport {
  readonly #server: TcpAddress;
  readonly #clock: Clock;
  readonly #random: RandomSource;

  /** The host of `server` is an IP literal. */
  constructor(server: TcpAddress, clock: Clock, random: RandomSource) {
    this.#server = { ...server, host: spellIp(server.host) };
    this.#clock = clock;
    this.#random = random;
  }

  async exchange(question: DnsQuestion, signal: AbortSignal): Promise<DnsAnswer> {
    const answer = await this.#overUdp(question, signal);
    return answer.kind === "truncated" ? await this.#overTcp(question, signal) : answer;
  }

  async #overUdp(question: DnsQuestion, signal: AbortSignal): Promise<DnsAnswer> {
    signal.throwIfAborted();
    const hostname = isIpv6(this.#server.host) ? "::" : "0.0.0.0";
    const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    const over = new AbortController();
    const id = randomInteger(this.#random, 0, 0xffff);
    const sending = this.#sendAgainAndAgain(socket, encodeDnsQuery(id, question, false), over.signal);
    const receiving = this.#receive(socket, id, question);
    try {
      return await orAbort(Promise.race([receiving, sending]), signal);
    } finally {
      over.abort(finished);
      socket.close();
      await Promise.allSettled([sending, receiving]);
    }
  }

  /** Ends by a failure, or by `signal`. */
  async #sendAgainAndAgain(socket: Deno.DatagramConn, query: Uint8Array, signal: AbortSignal): Promise<never> {
    const { host, port } = this.#server;
    for (let pauseMs = firstPauseMs;; pauseMs *= 2) {
      await socket.send(query, { transport: "udp", hostname: host, port });
      await this.#clock.sleep(pauseMs, signal);
    }
  }

  async #receive(socket: Deno.DatagramConn, id: number, question: DnsQuestion): Promise<DnsAnswer> {
    const room = new Uint8Array(datagramAtMost);
    for (;;) {
      const [message, from] = await socket.receive(room);
      if (!this.#isServer(from)) continue;
      const answer = decodeDnsAnswer(message, id, question);
      if (answer.kind !== "foreign") return answer;
    }
  }

  #isServer(from: Deno.Addr): boolean {
    return from.transport === "udp" && unmapIpv4(from.hostname) === this.#server.host &&
      from.port === this.#server.port;
  }

  async #overTcp(question: DnsQuestion, signal: AbortSignal): Promise<DnsAnswer> {
    const { host, port } = this.#server;
    using stream = new DnsStream(await Deno.connect({ hostname: host, port, signal }), this.#random, false);
    return await stream.exchange(question, signal);
  }

  [Symbol.dispose](): void {}
}
