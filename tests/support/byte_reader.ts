/** Reads exact amounts from a source that gives what it likes. */
export class ByteReader {
  readonly #read: (into: Uint8Array) => Promise<number | null>;
  readonly #scratch: Uint8Array<ArrayBuffer>;
  #held: Uint8Array = new Uint8Array(0);

  /** `read` fills a part of its argument and gives the count, or `null` at the end: `conn.read` of any socket. */
  constructor(read: (into: Uint8Array) => Promise<number | null>, scratchSize = 65_536) {
    this.#read = read;
    this.#scratch = new Uint8Array(scratchSize);
  }

  /** Bytes that have come and were not handed out yet. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** The next bytes, at least one and at most `most`, or `null` at the end. The result is the caller's own. */
  async some(most = Infinity): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#held.length === 0 && !(await this.#fill())) return null;
    const taken = this.#held.slice(0, Math.min(most, this.#held.length));
    this.#held = this.#held.subarray(taken.length);
    return taken;
  }

  /** Exactly `count` bytes. @throws {Error} If the source ends before. */
  async exactly(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      if (this.#held.length === 0 && !(await this.#fill())) {
        throw new Error(`The stream ended after ${filled} of ${count} bytes`);
      }
      const part = this.#held.subarray(0, count - filled);
      bytes.set(part, filled);
      filled += part.length;
      this.#held = this.#held.subarray(part.length);
    }
    return bytes;
  }

  /** All that is left until the end. */
  async all(): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array[] = [];
    for (let part = await this.some(); part !== null; part = await this.some()) parts.push(part);
    return concat(...parts);
  }

  /** Only called when nothing is held, so the scratch buffer may be written over. */
  async #fill(): Promise<boolean> {
    const count = await this.#read(this.#scratch);
    if (count === null) return false;
    this.#held = this.#scratch.subarray(0, count);
    return true;
  }
}

/** One buffer of all parts. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** One call of the system's source gives no more. */
const entropyLimit = 65_536;

/** Cryptographically random bytes. */
export function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += entropyLimit) crypto.getRandomValues(bytes.subarray(at, at + entropyLimit));
  return bytes;
}
