/**
 * What the bulk transfers carry, and how they are checked.
 *
 * To encipher and compare every byte would make the load generator the bottleneck, so a transfer is filler with one
 * window in each block of 64 KiB: only the windows are enciphered by the sender and compared by the receiver. The
 * window of the first block is at its start, that of the last at its end, the others where a hash of the block number
 * puts them. A byte that is lost, doubled or moved shifts all that follows against the keystream, so the next window
 * tells it; the number of bytes is exact.
 */
import type { KeyStream } from "./keystream.ts";

/** Bytes that a sender writes at once, and in which there is one window. */
export const contentBlockSize = 65_536;
/** Bytes of a window. */
export const windowSize = 1024;

/** The plain bytes of windows and of echoed messages, by their offset in a block. */
export const pattern: Uint8Array<ArrayBuffer> = Uint8Array.from(
  { length: contentBlockSize },
  (_, index) => Math.imul(index, 2_654_435_761) >>> 13,
);

/** Bytes of a block of a transfer of `total` bytes. */
export function blockLength(block: number, total: number): number {
  return Math.min(contentBlockSize, total - block * contentBlockSize);
}

/** Where in `block` its window starts; `block` and `total` as above. */
export function windowStart(block: number, total: number): number {
  const spare = Math.max(0, blockLength(block, total) - windowSize);
  if (block === 0) return 0;
  if ((block + 1) * contentBlockSize >= total) return spare;
  return (Math.imul(block, 2_654_435_761) >>> 8) % (spare + 1);
}

/** The enciphered window of `block`, whose transfer began at keystream offset `base`; a view of `into`. */
export function windowBytes(
  into: Uint8Array,
  block: number,
  { total, base, keys }: { total: number; base: number; keys: KeyStream },
): Uint8Array {
  const start = windowStart(block, total);
  const length = Math.min(windowSize, blockLength(block, total));
  const bytes = into.subarray(0, length);
  bytes.set(pattern.subarray(start, start + length));
  keys.apply(bytes, base + block * contentBlockSize + start);
  return bytes;
}

/** The receiver's side of one transfer: takes the bytes as they come and compares the windows. */
export class TransferCheck {
  readonly #transfer: { readonly total: number; readonly base: number; readonly keys: KeyStream };
  readonly #scratch = new Uint8Array(windowSize);
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;
  #block = -1;
  #position = 0;
  #intact = true;

  constructor(total: number, base: number, keys: KeyStream) {
    this.#transfer = { total, base, keys };
    this.#nextWindow();
  }

  /** Bytes still to come. */
  get left(): number {
    return this.#transfer.total - this.#position;
  }

  /** Whether every window so far held what it should. */
  get intact(): boolean {
    return this.#intact;
  }

  /** Takes `bytes`, of which there must not be more than `left`. */
  feed(bytes: Uint8Array): void {
    const start = this.#position;
    const end = start + bytes.length;
    while (this.#window.length > 0 && this.#windowStart < end) {
      const from = Math.max(start, this.#windowStart);
      const to = Math.min(end, this.#windowStart + this.#window.length);
      for (let at = from; at < to; at++) {
        if (bytes[at - start] !== this.#window[at - this.#windowStart]) this.#intact = false;
      }
      if (to < this.#windowStart + this.#window.length) break;
      this.#nextWindow();
    }
    this.#position = end;
  }

  #nextWindow(): void {
    this.#block++;
    const { total } = this.#transfer;
    if (this.#block * contentBlockSize >= total) {
      this.#window = this.#scratch.subarray(0, 0);
      return;
    }
    this.#windowStart = this.#block * contentBlockSize + windowStart(this.#block, total);
    this.#window = windowBytes(this.#scratch, this.#block, this.#transfer);
  }
}
