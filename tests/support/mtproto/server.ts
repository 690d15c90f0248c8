/** A data centre that speaks MTProto 2.0: a handler for `FakeDc`. */
import { concat } from "../byte_reader.ts";
import type { DcHandler, DcStream } from "../fake_dc.ts";
import { framePacket, readPacket } from "../transports.ts";
import { type ServerKey, serverKey } from "./crypto.ts";
import { type Authorization, KeyExchange } from "./key_exchange.ts";
import { handleMessage, type ServerFacts } from "./rpc.ts";
import { messageIdAt, openMessage, ServerSession } from "./session.ts";
import { TlReader, TlWriter } from "./tl.ts";

/** What happened, in the order in which it did. */
export interface MtprotoEvent {
  readonly kind: "plain" | "key" | "call";
  /** The constructor of a plain message, the DC of a new key, or the name of a call. */
  readonly what: string;
  /** By `performance.now()`. */
  readonly atMs: number;
}

const newSessionCreated = 0x9ec20908;
const badServerSalt = 0xedab447b;
const badSaltCode = 48;
/** What a server says to a key that it does not know, in place of a message. */
const unknownKey = -404;
/** Fields of a plain message before its body. */
const plainHeadSize = 20;

/** Keys outlive connections, as those of the real servers do. */
export class MtprotoServer {
  readonly #key: ServerKey;
  readonly #authorizations = new Map<string, Authorization>();
  readonly #events: MtprotoEvent[] = [];
  readonly #country: string;

  /** `country` is what `help.getNearestDc` answers, so that a test knows whom it talked to. */
  private constructor(key: ServerKey, country: string) {
    this.#key = key;
    this.#country = country;
  }

  /** With the RSA key that lies beside this file, and protects nothing. */
  static async create(country = "ZZ"): Promise<MtprotoServer> {
    const pem = await Deno.readTextFile(new URL("./rsa_test_key.pem", import.meta.url));
    return new MtprotoServer(serverKey(pem), country);
  }

  /** PKCS#1, for `addPublicKey()` of a client library. */
  get publicPem(): string {
    return this.#key.publicPem;
  }

  get events(): readonly MtprotoEvent[] {
    return this.#events;
  }

  /** The mode for `FakeDc.start()`. */
  get handler(): DcHandler {
    return (stream) => this.#serve(stream);
  }

  async #serve(stream: DcStream): Promise<void> {
    const { tag, reader } = stream;
    const dc = Math.abs(stream.dc) % 10_000;
    const peer = new Peer({ dc, country: this.#country, nowSeconds }, new KeyExchange(this.#key, nowSeconds));
    for (let packet = await readPacket(tag, reader); packet !== null; packet = await readPacket(tag, reader)) {
      for (const answer of this.#answer(peer, packet)) await stream.write(framePacket(tag, answer));
    }
  }

  #answer(peer: Peer, packet: Uint8Array): Uint8Array[] {
    const keyId = packet.subarray(0, 8);
    if (keyId.every((byte) => byte === 0)) return [this.#answerPlain(peer, packet)];
    const authorization = this.#authorizations.get(keyId.toHex());
    if (authorization === undefined) return [new TlWriter().int(unknownKey).end()];
    const whole = packet.subarray(0, 24 + Math.floor((packet.length - 24) / 16) * 16);
    const { packets, calls } = peer.answerSealed(authorization, whole);
    for (const call of calls) this.#note("call", call);
    return packets;
  }

  #answerPlain(peer: Peer, packet: Uint8Array): Uint8Array {
    const length = new TlReader(packet.subarray(16)).uint();
    const body = packet.subarray(plainHeadSize, plainHeadSize + length);
    this.#note("plain", new TlReader(body).uint().toString(16));
    const { answer, authorization } = peer.exchange.step(body);
    if (authorization !== undefined) {
      this.#authorizations.set(authorization.id.toHex(), authorization);
      this.#note("key", String(peer.facts.dc));
    }
    const head = new TlWriter().long(0n).long(messageIdAt(Date.now())).int(answer.length).end();
    return concat(head, answer);
  }

  #note(kind: MtprotoEvent["kind"], what: string): void {
    this.#events.push({ kind, what, atMs: performance.now() });
  }
}

/** One connection's client. */
class Peer {
  readonly facts: ServerFacts;
  readonly exchange: KeyExchange;
  #session: ServerSession | undefined;

  constructor(facts: ServerFacts, exchange: KeyExchange) {
    this.facts = facts;
    this.exchange = exchange;
  }

  answerSealed(authorization: Authorization, packet: Uint8Array): { packets: Uint8Array[]; calls: readonly string[] } {
    const message = openMessage(authorization, packet);
    const packets: Uint8Array[] = [];
    if (this.#session?.id !== message.sessionId) {
      this.#session = new ServerSession(authorization, message.sessionId, Date.now);
      const created = new TlWriter().int(newSessionCreated).long(message.messageId).long(message.sessionId);
      packets.push(this.#session.seal(created.long(authorization.salt).end(), true));
    }
    if (message.salt !== authorization.salt) {
      const refusal = new TlWriter().int(badServerSalt).long(message.messageId).int(message.sequence).int(badSaltCode);
      return { packets: [...packets, this.#session.seal(refusal.long(authorization.salt).end(), false)], calls: [] };
    }
    const session = this.#session;
    const { answers, calls } = handleMessage(message, this.facts);
    packets.push(...answers.map(({ body, content }) => session.seal(body, content)));
    return { packets, calls };
  }
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}
