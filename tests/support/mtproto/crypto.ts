/** The cryptography of MTProto 2.0 as its server needs it. */
import { createCipheriv, createDecipheriv, createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { concat } from "../byte_reader.ts";
import { TlWriter } from "./tl.ts";

const blockSize = 16;

export function sha1(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(createHash("sha1").update(concat(...parts)).digest());
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(createHash("sha256").update(concat(...parts)).digest());
}

export interface IgeKey {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 32 bytes: the ciphertext, then the plaintext, of the block before the first. */
  readonly iv: Uint8Array;
}

/** AES-256-IGE over whole blocks. */
export function igeEncrypt({ key, iv }: IgeKey, plain: Uint8Array): Uint8Array {
  return ige(createCipheriv("aes-256-ecb", key, null), plain, iv);
}

/** AES-256-IGE over whole blocks. */
export function igeDecrypt({ key, iv }: IgeKey, sealed: Uint8Array): Uint8Array {
  return ige(
    createDecipheriv("aes-256-ecb", key, null),
    sealed,
    concat(iv.subarray(blockSize), iv.subarray(0, blockSize)),
  );
}

type BlockCipher = Pick<ReturnType<typeof createCipheriv>, "update" | "setAutoPadding" | "final">;

/** out = cipher(in XOR previous out) XOR previous in; `start` holds the previous out and the previous in. */
function ige(cipher: BlockCipher, input: Uint8Array, start: Uint8Array): Uint8Array {
  if (input.length % blockSize !== 0) throw new RangeError(`IGE takes whole blocks, not ${input.length} bytes`);
  cipher.setAutoPadding(false);
  const output = new Uint8Array(input.length);
  let [lastOut, lastIn] = [start.subarray(0, blockSize), start.subarray(blockSize)];
  for (let at = 0; at < input.length; at += blockSize) {
    const block = input.subarray(at, at + blockSize);
    output.set(xor(cipher.update(xor(block, lastOut)), lastIn), at);
    [lastOut, lastIn] = [output.subarray(at, at + blockSize), block];
  }
  cipher.final();
  return output;
}

export function xor(left: Uint8Array, right: Uint8Array): Uint8Array {
  return Uint8Array.from(left, (byte, index) => byte ^ right[index]!);
}

export function toBigInt(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toHex()}`);
}

/** Big-endian, filled up with zeros on the left. */
export function fromBigInt(value: bigint, size: number): Uint8Array {
  return Uint8Array.fromHex(value.toString(16).padStart(2 * size, "0"));
}

export function powMod(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let power = base % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = result * power % modulus;
    power = power * power % modulus;
  }
  return result;
}

/** The private key of a data centre, and what clients must know of it. */
export interface ServerKey {
  readonly modulus: bigint;
  readonly privateExponent: bigint;
  /** How clients name the key. */
  readonly fingerprint: bigint;
  /** PKCS#1 PEM, for `addPublicKey()` of a client library. */
  readonly publicPem: string;
}

/** Reads a private RSA key of 2,048 bits. */
export function serverKey(privatePem: string): ServerKey {
  const key = createPrivateKey(privatePem);
  const jwk = key.export({ format: "jwk" });
  const [modulus, exponent, secret] = [jwk.n, jwk.e, jwk.d].map((text) =>
    Uint8Array.fromBase64(text ?? "", { alphabet: "base64url" })
  ) as [Uint8Array, Uint8Array, Uint8Array];
  const digest = sha1(new TlWriter().bytes(modulus).bytes(exponent).end());
  return {
    modulus: toBigInt(modulus),
    privateExponent: toBigInt(secret),
    fingerprint: new DataView(digest.buffer).getBigUint64(12, true),
    publicPem: createPublicKey(privatePem).export({ type: "pkcs1", format: "pem" }).toString(),
  };
}

const paddedDataSize = 192;

/**
 * Undoes RSA_PAD: the 192 bytes that a client sealed for the server, padding included.
 *
 * @throws {Error} If they were sealed for another key or spoiled.
 */
export function rsaUnpad(key: ServerKey, sealed: Uint8Array): Uint8Array {
  const opened = fromBigInt(powMod(toBigInt(sealed), key.privateExponent, key.modulus), 256);
  const encrypted = opened.subarray(32);
  const temporaryKey = xor(opened.subarray(0, 32), sha256(encrypted));
  const withHash = igeDecrypt({ key: temporaryKey, iv: new Uint8Array(32) }, encrypted);
  const data = withHash.slice(0, paddedDataSize).toReversed();
  if (!equal(sha256(temporaryKey, data), withHash.subarray(paddedDataSize))) {
    throw new Error("The RSA-sealed data has a wrong hash");
  }
  return data;
}

/** The key and IV that protect the Diffie-Hellman numbers. */
export function nonceKey(newNonce: Uint8Array, serverNonce: Uint8Array): IgeKey {
  const first = sha1(newNonce, serverNonce);
  const second = sha1(serverNonce, newNonce);
  const third = sha1(newNonce, newNonce);
  return {
    key: concat(first, second.subarray(0, 12)),
    iv: concat(second.subarray(12), third, newNonce.subarray(0, 4)),
  };
}

/** Who sealed an encrypted message: the offset into the authorization key differs. */
export type Sender = "client" | "server";

/** The middle 16 bytes of the digest of a message, which also seed its key. */
export function messageKey(authKey: Uint8Array, plain: Uint8Array, sender: Sender): Uint8Array {
  const offset = 88 + senderOffset(sender);
  return sha256(authKey.subarray(offset, offset + 32), plain).subarray(8, 24);
}

/** The key and IV of one encrypted message. */
export function messageIge(authKey: Uint8Array, key: Uint8Array, sender: Sender): IgeKey {
  const offset = senderOffset(sender);
  const a = sha256(key, authKey.subarray(offset, offset + 36));
  const b = sha256(authKey.subarray(offset + 40, offset + 76), key);
  return {
    key: concat(a.subarray(0, 8), b.subarray(8, 24), a.subarray(24)),
    iv: concat(b.subarray(0, 8), a.subarray(8, 24), b.subarray(24)),
  };
}

export function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

function senderOffset(sender: Sender): number {
  return sender === "client" ? 0 : 8;
}
