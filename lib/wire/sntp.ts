/**
 * SNTP packets (RFC 5905, section 7.3, of which SNTP uses a part): what time a server has, from one question and one answer.
 *
 * ```text
 * 0   1   leap indicator (2 bits) | version (3) | mode (3)    3 client, 4 server
 * 1   1   stratum          0 a refusal, 1..15 how far from a reference clock, 16 not synchronized
 * 2   2   poll, precision
 * 4   8   root delay, root dispersion
 * 12  4   reference id     of a refusal: its code, such as RATE
 * 16  8   reference timestamp
 * 24  8   origin           what the question had as its transmit timestamp
 * 32  8   receive          when the question came
 * 40  8   transmit         when the answer went
 * ```
 *
 * A timestamp counts seconds since 1900 in 32 bits, and 2^-32 of a second in 32 more.
 */
import { ascii } from "../bytes/encoding.ts";

// Specification constants

const packetSize = 48;
export const ntpPort = 123;
const clientMode = 3;
const serverMode = 4;
const version = 4;
const notSynchronized = 3;
const lastStratum = 15;
const originOffset = 24;
const receiveOffset = 32;
const transmitOffset = 40;
/** Seconds from 1900 to 1970. */
const unixEpochSeconds = 2_208_988_800;
const eraSeconds = 2 ** 32;

export const nonceSize = 8;

// Implementation constants

/** Asked where nobody has named others; each is run by somebody else. */
export const defaultTimeServers: readonly string[] = ["0.pool.ntp.org", "time.cloudflare.com"];

/**
 * A question. `nonce` (8 random bytes) stands where the client's own time might: the server gives it back unseen, which shows
 * that the answer is for this question, and nobody learns our clock.
 */
export function encodeQuestion(nonce: Uint8Array): Uint8Array<ArrayBuffer> {
  const packet = new Uint8Array(packetSize);
  packet[0] = version << 3 | clientMode;
  packet.set(nonce.subarray(0, nonceSize), transmitOffset);
  return packet;
}

/** Times are milliseconds since the Unix epoch, with fractions. */
export type TimeAnswer =
  | { readonly kind: "time"; readonly receivedMs: number; readonly sentMs: number; readonly stratum: number }
  /** The server does not want to be asked; `code` is its four letters (RFC 5905, section 7.4). */
  | { readonly kind: "refused"; readonly code: string }
  /** Not a server's answer to this question; whoever waits goes on waiting. */
  | { readonly kind: "foreign" }
  /** An answer that holds no time: the server does not know it either. */
  | { readonly kind: "unsynchronized" };

/** Takes an answer apart; never throws. `nonce` is that of the question. */
export function decodeAnswer(packet: Uint8Array, nonce: Uint8Array): TimeAnswer {
  if (packet.length < packetSize || (packet[0]! & 7) !== serverMode) return { kind: "foreign" };
  const origin = packet.subarray(originOffset, originOffset + nonceSize);
  if (nonce.length < nonceSize || origin.some((byte, index) => byte !== nonce[index])) return { kind: "foreign" };
  const stratum = packet[1]!;
  if (stratum === 0) return { kind: "refused", code: kissCode(packet.subarray(12, 16)) };
  if (stratum > lastStratum || packet[0]! >> 6 === notSynchronized) return { kind: "unsynchronized" };
  if (packet.subarray(transmitOffset, packetSize).every((byte) => byte === 0)) return { kind: "unsynchronized" };
  return { kind: "time", receivedMs: readMs(packet, receiveOffset), sentMs: readMs(packet, transmitOffset), stratum };
}

/** When a question went and its answer came, by the clock of this machine. */
export interface Exchange {
  readonly askedMs: number;
  readonly answeredMs: number;
}

/** How far this machine's clock is ahead of the server's, and how long the packets were under way both ways together. */
export interface ClockOffset {
  /** Positive: the clock of this machine is ahead. */
  readonly aheadMs: number;
  readonly delayMs: number;
}

/** From the four timestamps (RFC 5905, section 8); it takes both ways for equally long. */
export function compareClocks(
  { askedMs, answeredMs }: Exchange,
  { receivedMs, sentMs }: { readonly receivedMs: number; readonly sentMs: number },
): ClockOffset {
  return {
    aheadMs: (askedMs - receivedMs + (answeredMs - sentMs)) / 2,
    delayMs: Math.max(0, answeredMs - askedMs - (sentMs - receivedMs)),
  };
}

/** Letters and digits only: the code ends up on a terminal. */
function kissCode(bytes: Uint8Array): string {
  const code = ascii(bytes).replace(/\0+$/, "");
  return /^[A-Z0-9]{1,4}$/.test(code) ? code : "????";
}

/**
 * The 32 bits of seconds start anew in 2036: a time in the lower half of them is of the era that begins then (RFC 4330,
 * section 3). This holds until 2104, whatever the clock of this machine says.
 */
function readMs(packet: Uint8Array, offset: number): number {
  const view = new DataView(packet.buffer, packet.byteOffset);
  const seconds = view.getUint32(offset);
  const era = seconds < eraSeconds / 2 ? eraSeconds : 0;
  return (seconds + era - unixEpochSeconds) * 1000 + view.getUint32(offset + 4) / eraSeconds * 1000;
}
