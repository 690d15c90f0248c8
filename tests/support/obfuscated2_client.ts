/**
 * Both far ends of obfuscated2, as the proxy's peers speak it: a client, and a data centre that knows no secret.
 *
 * ```text
 *   0  8  noise         bytes 0..55 travel in clear
 *   8 32  key
 *  40 16  initial vector
 *  56  4  tag           bytes 56..63 travel encrypted, as bytes 56..63 of the stream
 *  60  2  DC, signed, little endian
 *  62  2  noise
 * ```
 */
import { createCipheriv, createHash } from "node:crypto";
import { concat, randomBytes } from "./byte_reader.ts";

/** The byte that four times over tells the transport: abridged, intermediate, padded intermediate. */
export type TransportTag = 0xef | 0xee | 0xdd;

export const frameSize = 64;

/** A keystream that goes on from call to call; disposing frees it. */
export interface StreamCipher extends Disposable {
  /** The next bytes, encrypted or decrypted (which is the same), in a new buffer. */
  update(bytes: Uint8Array): Uint8Array;
}

/** The two ciphers of one end. */
export interface CipherPair extends Disposable {
  readonly encrypt: StreamCipher;
  readonly decrypt: StreamCipher;
}

export interface ClientFrameOptions {
  /** The 16 key bytes of the proxy's secret; absent as towards Telegram itself. */
  readonly key?: Uint8Array | undefined;
  readonly tag: TransportTag;
  /** -32,768 to 32,767. */
  readonly dc: number;
  /** 64 bytes for the noise and the keys; `frameNoise()` gives some that Telegram takes. */
  readonly random: Uint8Array;
}

/** What a client sends first, and its ciphers, both ready for the first byte after the frame. */
export function clientFrame(options: ClientFrameOptions): { frame: Uint8Array; ciphers: CipherPair } {
  const plain = options.random.slice(0, frameSize);
  plain.fill(options.tag, 56, 60);
  new DataView(plain.buffer).setInt16(60, options.dc, true);
  const [forward, backward] = keyStreams(plain, options.key);
  const frame = plain.slice();
  frame.set(forward.update(plain).subarray(56), 56);
  return { frame, ciphers: pair(forward, backward) };
}

/** What the receiver of a frame learns from it. */
export interface AcceptedFrame {
  /** The frame after decryption of all 64 bytes; only bytes 56..63 mean anything. */
  readonly plain: Uint8Array;
  readonly tag: TransportTag;
  readonly dc: number;
  /** Ready for the first byte after the frame. */
  readonly ciphers: CipherPair;
}

/**
 * The receiving end: a data centre, or with `key` a proxy.
 *
 * @throws {Error} If the tag is none of the three.
 */
export function acceptFrame(frame: Uint8Array, key?: Uint8Array): AcceptedFrame {
  const [forward, backward] = keyStreams(frame, key);
  const plain = forward.update(frame.subarray(0, frameSize)).slice();
  const ciphers = pair(backward, forward);
  const tag = tagOf(plain);
  if (tag === undefined) {
    ciphers[Symbol.dispose]();
    throw new Error(`The frame has no known tag: ${plain.subarray(56, 60).toHex()}`);
  }
  return { plain, tag, dc: new DataView(plain.buffer).getInt16(60, true), ciphers };
}

/** Why Telegram would take a connection that starts with `frame` for something else; `undefined` if it would not. */
export function frameFault(frame: Uint8Array): string | undefined {
  if (frame[0] === 0xef) return "the first byte is ef, as of an abridged connection";
  const view = new DataView(frame.buffer, frame.byteOffset, 8);
  const name = forbiddenWords.get(view.getUint32(0));
  if (name !== undefined) return `the first word is ${name}`;
  if (view.getUint32(4) === 0) return "the second word is zero";
  return undefined;
}

/** 64 random bytes whose first eight may stand at the head of a connection. */
export function frameNoise(): Uint8Array {
  let noise = randomBytes(frameSize);
  while (frameFault(noise) !== undefined) noise = randomBytes(frameSize);
  return noise;
}

/** AES-256-CTR over a stream of any length. */
export function aesCtr(key: Uint8Array, iv: Uint8Array): StreamCipher {
  const cipher = createCipheriv("aes-256-ctr", key, iv);
  let open = true;
  return {
    update: (bytes) => cipher.update(bytes),
    [Symbol.dispose]() {
      // Without final() the native cipher is never freed.
      if (open) cipher.final();
      open = false;
    },
  };
}

const forbiddenWords: ReadonlyMap<number, string> = new Map([
  ...["HEAD", "POST", "GET ", "OPTI"].map((word) => [wordOf(word), word] as const),
  [0x16030102, "the start of a TLS record"],
  [0xdddddddd, "the tag of padded intermediate"],
  [0xeeeeeeee, "the tag of intermediate"],
]);

function wordOf(text: string): number {
  return new DataView(new TextEncoder().encode(text).buffer).getUint32(0);
}

function tagOf(plain: Uint8Array): TransportTag | undefined {
  const tag = plain[56];
  if (!plain.subarray(57, 60).every((byte) => byte === tag)) return undefined;
  return tag === 0xef || tag === 0xee || tag === 0xdd ? tag : undefined;
}

/** From the sender of the frame to its receiver, and back. */
function keyStreams(frame: Uint8Array, secret: Uint8Array | undefined): [StreamCipher, StreamCipher] {
  const seed = frame.slice(8, 56);
  const reversed = seed.toReversed();
  return [seed, reversed].map((bytes) => {
    const raw = bytes.subarray(0, 32);
    const key = secret === undefined ? raw : createHash("sha256").update(concat(raw, secret)).digest();
    return aesCtr(key, bytes.subarray(32, 48));
  }) as [StreamCipher, StreamCipher];
}

function pair(encrypt: StreamCipher, decrypt: StreamCipher): CipherPair {
  return {
    encrypt,
    decrypt,
    [Symbol.dispose]() {
      encrypt[Symbol.dispose]();
      decrypt[Symbol.dispose]();
    },
  };
}
