/**
 * A model of how Telegram for Android takes the server's flight of fake TLS, its fault included.
 *
 * It waits until the ServerHello record is whole, then compares the nine bytes after it and reads the two of a length,
 * without asking whether these eleven have come. If a read ends among them it looks at stale bytes, and gives up.
 */
import { createHmac } from "node:crypto";

export type AndroidVerdict = "waiting" | "ok" | "failed";

const flightLimit = 65_536;
const header = [0x16, 0x03, 0x03];
const middle = [0x14, 0x03, 0x03, 0x00, 0x01, 0x01, 0x17, 0x03, 0x03];
/** It looks at nothing before. */
const firstLook = 16;

/** Fed with what each read gives; the verdict stays once it is not `waiting`. */
export class AndroidParser {
  readonly #key: Uint8Array;
  readonly #clientRandom: Uint8Array;
  readonly #buffer = new Uint8Array(flightLimit);
  #received = 0;
  #verdict: AndroidVerdict = "waiting";

  constructor(key: Uint8Array, clientRandom: Uint8Array) {
    this.#key = key;
    this.#clientRandom = clientRandom;
  }

  /** Takes one read of the socket. */
  push(chunk: Uint8Array): AndroidVerdict {
    if (this.#verdict !== "waiting") return this.#verdict;
    if (this.#received + chunk.length > flightLimit) return this.#verdict = "failed";
    this.#buffer.set(chunk, this.#received);
    this.#received += chunk.length;
    return this.#verdict = this.#judge();
  }

  #judge(): AndroidVerdict {
    if (this.#received < firstLook) return "waiting";
    if (!this.#holds(header, 0)) return "failed";
    const helloEnd = 5 + this.#word(3);
    if (this.#received < helloEnd) return "waiting";
    const lengthEnd = helloEnd + middle.length + 2;
    // The bytes that it compares here are whatever an earlier connection left in the buffer.
    if (this.#received < lengthEnd) return "failed";
    if (!this.#holds(middle, helloEnd)) return "failed";
    const flightEnd = lengthEnd + this.#word(lengthEnd - 2);
    if (flightEnd > flightLimit) return "failed";
    return this.#received < flightEnd ? "waiting" : this.#checkDigest();
  }

  /** Over all that has come, so that a byte more than the flight spoils it. */
  #checkDigest(): AndroidVerdict {
    const flight = this.#buffer.slice(0, this.#received);
    flight.fill(0, 11, 43);
    const digest = createHmac("sha256", this.#key).update(this.#clientRandom).update(flight).digest();
    return digest.equals(this.#buffer.subarray(11, 43)) ? "ok" : "failed";
  }

  #holds(bytes: readonly number[], offset: number): boolean {
    return bytes.every((byte, index) => this.#buffer[offset + index] === byte);
  }

  #word(offset: number): number {
    return (this.#buffer[offset]! << 8) | this.#buffer[offset + 1]!;
  }
}
