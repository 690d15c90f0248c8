/** ClientHellos as Telegram's clients have sent them since 2019, signed with a secret. */
import { createHmac } from "node:crypto";
import { concat, randomBytes } from "./byte_reader.ts";

/**
 * - `tdlib`: TDLib, Desktop, Android of 2026: post-quantum share and ECH, 1,720 to 1,816 bytes at a host of 10 bytes
 * - `ios`: the same without ECH, about 1,520 bytes
 * - `short-share`: `tdlib` with an X25519 share of 20 bytes, as some clients of early 2026
 * - `old`: X25519 only, padded to 517 bytes
 * - `no-sni`: `old` without a server name
 */
export type HelloShape = "tdlib" | "ios" | "short-share" | "old" | "no-sni";

export const helloShapes: readonly HelloShape[] = ["tdlib", "ios", "short-share", "old", "no-sni"];

export interface HelloOptions {
  readonly shape: HelloShape;
  /** The server name, exactly as it stands in the secret. */
  readonly host: string;
  /** The 16 key bytes of the secret. */
  readonly key: Uint8Array;
  /** Unix time. */
  readonly timeSeconds: number;
  /** 32 random bytes by default; any length up to 255. */
  readonly sessionId?: Uint8Array | undefined;
  readonly recordVersion?: 0x0301 | 0x0303 | undefined;
  /** Fills everything that is random in a hello; the system's by default. */
  readonly random?: ((count: number) => Uint8Array) | undefined;
}

/** Where the client random starts in a hello of one record. */
export const randomOffset = 11;
export const randomSize = 32;

/** A whole ClientHello in one TLS record. */
export function clientHello(options: HelloOptions): Uint8Array<ArrayBuffer> {
  const random = options.random ?? randomBytes;
  const unpadded = assemble(options, random, 0);
  const pads = options.shape === "old" || options.shape === "no-sni";
  const missing = oldHelloSize - unpadded.length - 4;
  return signed(pads && missing >= 0 ? assemble(options, random, missing) : unpadded, options);
}

/** The client random, against which the server's flight is signed. */
export function clientRandom(hello: Uint8Array): Uint8Array {
  return hello.subarray(randomOffset, randomOffset + randomSize);
}

/**
 * The same hello over several TLS records, which leaves its digest as it is.
 *
 * @param cuts A number of records of about the same size, or offsets in the handshake message at which to cut.
 */
export function splitHello(hello: Uint8Array, cuts: number | readonly number[]): Uint8Array<ArrayBuffer> {
  const body = hello.subarray(5);
  const offsets = typeof cuts === "number"
    ? Array.from({ length: cuts - 1 }, (_, index) => Math.floor(((index + 1) * body.length) / cuts))
    : cuts;
  const bounds = [0, ...offsets, body.length];
  const records = bounds.slice(1).map((end, index) => {
    const part = body.subarray(bounds[index], end);
    return concat(hello.subarray(0, 3), u16(part.length), part);
  });
  return concat(...records);
}

const oldHelloSize = 517;
/** How much GREASE stands in for an encrypted hello; Chrome takes one of these four. */
const echPayloadSizes = [144, 176, 208, 240] as const;

function signed(hello: Uint8Array<ArrayBuffer>, options: HelloOptions): Uint8Array<ArrayBuffer> {
  const digest = createHmac("sha256", options.key).update(hello).digest();
  const stamped = digest.readUInt32LE(28) ^ options.timeSeconds;
  digest.writeInt32LE(stamped | 0, 28);
  hello.set(digest, randomOffset);
  return hello;
}

function assemble(options: HelloOptions, random: (count: number) => Uint8Array, padding: number) {
  const sessionId = options.sessionId ?? random(32);
  const body = concat(
    u16(0x0303),
    new Uint8Array(randomSize),
    u8Prefixed(sessionId),
    u16Prefixed(suites(grease(random), options.shape)),
    Uint8Array.of(1, 0),
    u16Prefixed(concat(...extensions(options, random), ...(padding > 0 ? [extension(0x15, zeros(padding))] : []))),
  );
  const message = concat(Uint8Array.of(1, body.length >> 16), u16(body.length & 0xffff), body);
  return concat(Uint8Array.of(0x16), u16(options.recordVersion ?? 0x0301), u16Prefixed(message));
}

