/** Randomness by the book, and streams of the proxy as a client or a data centre would drive them. */
import type { CtrXor } from "../../lib/crypto/ctr_xor.ts";
import type { RandomSource } from "../../lib/crypto/random.ts";
import { Chunk } from "../../lib/relay/chunk.ts";
import { type ClientFrame, openClientFrame, type TransportTag } from "../../lib/transport/obfuscated2.ts";
import { patterned } from "../crypto/oracle.ts";
import { clientFrame, frameNoise } from "../support/obfuscated2_client.ts";

export const secret = Uint8Array.fromHex("00112233445566778899aabbccddeeff");
export const tags: readonly TransportTag[] = [0xef, 0xee, 0xdd];

/** Gives `answers` one after another, each once. @throws {Error} If it is asked again. */
export function scripted(...answers: readonly Uint8Array[]): RandomSource & { readonly left: number } {
  const queue = [...answers];
  return {
    get left() {
      return queue.length;
    },
    fill(into) {
      const next = queue.shift();
      if (next === undefined || next.length !== into.length) {
        throw new Error(`Nobody said what ${into.length} bytes are`);
      }
      into.set(next);
      return into;
    },
    x25519PublicKey: () => patterned(32, 1),
  };
}

/** A client's end, and what the proxy has made of its frame. */
export function greet(tag: TransportTag, dc: number, key = secret) {
  const client = clientFrame({ key, tag, dc, random: frameNoise() });
  return { ...client, opened: openClientFrame(client.frame, key) satisfies ClientFrame };
}

/** `data` as it comes out of `cipher`, applied in pieces of `size` bytes. */
export function throughCipher(cipher: CtrXor, data: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(data.length);
  const chunk = new Chunk(4);
  for (let at = 0; at < data.length; at += size) {
    const piece = data.subarray(at, at + size);
    const start = cipher.alignment;
    chunk.bytes.set(piece, start);
    cipher.apply(chunk, start, start + piece.length);
    out.set(chunk.bytes.subarray(start, start + piece.length), at);
  }
  return out;
}
