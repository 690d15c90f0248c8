/** The binary form of TL, Telegram's type language: little-endian integers, length-prefixed strings padded to 4 bytes. */
import { concat } from "../byte_reader.ts";

/** Marks a boxed vector. */
export const vectorId = 0x1cb5c415;
const trueId = 0x997275b5;
const falseId = 0xbc799737;

/** Reads values one after another. Reading beyond the end throws `RangeError`. */
export class TlReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** How many bytes were read. */
  get offset(): number {
    return this.#at;
  }

  /** Unsigned: constructor numbers, flags, lengths. */
  uint(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  int(): number {
    return this.uint() | 0;
  }

  long(): bigint {
    this.#at += 8;
    return this.#view.getBigUint64(this.#at - 8, true);
  }

  raw(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw new RangeError(`TL: ${count} bytes wanted beyond the end`);
    this.#at += count;
    return this.#bytes.slice(this.#at - count, this.#at);
  }

  bytes(): Uint8Array {
    const start = this.#at;
    const first = this.raw(1)[0]!;
    const length = first < 254 ? first : this.#longLength();
    const value = this.raw(length);
    this.raw((4 - (this.#at - start) % 4) % 4);
    return value;
  }

  string(): string {
    return new TextDecoder().decode(this.bytes());
  }

  /** All that follows. */
  rest(): Uint8Array {
    return this.raw(this.#bytes.length - this.#at);
  }

  #longLength(): number {
    const [low, middle, high] = this.raw(3);
    return low! | (middle! << 8) | (high! << 16);
  }
}

/** Collects values; every method returns the writer. */
export class TlWriter {
  readonly #parts: Uint8Array[] = [];

  /** Signed or unsigned 32 bits. */
  int(value: number): this {
    const part = new Uint8Array(4);
    new DataView(part.buffer).setUint32(0, value >>> 0, true);
    return this.raw(part);
  }

  long(value: bigint): this {
    const part = new Uint8Array(8);
    new DataView(part.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
    return this.raw(part);
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  bytes(value: Uint8Array): this {
    const { length } = value;
    const header = length < 254
      ? Uint8Array.of(length)
      : Uint8Array.of(254, length & 0xff, (length >> 8) & 0xff, length >> 16);
    const padding = new Uint8Array((4 - (header.length + length) % 4) % 4);
    return this.raw(header).raw(value).raw(padding);
  }

  string(value: string): this {
    return this.bytes(new TextEncoder().encode(value));
  }

  bool(value: boolean): this {
    return this.int(value ? trueId : falseId);
  }

  end(): Uint8Array<ArrayBuffer> {
    return concat(...this.#parts);
  }
}
