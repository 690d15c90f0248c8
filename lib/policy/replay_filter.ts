/**
 * Remembers what has been seen, so that a recorded handshake does not open the door a second time.
 *
 * Two Bloom filters of equal size take turns: new keys go into the current one, both are asked, and when a lifetime has
 * passed, or the current one is full, the older one is wiped and becomes current. So every key is remembered for one lifetime
 * at least and two at most, whatever came after it (a stable Bloom filter forgets at random: after 100,000 more keys in 1 MiB
 * it has lost half).
 *
 * ```text
 * header (16 bytes)   lock | current filter | keys in it | seconds of its start     four 32-bit words
 * filter 0            bits
 * filter 1            bits
 * ```
 *
 * It lives in one buffer, which may be shared (see `lib/bytes/shared_memory.ts`): asking and remembering is one step under a
 * lock. What a worker leaves half done that dies there is a key half remembered.
 */
import { SharedLock } from "../bytes/shared_memory.ts";

/** Bytes before the bits. */
const headerSize = 16;
const lockWord = 0;
const currentWord = 1;
const countWord = 2;
const startWord = 3;

export interface ReplayFilterOptions {
  /** Holds everything; zeroed at first. Its size decides how many keys fit: see `capacity`. */
  readonly memory: ArrayBufferLike;
  /** Chance that a new key is taken for a seen one when a filter is full, above 0 and below 1. */
  readonly errorRate: number;
  /** How long a key is remembered at least, as long as a filter holds all that come in this time. */
  readonly lifetimeMs: number;
  /** How long a key is remembered however many come; within it a full filter errs more often. @default {lifetimeMs} */
  readonly leastLifetimeMs?: number;
  /** Number of the worker that uses it, where several share the memory. @default {0} */
  readonly worker?: number;
}

export class ReplayFilter {
  readonly #header: Int32Array;
  readonly #lock: SharedLock;
  readonly #filters: readonly [Uint32Array, Uint32Array];
  readonly #bits: number;
  readonly #hashes: number;
  readonly #lifetimeSeconds: number;
  readonly #leastLifetimeSeconds: number;
  /** Keys that each filter takes before it errs more often than asked for. */
  readonly capacity: number;

  /** @throws {RangeError} If the memory is below 1 KiB or above 1 GiB. */
  constructor({ memory, errorRate, lifetimeMs, leastLifetimeMs = lifetimeMs, worker = 0 }: ReplayFilterOptions) {
    if (memory.byteLength < 1024 || memory.byteLength > 2 ** 30) {
      throw new RangeError(`A replay filter takes 1 KiB to 1 GiB, not ${memory.byteLength} bytes`);
    }
    const words = Math.floor((memory.byteLength - headerSize) / 8);
    this.#header = new Int32Array(memory, 0, headerSize / 4);
    this.#lock = new SharedLock(this.#header.subarray(lockWord), worker);
    this.#filters = [
      new Uint32Array(memory, headerSize, words),
      new Uint32Array(memory, headerSize + words * 4, words),
    ];
    this.#bits = words * 32;
    const bitsPerKey = -Math.log2(errorRate / 2) / Math.LN2; // half the rate for each of the two filters
    this.#hashes = Math.max(1, Math.round(bitsPerKey * Math.LN2));
    this.capacity = Math.floor(this.#bits / bitsPerKey);
    this.#lifetimeSeconds = Math.ceil(lifetimeMs / 1000);
    this.#leastLifetimeSeconds = Math.ceil(leastLifetimeMs / 1000);
  }

  /** Keys remembered since the last change of filters. */
  get count(): number {
    return this.#header[countWord]!;
  }

  /**
   * Whether `key` has been seen; remembers it if not. `key` is at least 16 bytes that look random (a digest).
   */
  testAndSet(key: Uint8Array, nowMs: number): boolean {
    this.#lock.acquire();
    try {
      this.#rotate(Math.floor(nowMs / 1000));
      const current = this.#header[currentWord]! & 1;
      if (this.#has(this.#filters[(current ^ 1) as 0 | 1], key)) return true;
      if (this.#add(this.#filters[current as 0 | 1], key)) return true;
      this.#header[countWord]!++;
      return false;
    } finally {
      this.#lock.release();
    }
  }

  /** Gives the lock back that `worker` may hold, which is gone. */
  giveBack(worker: number): void {
    this.#lock.giveBack(worker);
  }

  #rotate(nowSeconds: number): void {
    const start = this.#header[startWord]!;
    const age = nowSeconds - start | 0; // seconds are kept modulo 2^32
    // The clock was set back: what both filters hold counts for another lifetime.
    if (age < 0) this.#header[startWord] = nowSeconds;
    const isFull = this.#header[countWord]! >= this.capacity && age >= this.#leastLifetimeSeconds;
    if (age < this.#lifetimeSeconds && !isFull) return;
    // After a long silence neither filter holds anything that still counts.
    const isLong = age >= 2 * this.#lifetimeSeconds;
    if (isLong) this.#filters[this.#header[currentWord]! & 1]!.fill(0);
    this.#header[currentWord]! ^= 1;
    this.#filters[this.#header[currentWord]! & 1]!.fill(0);
    this.#header[countWord] = 0;
    this.#header[startWord] = isLong || isFull ? nowSeconds : start + this.#lifetimeSeconds;
  }

  #has(filter: Uint32Array, key: Uint8Array): boolean {
    for (let i = 0; i < this.#hashes; i++) {
      const bit = this.#bitOf(key, i);
      if ((filter[Math.floor(bit / 32)]! & 1 << bit % 32) === 0) return false;
    }
    return true;
  }

  /** Sets the key's bits; true if all of them were set already. */
  #add(filter: Uint32Array, key: Uint8Array): boolean {
    let present = true;
    for (let i = 0; i < this.#hashes; i++) {
      const bit = this.#bitOf(key, i);
      const word = Math.floor(bit / 32);
      const mask = 1 << bit % 32;
      if ((filter[word]! & mask) === 0) present = false;
      filter[word]! |= mask;
    }
    return present;
  }

  /** Double hashing; the key is a digest already, so its own bytes do. */
  #bitOf(key: Uint8Array, index: number): number {
    return (uint48(key, 0) + index * (uint48(key, 8) | 1)) % this.#bits;
  }
}

function uint48(bytes: Uint8Array, at: number): number {
  const high = bytes[at]! << 8 | bytes[at + 1]!;
  const low = (bytes[at + 2]! << 24 | bytes[at + 3]! << 16 | bytes[at + 4]! << 8 | bytes[at + 5]!) >>> 0;
  return high * 0x1_0000_0000 + low;
}
