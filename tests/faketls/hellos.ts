/** Hellos to try decoding and signing with. */
import { createHmac } from "node:crypto";
import { type ClientHello, decodeClientHello, type Decoded } from "../../lib/faketls/client_hello.ts";
import fixtures from "../fixtures/vectors/client_hellos.json" with { type: "json" };
import { clientHello, type HelloOptions, randomOffset, randomSize } from "../support/client_hello.ts";

export const key = Uint8Array.fromHex("00112233445566778899aabbccddeeff");
export const host = "front.test";
export const timeSeconds = 1_700_000_000;

/** Hellos as programs have sent them. */
export const recorded = fixtures.map(({ hello, key, ...rest }) => ({
  ...rest,
  bytes: Uint8Array.fromHex(hello),
  key: key === null ? undefined : Uint8Array.fromHex(key),
}));

export function makeHello(options: Partial<HelloOptions> = {}): Uint8Array<ArrayBuffer> {
  return clientHello({ shape: "tdlib", host, key, timeSeconds, ...options });
}

/** Signs whatever stands there as a client would that holds `key`. */
export function sign(hello: Uint8Array, seconds = timeSeconds, secret = key): Uint8Array<ArrayBuffer> {
  const signed = hello.slice();
  signed.fill(0, randomOffset, randomOffset + randomSize);
  const digest = createHmac("sha256", secret).update(signed).digest();
  digest.writeUInt32LE((digest.readUInt32LE(28) ^ seconds) >>> 0, 28);
  signed.set(digest, randomOffset);
  return signed;
}

/** A ClientHello message around `rest`, which is all that comes after the random, in one record. */
export function helloAround(rest: Uint8Array, recordVersion = 0x0301): Uint8Array<ArrayBuffer> {
  const hello = new Uint8Array(5 + 4 + 2 + 32 + rest.length);
  const view = new DataView(hello.buffer);
  hello[0] = 0x16;
  view.setUint16(1, recordVersion);
  view.setUint16(3, hello.length - 5);
  view.setUint32(5, hello.length - 9);
  hello[5] = 1;
  view.setUint16(9, 0x0303);
  hello.set(rest, 43);
  return hello;
}

/** @throws {Error} If the bytes are not enough. */
export function decodeDone(bytes: Uint8Array): Extract<Decoded<ClientHello>, { kind: "done" }> {
  const decoded = decodeClientHello(bytes);
  if (decoded.kind !== "done") throw new Error(`The hello needs ${decoded.needed} bytes`);
  return decoded;
}

/** @throws {Error} If the bytes are not enough. */
export function decodeWhole(bytes: Uint8Array): ClientHello {
  return decodeDone(bytes).value;
}
