/**
 * What comes back to a ClientHello, as a client with the secret reads it: the flight of a fake-TLS proxy (`server_hello.ts`
 * writes it), or the answer of whoever else is there.
 */
import { equalConstantTime } from "../crypto/constant_time.ts";
import { hmacSha256 } from "../crypto/hash.ts";
import { recordHeaderSize, recordType } from "./record.ts";
import { isRetryRandom, serverHelloType } from "./site_flight.ts";

/** No flight has more bytes: the largest that a client takes. */
export const ownFlightAtMost = 65_536;

const serverRandom = { start: 11, end: 43 } as const;
const zeros = new Uint8Array(serverRandom.end - serverRandom.start);
const flightTypes = [recordType.handshake, recordType.changeCipherSpec, recordType.applicationData];

/**
 * - `incomplete`: more has to come; `isTls` once a whole ServerHello has
 * - `verified`: a proxy that knows the secret; the payloads of its three records have `sizes` bytes, `consumed` in all with headers
 * - `site`: a TLS server that does not know the secret
 * - `alert`: likewise, and it has refused the hello with this code (RFC 8446, section 6)
 * - `foreign`: no TLS at all
 */
export type ServerFlight =
  | { readonly kind: "incomplete"; readonly isTls: boolean }
  | { readonly kind: "verified"; readonly sizes: readonly number[]; readonly consumed: number }
  | { readonly kind: "site" }
  | { readonly kind: "alert"; readonly code: number }
  | { readonly kind: "foreign" };

export interface FlightProof {
  /** The secret's 16 key bytes. */
  readonly key: Uint8Array;
  /** 32 bytes of the hello that is answered. */
  readonly clientRandom: Uint8Array;
}

/** Reads what has been received so far; any bytes give a result. */
export function readServerFlight(received: Uint8Array, proof: FlightProof): ServerFlight {
  const sizes: number[] = [];
  let at = 0;
  for (const type of flightTypes) {
    if (!mayBeRecord(received.subarray(at))) return sizes.length === 0 ? { kind: "foreign" } : { kind: "site" };
    if (received.length < at + recordHeaderSize) return { kind: "incomplete", isTls: sizes.length > 0 };
    const size = received[at + 3]! << 8 | received[at + 4]!;
    const payload = received.subarray(at + recordHeaderSize, at + recordHeaderSize + size);
    if (sizes.length === 0) {
      const other = readFirst(received[at]!, payload, size);
      if (other !== undefined) return other;
    }
    if (received[at] !== type || received[at + 2] !== 3) return { kind: "site" };
    at += recordHeaderSize + size;
    if (at > ownFlightAtMost) return { kind: "site" };
    if (received.length < at) return { kind: "incomplete", isTls: sizes.length > 0 };
    sizes.push(size);
  }
  return isSigned(received.subarray(0, at), proof) ? { kind: "verified", sizes, consumed: at } : { kind: "site" };
}

/** Of the first record: what shows before it is whole that it is not a proxy's. */
function readFirst(type: number, payload: Uint8Array, size: number): ServerFlight | undefined {
  if (type === recordType.alert) {
    if (size !== 2) return { kind: "foreign" };
    return payload.length < 2 ? { kind: "incomplete", isTls: false } : { kind: "alert", code: payload[1]! };
  }
  if (type !== recordType.handshake) return { kind: "foreign" };
  if (payload.length > 0 && payload[0] !== serverHelloType) return { kind: "foreign" };
  const random = payload.subarray(serverRandom.start - recordHeaderSize, serverRandom.end - recordHeaderSize);
  return isRetryRandom(random) ? { kind: "site" } : undefined;
}

/** Type and version of a record of TLS, as far as they have come. */
function mayBeRecord(bytes: Uint8Array): boolean {
  const [type, major, minor] = bytes;
  if (type !== undefined && (type < recordType.changeCipherSpec || type > recordType.applicationData)) return false;
  return (major === undefined || major === 3) && (minor === undefined || minor <= 4);
}

function isSigned(flight: Uint8Array, { key, clientRandom }: FlightProof): boolean {
  if (flight.length < serverRandom.end) return false;
  const digest = hmacSha256(
    key,
    clientRandom,
    flight.subarray(0, serverRandom.start),
    zeros,
    flight.subarray(serverRandom.end),
  );
  return equalConstantTime(digest, flight.subarray(serverRandom.start, serverRandom.end));
}
