/**
 * What a web site's TLS server answers to a ClientHello, as far as anyone on the line can see it: the ServerHello, and types and
 * sizes of the records behind it.
 *
 * ```text
 * record       type (1) | 03 xx | length (2) | payload
 * ServerHello  02 | length (3) | 03 03 | random (32) | session id (1 + n) | suite (2) | 00 | extensions (2 + n)
 * ```
 *
 * A HelloRetryRequest is a ServerHello with a random of its own (RFC 8446, section 4.1.3).
 */
import { ByteReader } from "../bytes/reader.ts";
import { recordHeaderSize, recordType } from "./record.ts";

export const tls13 = 0x0304;
/** Key exchange groups by the names that are in use (IANA, "TLS Supported Groups"). */
export const groupNames: ReadonlyMap<number, string> = new Map([
  [0x0017, "secp256r1"],
  [0x0018, "secp384r1"],
  [0x0019, "secp521r1"],
  [0x001d, "x25519"],
  [0x11eb, "SecP256r1MLKEM768"],
  [0x11ec, "X25519MLKEM768"],
  [0x11ed, "SecP384r1MLKEM1024"],
]);

/** The first byte of its message. */
export const serverHelloType = 2;
const handshakeHeaderSize = 4;
const versionsExtension = 0x2b;
const keyShareExtension = 0x33;
/** No longer ServerHello is looked at; a post-quantum one has some 1,200 bytes. */
const serverHelloAtMost = 16_384;
/** SHA-256 of "HelloRetryRequest". */
const retryRandom = Uint8Array.fromHex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c");

export interface SiteHello {
  /** What was agreed on; 0x0304 is TLS 1.3, 0x0303 TLS 1.2. */
  readonly version: number;
  readonly suite: number;
  /** The group of the key exchange; in TLS 1.2 it does not stand in the ServerHello. */
  readonly group: number | undefined;
  /** Whether it is a HelloRetryRequest: the server did not like any key share of the client. */
  readonly isRetry: boolean;
}

export interface FlightRecord {
  readonly type: number;
  /** Payload. */
  readonly size: number;
}

export type SiteFlight =
  /** Not enough has come yet to tell. */
  | { readonly kind: "incomplete" }
  /** What came is not TLS, or no ServerHello. */
  | { readonly kind: "not-tls" }
  /** The server refuses; `code` is the alert's description, such as 40, handshake_failure. */
  | { readonly kind: "alert"; readonly code: number }
  /** `records` are those behind the ServerHello that have come whole. */
  | { readonly kind: "hello"; readonly hello: SiteHello; readonly records: readonly FlightRecord[] };

/** Whether a server that has this `random` (32 bytes, or fewer that have come) asks for another hello. */
export function isRetryRandom(random: Uint8Array): boolean {
  return retryRandom.every((byte, at) => byte === random[at]);
}

/** Takes apart what has come so far; never throws, whatever the bytes. */
export function decodeSiteFlight(bytes: Uint8Array): SiteFlight {
  const fragments: Uint8Array[] = [];
  let collected = 0;
  for (let at = 0;;) {
    const record = recordAt(bytes, at);
    if (record === "not-tls") return { kind: "not-tls" };
    if (record === "incomplete") return { kind: "incomplete" };
    at = record.end;
    if (record.type === recordType.alert) return alertOf(record.payload);
    if (record.type !== recordType.handshake || record.payload.length === 0) return { kind: "not-tls" };
    fragments.push(record.payload);
    collected += record.payload.length;
    const message = messageOf(fragments, collected);
    if (message === "incomplete") continue;
    const hello = message === "not-tls" ? undefined : readHello(message);
    return hello === undefined ? { kind: "not-tls" } : { kind: "hello", hello, records: recordsFrom(bytes, at) };
  }
}

interface WholeRecord extends FlightRecord {
  readonly payload: Uint8Array;
  readonly end: number;
}

function recordAt(bytes: Uint8Array, at: number): WholeRecord | "incomplete" | "not-tls" {
  const type = bytes[at];
  const major = bytes[at + 1];
  if (type !== undefined && (type < recordType.changeCipherSpec || type > recordType.applicationData)) return "not-tls";
  if (major !== undefined && major !== 3) return "not-tls";
  const reader = new ByteReader(bytes, Math.min(bytes.length, at + 3));
  const payload = reader.take(reader.uint16());
  if (type === undefined || payload === undefined) return "incomplete";
  return { type, size: payload.length, payload, end: at + recordHeaderSize + payload.length };
}

/** The ServerHello, without its header, once it has come whole. */
function messageOf(
  fragments: readonly Uint8Array[],
  collected: number,
): Uint8Array | "incomplete" | "not-tls" {
  if (fragments[0]![0] !== serverHelloType) return "not-tls";
  if (collected < handshakeHeaderSize) return "incomplete";
  const joined = new Uint8Array(collected);
  let at = 0;
  for (const fragment of fragments) {
    joined.set(fragment, at);
    at += fragment.length;
  }
  const size = joined[1]! << 16 | joined[2]! << 8 | joined[3]!;
  if (size > serverHelloAtMost) return "not-tls";
  // In TLS 1.2 other messages may share its record.
  return collected < handshakeHeaderSize + size
    ? "incomplete"
    : joined.subarray(handshakeHeaderSize, handshakeHeaderSize + size);
}

function alertOf(payload: Uint8Array): SiteFlight {
  return payload.length === 2 ? { kind: "alert", code: payload[1]! } : { kind: "not-tls" };
}

function readHello(body: Uint8Array): SiteHello | undefined {
  const reader = new ByteReader(body);
  const legacyVersion = reader.uint16();
  const random = reader.take(32);
  reader.take(reader.uint8()); // session id
  const suite = reader.uint16();
  const compression = reader.uint8();
  if (legacyVersion === undefined || random === undefined || suite === undefined || compression === undefined) {
    return undefined;
  }
  const extensions = readExtensions(new ByteReader(reader.take(reader.uint16()) ?? body.subarray(0, 0)));
  return {
    version: firstUint16(extensions.get(versionsExtension)) ?? legacyVersion,
    suite,
    group: firstUint16(extensions.get(keyShareExtension)),
    isRetry: isRetryRandom(random),
  };
}

function readExtensions(reader: ByteReader): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  for (;;) {
    const type = reader.uint16();
    const data = reader.take(reader.uint16());
    if (type === undefined || data === undefined) return found;
    found.set(type, data);
  }
}

function firstUint16(data: Uint8Array | undefined): number | undefined {
  return data === undefined ? undefined : new ByteReader(data).uint16();
}

function recordsFrom(bytes: Uint8Array, start: number): readonly FlightRecord[] {
  const records: FlightRecord[] = [];
  for (let at = start;;) {
    const record = recordAt(bytes, at);
    if (typeof record === "string") return records;
    records.push({ type: record.type, size: record.size });
    at = record.end;
  }
}
