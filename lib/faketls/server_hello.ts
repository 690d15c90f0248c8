/**
 * The one flight with which a fake-TLS server answers. Clients check its digest and its record headers; what is inside is
 * for the eyes of whoever watches the line, and looks like TLS 1.3.
 *
 * ```text
 * 16 03 03 len                    ServerHello record
 *   02 len(3) 03 03               handshake header, legacy version
 *   random (32)                   HMAC-SHA256(key, client random | flight with these 32 bytes zero)
 *   session id (1 + n)            echo of the client's
 *   suite (2) 00                  a TLS 1.3 suite that the client offered; no compression
 *   00 2e                         extensions:
 *   00 2b 00 02 03 04             supported_versions: TLS 1.3
 *   00 33 00 24 00 1d 00 20 (32)  key_share: X25519
 * 14 03 03 00 01 01               ChangeCipherSpec
 * 17 03 03 len                    one application-data record, where a real server sends its certificate
 * ```
 *
 * Exactly one record follows the ChangeCipherSpec: clients take a second one for an error. No record is above 10,240 bytes:
 * iOS closes. Nothing may follow before the client has spoken.
 */
import { hmacSha256 } from "../crypto/hash.ts";
import { randomInteger, type RandomSource } from "../crypto/random.ts";
import type { ClientHello } from "./client_hello.ts";
import { recordHeaderSize, recordType, writeRecordHeader } from "./record.ts";

/** Longest record that iOS takes in the flight. */
export const flightRecordAtMost = 10_240;
/** Bounds of the application-data record, as common certificate chains give. */
export const certificateSizes = { least: 2_500, most: 4_700 } as const;

const serverRandomOffset = 11;
const tls13Suites = [0x1301, 0x1302, 0x1303];
const extensions = Uint8Array.of(0x00, 0x2e, 0x00, 0x2b, 0, 2, 3, 4, 0x00, 0x33, 0, 0x24, 0x00, 0x1d, 0, 0x20);
const keyShareSize = 32;
const changeCipherSpec = Uint8Array.of(recordType.changeCipherSpec, 3, 3, 0, 1, 1);

/** The first TLS 1.3 suite that the client offers: never GREASE, never one of TLS 1.2. */
export function chooseSuite(cipherSuites: Uint8Array): number {
  for (let at = 0; at + 1 < cipherSuites.length; at += 2) {
    const suite = cipherSuites[at]! << 8 | cipherSuites[at + 1]!;
    if (tls13Suites.includes(suite)) return suite;
  }
  return tls13Suites[0]!;
}

export interface FlightParts {
  /** The secret's 16 key bytes. */
  readonly key: Uint8Array;
  readonly hello: Pick<ClientHello, "random" | "sessionId" | "cipherSuites">;
  /** Gives the server's X25519 key and the contents of the application-data record. */
  readonly random: RandomSource;
  /** Payload of the application-data record, 1 to 10,240 bytes. */
  readonly certificateSize: number;
}

/** The most bytes that a flight has. */
export const flightAtMost = 512 + flightRecordAtMost;

/**
 * Puts the flight together at the start of `into`, which has `flightAtMost` bytes or more, and signs it.
 *
 * @returns The part of `into` that it takes.
 */
export function writeServerFlight(into: Uint8Array, { key, hello, random, certificateSize }: FlightParts): Uint8Array {
  if (certificateSize < 1 || certificateSize > flightRecordAtMost) {
    throw new RangeError(`The flight's last record has 1 to ${flightRecordAtMost} bytes, not ${certificateSize}`);
  }
  const { sessionId } = hello;
  const bodySize = 2 + 32 + 1 + sessionId.length + 2 + 1 + extensions.length + keyShareSize;
  const certificateOffset = recordHeaderSize + 4 + bodySize + changeCipherSpec.length + recordHeaderSize;
  const flight = into.subarray(0, certificateOffset + certificateSize);
  flight.set([
    recordType.handshake,
    3,
    3,
    (bodySize + 4) >> 8,
    (bodySize + 4) & 0xff,
    2,
    0,
    bodySize >> 8,
    bodySize & 0xff,
    3,
    3,
  ]);
  flight.fill(0, serverRandomOffset, serverRandomOffset + 32);
  let at = serverRandomOffset + 32;
  flight[at++] = sessionId.length;
  flight.set(sessionId, at);
  at += sessionId.length;
  const suite = chooseSuite(hello.cipherSuites);
  flight.set([suite >> 8, suite & 0xff, 0], at);
  flight.set(extensions, at + 3);
  flight.set(random.x25519PublicKey(), at + 3 + extensions.length);
  flight.set(changeCipherSpec, certificateOffset - recordHeaderSize - changeCipherSpec.length);
  writeRecordHeader(flight, certificateOffset - recordHeaderSize, certificateSize);
  random.fill(flight.subarray(certificateOffset));
  flight.set(hmacSha256(key, hello.random, flight), serverRandomOffset);
  return flight;
}

/** A random size within `certificateSizes`. */
export function randomCertificateSize(random: RandomSource): number {
  return randomInteger(random, certificateSizes.least, certificateSizes.most);
}
