/** Randomness as an argument, so that protocol code can be tested byte for byte. */
import { generateKeyPairSync, randomFillSync } from "node:crypto";

export interface RandomSource {
  /** Fills `into` with fresh random bytes and gives it back. */
  fill(into: Uint8Array): Uint8Array;
  /** The public key of a fresh X25519 key pair: 32 bytes, a real point of the curve. The private key is dropped. */
  x25519PublicKey(): Uint8Array;
}

/** The system's cryptographic generator. */
export const systemRandom: RandomSource = {
  fill: (into) => randomFillSync(into),
  // The DER form of a public key (RFC 8410) ends with the key itself.
  x25519PublicKey: () => generateKeyPairSync("x25519").publicKey.export({ type: "spki", format: "der" }).subarray(-32),
};

/** Puts `items` into any order, each with the same probability (Fisher and Yates). */
export function shuffle(items: unknown[], random: RandomSource): void {
  for (let last = items.length - 1; last > 0; last--) {
    const drawn = randomInteger(random, 0, last);
    [items[last], items[drawn]] = [items[drawn], items[last]];
  }
}

/** A whole number from `least` to `most`, both included, all equally likely but for a bias below 2^-30. */
export function randomInteger(random: RandomSource, least: number, most: number): number {
  const bytes = random.fill(new Uint8Array(6));
  const uniform = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) * 0x1_0000 + (bytes[4]! << 8 | bytes[5]!);
  return least + uniform % (most - least + 1);
}
