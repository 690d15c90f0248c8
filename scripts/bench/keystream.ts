/**
 * AES-256-CTR for the load generator: `aes-256-ecb` over counter blocks, which is several times faster here than
 * `aes-256-ctr` and can start anywhere in the stream.
 */
import { type Cipheriv, createCipheriv } from "node:crypto";

const blockSize = 16;
const leastChunk = 256;
const mostChunk = 8192;
const wordLimit = 2 ** 32;

/** The keystream of one direction. Close it: the cipher holds native memory until then. */
export class KeyStream implements Disposable {
  readonly #cipher: Cipheriv;
  readonly #iv: DataView;
  #chunk: Uint8Array = new Uint8Array(0);
  #chunkStart = 0;
  #closed = false;

  /** `key` has 32 bytes, `iv` 16: the counter block of offset 0. */
  constructor(key: Uint8Array, iv: Uint8Array) {
    this.#cipher = createCipheriv("aes-256-ecb", key, null);
    this.#cipher.setAutoPadding(false);
    this.#iv = new DataView(iv.slice().buffer);
  }

  /** XORs `bytes` with the keystream that begins at `offset` bytes. */
  apply(bytes: Uint8Array, offset: number): void {
    let done = 0;
    while (done < bytes.length) {
      const at = offset + done - this.#chunkStart;
      if (at < 0 || at >= this.#chunk.length) {
        this.#generate(offset + done, bytes.length - done);
        continue;
      }
      const chunk = this.#chunk;
      const count = Math.min(bytes.length - done, chunk.length - at);
      for (let index = 0; index < count; index++) bytes[done + index]! ^= chunk[at + index]!;
      done += count;
    }
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cipher.final();
  }

  /** A stream that is read in order gets longer and longer chunks; one that is sampled, what the sample needs. */
  #generate(offset: number, needed: number): void {
    const inOrder = offset === this.#chunkStart + this.#chunk.length;
    const wanted = inOrder ? Math.max(leastChunk, 2 * this.#chunk.length) : needed + blockSize;
    const blocks = Math.ceil(Math.min(wanted, mostChunk) / blockSize);
    const first = Math.floor(offset / blockSize);
    this.#chunk = this.#cipher.update(this.#counters(first, blocks));
    this.#chunkStart = first * blockSize;
  }

  #counters(first: number, blocks: number): Uint8Array {
    const bytes = new Uint8Array(blocks * blockSize);
    const view = new DataView(bytes.buffer);
    for (let index = 0; index < blocks; index++) {
      let carry = first + index;
      for (let word = 3; word >= 0; word--) {
        const sum = this.#iv.getUint32(4 * word) + carry;
        view.setUint32(blockSize * index + 4 * word, sum % wordLimit);
        carry = Math.floor(sum / wordLimit);
      }
    }
    return bytes;
  }
}
