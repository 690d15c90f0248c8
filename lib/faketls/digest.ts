/**
 * What proves that a client knows the secret.
 *
 * The random of its hello is HMAC-SHA256(key, hello with the random zeroed), whose last four bytes are XORed with the Unix
 * time in seconds, little endian.
 */
import { equalConstantTime } from "../crypto/constant_time.ts";
import { hmacSha256 } from "../crypto/hash.ts";
import { ProtocolError } from "../errors.ts";
import { type ClientHello, randomOffset, randomSize } from "./client_hello.ts";

const timestampOffset = randomSize - 4;

const zeros = new Uint8Array(randomSize);

/**
 * Checks the digest and gives the Unix time in seconds that the client put in.
 *
 * @throws {ProtocolError} bad-digest if the hello was not made with `key` (16 bytes).
 */
export function verifyDigest(hello: ClientHello, key: Uint8Array): number {
  const { record, random } = hello;
  const digest = hmacSha256(key, record.subarray(0, randomOffset), zeros, record.subarray(randomOffset + randomSize));
  if (!equalConstantTime(digest.subarray(0, timestampOffset), random.subarray(0, timestampOffset))) {
    throw new ProtocolError("bad-digest", "The ClientHello was not signed with the secret");
  }
  let seconds = 0;
  for (let i = randomSize - 1; i >= timestampOffset; i--) seconds = seconds * 256 + (digest[i]! ^ random[i]!);
  return seconds;
}

/**
 * The part of the random that only a holder of the secret can make: all but the time, which anybody can move. It is what a
 * replay is known by.
 */
export function provenPart({ random }: ClientHello): Uint8Array {
  return random.subarray(0, timestampOffset);
}

/** @throws {ProtocolError} bad-timestamp if the client's time is off by more than `toleranceMs`. */
export function checkTimestamp(seconds: number, nowMs: number, toleranceMs: number): void {
  const offMs = seconds * 1000 - nowMs;
  if (Math.abs(offMs) > toleranceMs) {
    const off = `${Math.abs(Math.round(offMs / 1000))} s ${offMs < 0 ? "behind" : "ahead"}`;
    throw new ProtocolError(
      "bad-timestamp",
      `The client's clock is ${off}, at most ${toleranceMs / 1000} s are tolerated`,
    );
  }
}

/**
 * A hello names the secret's host, in any case of letters, or no host at all (older iOS).
 *
 * @throws {ProtocolError} bad-sni if it names another.
 */
export function checkServerName(hello: ClientHello, host: string): void {
  if (hello.serverName !== undefined && hello.serverName.toLowerCase() !== host.toLowerCase()) {
    throw new ProtocolError("bad-sni", "The ClientHello names another host than the secret");
  }
}
