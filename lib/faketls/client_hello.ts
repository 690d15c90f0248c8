/**
 * The ClientHello of a Telegram client, put together from its TLS records.
 *
 * ```text
 * record     16 | 03 01 or 03 03 | length (2) | fragment          one to sixteen of them
 * handshake  01 | length (3) | body
 * body       version (2) | random (32) | session id (1 + n) | cipher suites (2 + n) | compression (1 + n) | extensions (2 + n)
 * ```
 *
 * Clients sign the hello as one record; middleboxes may cut it into several on its way. `record` is the hello as it was signed.
 */
import { ascii } from "../bytes/encoding.ts";
import { ByteReader } from "../bytes/reader.ts";
import { ProtocolError } from "../errors.ts";
import { recordHeaderSize, recordType } from "./record.ts";

/** Outcome of a decode: `needed` is the least number of bytes in all that may let it go on. */
export type Decoded<T> =
  | { readonly kind: "done"; readonly value: T; readonly consumed: number }
  | { readonly kind: "incomplete"; readonly needed: number };

/** A ClientHello that is whole. Its arrays view the bytes that it was read from, where it came in one record. */
export interface ClientHello {
  /** The hello as one record, header included. */
  readonly record: Uint8Array;
  /** 32 bytes, at `randomOffset`. */
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  /** Two bytes for each suite, in the client's order. */
  readonly cipherSuites: Uint8Array;
  /** The name in the server_name extension, if there is one. */
  readonly serverName: string | undefined;
}

/** Where the random lies in `ClientHello.record`. */
export const randomOffset = 11;
export const randomSize = 32;

// Implementation constants

const recordsAtMost = 16;
/** Bytes of records, headers included: today's hellos have under 2 KiB. */
export const clientHelloAtMost = 16_384;
const handshakeHeaderSize = 4;
const clientHelloType = 1;
const leastBody = 2 + randomSize + 1;
const serverNameExtension = 0;
const hostNameType = 0;

/**
 * Reads a ClientHello from the start of what a client has sent so far.
 *
 * Only what the digest needs is demanded: records, handshake header and random. Whoever holds the secret is answered even if
 * the rest of the hello is odd, so the rest is read as far as it goes.
 *
 * @throws {ProtocolError} bad-client-hello as soon as the bytes cannot become a ClientHello.
 */
export function decodeClientHello(bytes: Uint8Array): Decoded<ClientHello> {
  const fragments: Uint8Array[] = [];
  let collected = 0;
  let at = 0;
  for (let records = 1;; records++) {
    if (records > recordsAtMost) throw bad(`it comes in more than ${recordsAtMost} records`);
    checkHeaderPrefix(bytes.subarray(at, at + 3));
    if (bytes.length < at + recordHeaderSize) return { kind: "incomplete", needed: at + recordHeaderSize };
    const end = at + recordHeaderSize + (bytes[at + 3]! << 8 | bytes[at + 4]!);
    if (end > clientHelloAtMost) throw bad(`it has ${end} bytes, at most ${clientHelloAtMost}`);
    const fragment = bytes.subarray(at + recordHeaderSize, end);
    fragments.push(fragment);
    collected += fragment.length;
    const size = handshakeSize(fragments, collected);
    if (bytes.length < end) return { kind: "incomplete", needed: end };
    at = end;
    if (size === undefined || collected < size) continue;
    if (collected > size) throw bad(`${collected - size} bytes follow it in its record`);
    const record = fragments.length === 1 ? bytes.subarray(0, end) : joinAsOneRecord(bytes, fragments, collected);
    return { kind: "done", value: readBody(record), consumed: end };
  }
}

function checkHeaderPrefix(header: Uint8Array): void {
  if (header.length > 0 && header[0] !== recordType.handshake) throw bad(`its record has type ${header[0]}`);
  if (header.length > 1 && header[1] !== 3) throw bad("its record has no version of TLS");
  if (header.length > 2 && header[2] !== 1 && header[2] !== 3) throw bad(`its record has version 3.${header[2]}`);
}

/** Size of the handshake message, header included, once its header has come. */
function handshakeSize(fragments: readonly Uint8Array[], collected: number): number | undefined {
  const header: number[] = [];
  for (const fragment of fragments) {
    for (let i = 0; i < fragment.length && header.length < handshakeHeaderSize; i++) header.push(fragment[i]!);
  }
  if (collected > 0 && header[0] !== clientHelloType) throw bad(`its handshake message has type ${header[0]}`);
  if (header.length < handshakeHeaderSize) return undefined;
  const body = header[1]! << 16 | header[2]! << 8 | header[3]!;
  if (body < leastBody) throw bad(`its body has ${body} bytes, at least ${leastBody}`);
  if (body > clientHelloAtMost) throw bad(`its body has ${body} bytes, at most ${clientHelloAtMost}`);
  return handshakeHeaderSize + body;
}

function joinAsOneRecord(bytes: Uint8Array, fragments: readonly Uint8Array[], collected: number): Uint8Array {
  const record = new Uint8Array(recordHeaderSize + collected);
  record.set(bytes.subarray(0, 3));
  record[3] = collected >> 8;
  record[4] = collected & 0xff;
  let at = recordHeaderSize;
  for (const fragment of fragments) {
    record.set(fragment, at);
    at += fragment.length;
  }
  return record;
}

function readBody(record: Uint8Array): ClientHello {
  const random = record.subarray(randomOffset, randomOffset + randomSize);
  const reader = new ByteReader(record, randomOffset + randomSize);
  const none = record.subarray(0, 0);
  const sessionId = reader.take(reader.uint8()) ?? none;
  const cipherSuites = reader.take(reader.uint16()) ?? none;
  reader.take(reader.uint8()); // compression methods
  const extensions = reader.take(reader.uint16()) ?? none;
  return { record, random, sessionId, cipherSuites, serverName: findServerName(extensions) };
}

function findServerName(extensions: Uint8Array): string | undefined {
  const reader = new ByteReader(extensions);
  for (;;) {
    const type = reader.uint16();
    const data = reader.take(reader.uint16());
    if (data === undefined) return undefined;
    if (type === serverNameExtension) return firstHostName(data);
  }
}

/** server_name (RFC 6066): list length (2), then entries of type (1), length (2), name. */
function firstHostName(data: Uint8Array): string | undefined {
  const reader = new ByteReader(data);
  reader.uint16();
  for (;;) {
    const type = reader.uint8();
    const name = reader.take(reader.uint16());
    if (name === undefined) return undefined;
    if (type === hostNameType) return ascii(name);
  }
}

function bad(what: string): ProtocolError {
  return new ProtocolError("bad-client-hello", `Cannot decode ClientHello: ${what}`);
}
