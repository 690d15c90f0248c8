/**
 * Encrypted messages of one client session.
 *
 * ```text
 *   0  8  id of the authorization key
 *   8 16  message key
 *  24     AES-IGE of:   8 salt, 8 session, 8 message id, 4 sequence number, 4 length, the message, 12..1024 of padding
 * ```
 */
import { concat, randomBytes } from "../byte_reader.ts";
import { equal, igeDecrypt, igeEncrypt, messageIge, messageKey } from "./crypto.ts";
import type { Authorization } from "./key_exchange.ts";
import { TlReader, TlWriter } from "./tl.ts";

export interface ClientMessage {
  readonly salt: bigint;
  readonly sessionId: bigint;
  readonly messageId: bigint;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** @throws {Error} If the message was not sealed with this key, or its padding is not what MTProto 2.0 asks for. */
export function openMessage(authorization: Authorization, packet: Uint8Array): ClientMessage {
  const key = packet.subarray(8, 24);
  const plain = igeDecrypt(messageIge(authorization.key, key, "client"), packet.subarray(24));
  if (!equal(messageKey(authorization.key, plain, "client"), key)) throw new Error("A message has a wrong key");
  const reader = new TlReader(plain);
  const [salt, sessionId, messageId] = [reader.long(), reader.long(), reader.long()];
  const [sequence, length] = [reader.int(), reader.uint()];
  const padding = plain.length - 32 - length;
  if (padding < 12 || padding > 1_024) throw new Error(`A message has ${padding} bytes of padding`);
  return { salt, sessionId, messageId, sequence, body: reader.raw(length) };
}

/** Numbers and seals what the server says in one session. */
export class ServerSession {
  readonly id: bigint;
  readonly #authorization: Authorization;
  readonly #nowMs: () => number;
  #lastId = 0n;
  #content = 0;

  constructor(authorization: Authorization, id: bigint, nowMs: () => number) {
    this.#authorization = authorization;
    this.id = id;
    this.#nowMs = nowMs;
  }

  /** One packet; `content` is false for what needs no acknowledgement. */
  seal(body: Uint8Array, content: boolean): Uint8Array {
    const sequence = 2 * this.#content + (content ? 1 : 0);
    if (content) this.#content++;
    const { key, id, salt } = this.#authorization;
    const head = new TlWriter().long(salt).long(this.id).long(this.#nextId()).int(sequence).int(body.length).end();
    const unpadded = concat(head, body);
    const plain = concat(unpadded, randomBytes(12 + (32 - (unpadded.length + 12) % 16) % 16));
    const sealKey = messageKey(key, plain, "server");
    return concat(id, sealKey, igeEncrypt(messageIge(key, sealKey, "server"), plain));
  }

  /** Time in the upper half, rising, and 1 modulo 4 as answers have it. */
  #nextId(): bigint {
    const fresh = messageIdAt(this.#nowMs());
    this.#lastId = fresh > this.#lastId ? fresh : this.#lastId + 4n;
    return this.#lastId;
  }
}

/** The message id that a server gives at this time. */
export function messageIdAt(nowMs: number): bigint {
  const seconds = BigInt(Math.floor(nowMs / 1_000));
  const fraction = BigInt(Math.floor((nowMs % 1_000) * 4_294_967.296));
  return ((seconds << 32n) | (fraction & 0xffff_fffcn)) + 1n;
}
