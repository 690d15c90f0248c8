/** A cursor over bytes that never reads past their end: a `take` or number that does not fit gives `undefined`. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  uint8(): number | undefined {
    return this.remaining < 1 ? undefined : this.#bytes[this.#offset++];
  }

  /** Big-endian, as in TLS. */
  uint16(): number | undefined {
    if (this.remaining < 2) return undefined;
    this.#offset += 2;
    return this.#bytes[this.#offset - 2]! << 8 | this.#bytes[this.#offset - 1]!;
  }

  /** A view of the next `count` bytes. */
  take(count: number | undefined): Uint8Array | undefined {
    if (count === undefined || this.remaining < count) return undefined;
    this.#offset += count;
    return this.#bytes.subarray(this.#offset - count, this.#offset);
  }
}
