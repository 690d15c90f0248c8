/** What the proxy does to bytes on their way: records off and on, one cipher into another. */
import { type CtrXor, wordSize } from "../crypto/ctr_xor.ts";
import {
  frameInPlace,
  payloadThatFits,
  recordHeaderSize,
  recordPayloadAtMost,
  type RecordReader,
} from "../faketls/record.ts";
import { type Chunk, headroom } from "../relay/chunk.ts";
import { type Shaper, unshaped } from "../relay/pump.ts";

/** Obfuscated bytes from one side, enciphered for the other. */
export class Recrypt implements Shaper {
  readonly #cipher: CtrXor;

  constructor(cipher: CtrXor) {
    this.#cipher = cipher;
  }

  /** Words of data meet words of keystream. */
  get readOffset(): number {
    return this.#cipher.alignment;
  }

  readSize(size: number): number {
    return size - headroom;
  }

  shape(chunk: Chunk): void {
    this.#cipher.apply(chunk, chunk.start, chunk.end);
  }

  release(): void {
    this.#cipher.release();
  }
}

/** TLS records from the client: payload out, then enciphered for Telegram. */
export class StripAndRecrypt implements Shaper {
  readonly readOffset = wordSize;
  readonly #records: RecordReader;
  readonly #cipher: CtrXor;

  constructor(records: RecordReader, cipher: CtrXor) {
    this.#records = records;
    this.#cipher = cipher;
  }

  readSize(size: number): number {
    return size - headroom;
  }

  shape(chunk: Chunk): void {
    // Payload moves towards the start anyway: to where words of data meet words of keystream.
    const to = this.#cipher.alignment;
    chunk.end = this.#records.strip(chunk.bytes, chunk.start, chunk.end, to);
    chunk.start = to;
    this.#cipher.apply(chunk, chunk.start, chunk.end);
  }

  release(): void {
    this.#cipher.release();
  }
}

/** Bytes for the client, put into TLS records; enciphered before, where Telegram has not done so for the client. */
export class Frame implements Shaper {
  readonly #cipher: CtrXor | undefined;

  constructor(cipher?: CtrXor) {
    this.#cipher = cipher;
  }

  /** Room for the first header, and on to where words of data meet words of keystream. */
  get readOffset(): number {
    if (this.#cipher === undefined) return recordHeaderSize;
    return recordHeaderSize + (this.#cipher.alignment - recordHeaderSize & wordSize - 1);
  }

  /** Whole records only, as soon as one fits. */
  readSize(size: number): number {
    const payload = payloadThatFits(size - (headroom - recordHeaderSize));
    return payload > recordPayloadAtMost ? payload - payload % recordPayloadAtMost : payload;
  }

  shape(chunk: Chunk): void {
    this.#cipher?.apply(chunk, chunk.start, chunk.end);
    const start = chunk.start - recordHeaderSize;
    chunk.end = frameInPlace(chunk.bytes, start, chunk.end - chunk.start);
    chunk.start = start;
  }

  release(): void {
    this.#cipher?.release();
  }
}

/** The downlink's shaper: in fast mode Telegram has enciphered for the client already, and `cipher` is absent. */
export function downlinkShaper(tls: boolean, cipher: CtrXor | undefined): Shaper {
  if (tls) return new Frame(cipher);
  return cipher === undefined ? unshaped : new Recrypt(cipher);
}
