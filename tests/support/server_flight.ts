/**
 * What a client checks in the flight of a fake-TLS proxy, and what a censor sees of it.
 *
 * ```text
 * 16 03 03 len  ServerHello      bytes 11..42 of the flight: HMAC-SHA256(key, client random + flight with these zero)
 * 14 03 03 00 01 01              ChangeCipherSpec
 * 17 03 03 len  random bytes     exactly one application-data record, then silence
 * ```
 */
import { createHmac } from "node:crypto";
import type { ByteReader } from "./byte_reader.ts";
import { concat, randomBytes } from "./byte_reader.ts";

export interface ServerFlight {
  /** Bytes of the ServerHello record with its header. */
  readonly serverHelloSize: number;
  /** Payload of the application-data record. */
  readonly applicationDataSize: number;
  readonly totalSize: number;
  readonly sessionId: Uint8Array;
  readonly suite: number;
  /** What the supported_versions extension chose; 0x0304 is TLS 1.3. */
  readonly version: number;
  readonly group: number;
  readonly share: Uint8Array;
}

/** iOS closes on a record of the flight above this. */
export const flightRecordLimit = 10_240;

/**
 * Checks a whole flight as the strictest of the clients would, and takes it apart.
 *
 * @throws {Error} If a record is missing, of a wrong type, too long or one too many, or if the digest is wrong.
 */
export function verifyServerFlight(flight: Uint8Array, key: Uint8Array, random: Uint8Array): ServerFlight {
  const hello = recordAt(flight, 0, 0x16);
  const change = recordAt(flight, hello.end, 0x14);
  if (change.payload.length !== 1 || change.payload[0] !== 1) throw new Error("The ChangeCipherSpec is malformed");
  const data = recordAt(flight, change.end, 0x17);
  if (data.payload.length === 0) throw new Error("The application-data record is empty");
  if (data.end !== flight.length) throw new Error(`${flight.length - data.end} bytes follow the flight`);
  const zeroed = flight.slice();
  zeroed.fill(0, 11, 43);
  const digest = createHmac("sha256", key).update(random).update(zeroed).digest();
  if (!digest.equals(flight.subarray(11, 43))) throw new Error("The digest of the server's flight is wrong");
  return {
    serverHelloSize: hello.end,
    applicationDataSize: data.payload.length,
    totalSize: flight.length,
    ...parseServerHello(hello.payload),
  };
}

export interface FlightOptions {
  readonly key: Uint8Array;
  readonly clientRandom: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly suite?: number | undefined;
  readonly share?: Uint8Array | undefined;
  readonly applicationData?: Uint8Array | undefined;
}

/** A flight that is right, to try clients against. */
export function serverFlight(options: FlightOptions): Uint8Array {
  const { sessionId, suite = 0x1301, share = randomBytes(32), applicationData = randomBytes(2_900) } = options;
  const shareEntry = concat(Uint8Array.of(0, 0x33, 0, 0x24, 0, 0x1d, 0, 0x20), share);
  const body = concat(
    Uint8Array.of(3, 3),
    new Uint8Array(32),
    Uint8Array.of(sessionId.length),
    sessionId,
    Uint8Array.of(suite >> 8, suite & 0xff, 0, 0, 0x2e),
    shareEntry,
    Uint8Array.of(0, 0x2b, 0, 2, 3, 4),
  );
  const flight = concat(
    Uint8Array.of(0x16, 3, 3, 0, body.length + 4, 2, 0, 0, body.length),
    body,
    Uint8Array.of(0x14, 3, 3, 0, 1, 1),
    Uint8Array.of(0x17, 3, 3, applicationData.length >> 8, applicationData.length & 0xff),
    applicationData,
  );
  flight.set(createHmac("sha256", options.key).update(options.clientRandom).update(flight).digest(), 11);
  return flight;
}

/** Reads exactly the three records of a flight, without looking into them. */
export async function readServerFlight(reader: ByteReader): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let record = 0; record < 3; record++) {
    const header = await reader.exactly(5);
    parts.push(header, await reader.exactly((header[3]! << 8) | header[4]!));
  }
  return concat(...parts);
}

function recordAt(flight: Uint8Array, start: number, type: number): { payload: Uint8Array; end: number } {
  const header = flight.subarray(start, start + 5);
  if (header.length < 5) throw new Error(`The flight ends at ${flight.length}, inside a record header`);
  if (header[0] !== type || header[1] !== 3 || header[2] !== 3) {
    throw new Error(`The record at ${start} starts ${header.subarray(0, 3).toHex()}, expected type ${type}`);
  }
  const length = (header[3]! << 8) | header[4]!;
  if (length > flightRecordLimit) throw new Error(`The record at ${start} has ${length} bytes, iOS takes 10240`);
  const end = start + 5 + length;
  if (flight.length < end) throw new Error(`The record at ${start} ends at ${end}, the flight at ${flight.length}`);
  return { payload: flight.subarray(start + 5, end), end };
}

function parseServerHello(message: Uint8Array) {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  if (view.getUint8(0) !== 2) throw new Error("The first record holds no ServerHello");
  if (view.getUint32(0) % (1 << 24) !== message.length - 4) throw new Error("The ServerHello's length is wrong");
  if (view.getUint16(4) !== 0x0303) throw new Error("The ServerHello's legacy version is not 0303");
  const sessionEnd = 39 + view.getUint8(38);
  const sessionId = message.slice(39, sessionEnd);
  const suite = view.getUint16(sessionEnd);
  if (view.getUint8(sessionEnd + 2) !== 0) throw new Error("The ServerHello chose a compression");
  const extensions = parseExtensions(message, sessionEnd + 3);
  const shareEntry = extensions.get(0x33);
  const versions = extensions.get(0x2b);
  if (shareEntry === undefined || versions === undefined) {
    throw new Error("The ServerHello lacks an extension of TLS 1.3");
  }
  const share = shareEntry.slice(4);
  if (((shareEntry[2]! << 8) | shareEntry[3]!) !== share.length) throw new Error("The key share's length is wrong");
  const group = (shareEntry[0]! << 8) | shareEntry[1]!;
  return { sessionId, suite, group, share, version: (versions[0]! << 8) | versions[1]! };
}

function parseExtensions(message: Uint8Array, start: number): Map<number, Uint8Array> {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  if (start + 2 + view.getUint16(start) !== message.length) throw new Error("The extensions' length is wrong");
  const extensions = new Map<number, Uint8Array>();
  for (let at = start + 2; at < message.length;) {
    const end = at + 4 + view.getUint16(at + 2);
    if (end > message.length) throw new Error("An extension goes beyond the ServerHello");
    extensions.set(view.getUint16(at), message.subarray(at + 4, end));
    at = end;
  }
  return extensions;
}