function suites(greased: number, shape: HelloShape): Uint8Array {
  const order = shape === "ios" ? [0x1302, 0x1303, 0x1301] : [0x1301, 0x1302, 0x1303];
  const older = [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x9c, 0x9d, 0x2f, 0x35];
  return words(greased, ...order, ...older);
}

function extensions(options: HelloOptions, random: (count: number) => Uint8Array): Uint8Array[] {
  const { shape } = options;
  const modern = shape !== "old" && shape !== "no-sni";
  const [extensionGrease, groupGrease] = [grease(random), grease(random)];
  const groups = modern ? [groupGrease, 0x11ec, 0x1d, 0x17, 0x18] : [groupGrease, 0x1d, 0x17, 0x18];
  return [
    extension(extensionGrease, zeros(0)),
    ...(shape === "no-sni" ? [] : [extension(0x00, serverName(options.host))]),
    extension(0x17, zeros(0)),
    extension(0xff01, zeros(1)),
    extension(0x0a, u16Prefixed(words(...groups))),
    extension(0x0b, Uint8Array.of(1, 0)),
    extension(0x23, zeros(0)),
    extension(0x10, u16Prefixed(concat(u8Prefixed(text("h2")), u8Prefixed(text("http/1.1"))))),
    extension(0x05, Uint8Array.of(1, 0, 0, 0, 0)),
    extension(0x0d, u16Prefixed(words(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601))),
    extension(0x12, zeros(0)),
    extension(0x33, u16Prefixed(concat(...shares(shape, groupGrease, random)))),
    extension(0x2d, Uint8Array.of(1, 1)),
    extension(0x2b, u8Prefixed(words(grease(random), 0x0304, 0x0303))),
    extension(0x1b, Uint8Array.of(2, 0, 2)),
    ...(shape === "tdlib" || shape === "short-share"
      ? [extension(0x44cd, u16Prefixed(u8Prefixed(text("h2")))), extension(0xfe0d, encryptedHello(random))]
      : []),
    ...(modern ? [extension(extensionGrease ^ 0x1010, zeros(1))] : []),
  ];
}

function shares(shape: HelloShape, greased: number, random: (count: number) => Uint8Array): Uint8Array[] {
  const share = (group: number, key: Uint8Array) => concat(u16(group), u16Prefixed(key));
  const x25519 = share(0x1d, random(shape === "short-share" ? 20 : 32));
  const modern = shape !== "old" && shape !== "no-sni";
  return [share(greased, zeros(1)), ...(modern ? [share(0x11ec, random(1_216))] : []), x25519];
}

function serverName(host: string): Uint8Array {
  return u16Prefixed(concat(Uint8Array.of(0), u16Prefixed(text(host))));
}

function encryptedHello(random: (count: number) => Uint8Array): Uint8Array {
  const size = echPayloadSizes[random(1)[0]! % echPayloadSizes.length]!;
  const outerAesGcm = [0x00, 0x00, 0x01, 0x00, 0x01];
  return concat(Uint8Array.from([...outerAesGcm, random(1)[0]!]), u16Prefixed(random(32)), u16Prefixed(random(size)));
}

/** One of the sixteen values 0a0a, 1a1a … fafa that mean nothing. */
function grease(random: (count: number) => Uint8Array): number {
  const byte = (random(1)[0]! & 0xf0) | 0x0a;
  return (byte << 8) | byte;
}

function extension(type: number, data: Uint8Array): Uint8Array {
  return concat(u16(type), u16Prefixed(data));
}

function words(...values: readonly number[]): Uint8Array {
  return concat(...values.map(u16));
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function u16Prefixed(bytes: Uint8Array): Uint8Array {
  return concat(u16(bytes.length), bytes);
}

function u8Prefixed(bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(bytes.length), bytes);
}

function zeros(count: number): Uint8Array {
  return new Uint8Array(count);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
