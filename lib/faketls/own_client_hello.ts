/**
 * The ClientHello that Telegram's clients of today send, for a machine that wants to know how a proxy answers it.
 *
 * ```text
 * record     16 | 03 01 | length (2)
 * handshake  01 | length (3)
 * body       03 03 | random (32) | session id (1 + 32) | suites (2 + 32) | 01 00 | extensions (2 + n)
 * ```
 *
 * It looks like Chrome's: GREASE (RFC 8701), shares for X25519MLKEM768 and X25519, GREASE of ECH, extensions in random order;
 * 1,720 to 1,820 bytes at a host of 10 bytes. Proof and time lie in its random as `digest.ts` says.
 */
import { hmacSha256 } from "../crypto/hash.ts";
import { randomInteger, type RandomSource, shuffle } from "../crypto/random.ts";
import { randomOffset, randomSize } from "./client_hello.ts";
import { recordType } from "./record.ts";

export interface OwnHelloParts {
  /** The server name. */
  readonly host: string;
  /** The secret's 16 key bytes. */
  readonly key: Uint8Array;
  /** What the proxy is to take for this machine's time. */
  readonly timeSeconds: number;
  readonly random: RandomSource;
}

export interface OwnClientHello {
  /** One whole record. */
  readonly bytes: Uint8Array;
  /** 32 bytes of it, which the server's flight is signed with. */
  readonly random: Uint8Array;
}

/** GREASE stands for nothing; a server must pass over it. One value for each place where a client puts it. */
interface Grease {
  readonly suite: number;
  readonly group: number;
  readonly version: number;
  readonly firstExtension: number;
  readonly lastExtension: number;
}

const sessionIdSize = 32;
const x25519 = 0x001d;
const x25519MlKem768 = 0x11ec;
const suites = [
  0x1301,
  0x1302,
  0x1303,
  0xc02b,
  0xc02f,
  0xc02c,
  0xc030,
  0xcca9,
  0xcca8,
  0xc013,
  0xc014,
  0x9c,
  0x9d,
  0x2f,
  0x35,
];
const signatureAlgorithms = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
/** Sizes that the GREASE of ECH takes, by what it would encrypt. */
const echSizes = [144, 176, 208, 240];
/** ML-KEM-768 (FIPS 203): 768 numbers of 12 bits below its modulus, and a seed. Servers check the numbers. */
const mlKem = { numbers: 768, modulus: 3_329, seedSize: 32 } as const;

export function makeClientHello({ host, key, timeSeconds, random }: OwnHelloParts): OwnClientHello {
  const grease = chooseGrease(random);
  const body = [
    ...u16(0x0303),
    ...new Uint8Array(randomSize),
    ...prefixed8(some(random, sessionIdSize)),
    ...prefixed16(words(grease.suite, ...suites)),
    ...[1, 0],
    ...prefixed16(extensions(host, grease, random)),
  ];
  const message = [1, body.length >> 16, ...u16(body.length & 0xffff), ...body];
  const bytes = Uint8Array.from([recordType.handshake, ...u16(0x0301), ...prefixed16(message)]);
  const digest = hmacSha256(key, bytes);
  bytes.set(digest, randomOffset);
  for (let i = 0; i < 4; i++) bytes[randomOffset + randomSize - 4 + i]! ^= Math.floor(timeSeconds / 256 ** i) & 0xff;
  return { bytes, random: bytes.subarray(randomOffset, randomOffset + randomSize) };
}

function extensions(host: string, grease: Grease, random: RandomSource): number[] {
  const name = [...new TextEncoder().encode(host)];
  const alpn = ["h2", "http/1.1"].flatMap((protocol) => prefixed8([...new TextEncoder().encode(protocol)]));
  const inner = [
    extension(0x0000, prefixed16([0, ...prefixed16(name)])), // server_name
    extension(0x0017, []), // extended_master_secret
    extension(0xff01, [0]), // renegotiation_info
    extension(0x000a, prefixed16(words(grease.group, x25519MlKem768, x25519, 0x0017, 0x0018))), // supported_groups
    extension(0x000b, [1, 0]), // ec_point_formats
    extension(0x0023, []), // session_ticket
    extension(0x0010, prefixed16(alpn)),
    extension(0x0005, [1, 0, 0, 0, 0]), // status_request
    extension(0x000d, prefixed16(words(...signatureAlgorithms))),
    extension(0x0012, []), // signed_certificate_timestamp
    extension(0x0033, prefixed16(shares(grease.group, random))), // key_share
    extension(0x002d, [1, 1]), // psk_key_exchange_modes
    extension(0x002b, prefixed8(words(grease.version, 0x0304, 0x0303))), // supported_versions
    extension(0x001b, [2, 0, 2]), // compress_certificate: brotli
    extension(0x44cd, prefixed16(prefixed8([0x68, 0x32]))), // application_settings: h2
    extension(0xfe0d, encryptedHello(random)),
  ];
  shuffle(inner, random);
  return [extension(grease.firstExtension, []), ...inner, extension(grease.lastExtension, [0])].flat();
}

function shares(greaseGroup: number, random: RandomSource): number[] {
  const share = (group: number, key: readonly number[]) => [...u16(group), ...prefixed16(key)];
  const hybrid = [...mlKemKey(random), ...random.x25519PublicKey()];
  return [
    ...share(greaseGroup, [0]),
    ...share(x25519MlKem768, hybrid),
    ...share(x25519, [...random.x25519PublicKey()]),
  ];
}

/** 1,184 bytes that no server can tell from a key. */
function mlKemKey(random: RandomSource): number[] {
  const noise = new DataView(random.fill(new Uint8Array(2 * mlKem.numbers)).buffer);
  const key: number[] = [];
  for (let i = 0; i < mlKem.numbers; i += 2) {
    const first = noise.getUint16(2 * i) % mlKem.modulus;
    const second = noise.getUint16(2 * i + 2) % mlKem.modulus;
    key.push(first & 0xff, first >> 8 | (second & 0x0f) << 4, second >> 4);
  }
  return [...key, ...some(random, mlKem.seedSize)];
}

/** GREASE of Encrypted ClientHello: outer, HKDF-SHA256 with AES-128-GCM, a config id, a key, a payload. */
function encryptedHello(random: RandomSource): number[] {
  const size = echSizes[randomInteger(random, 0, echSizes.length - 1)]!;
  const outer = [0, ...u16(0x0001), ...u16(0x0001), ...some(random, 1)];
  return [...outer, ...prefixed16([...random.x25519PublicKey()]), ...prefixed16(some(random, size))];
}

function chooseGrease(random: RandomSource): Grease {
  const [suite, group, version, first, last] = some(random, 5).map((byte) => byte >> 4) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    suite: greaseValue(suite),
    group: greaseValue(group),
    version: greaseValue(version),
    firstExtension: greaseValue(first),
    lastExtension: greaseValue(first === last ? last ^ 1 : last), // an extension may not come twice
  };
}

/** 0a0a, 1a1a … fafa. */
function greaseValue(index: number): number {
  return (index << 4 | 0x0a) * 0x0101;
}

function some(random: RandomSource, count: number): number[] {
  return [...random.fill(new Uint8Array(count))];
}

function extension(type: number, data: readonly number[]): number[] {
  return [...u16(type), ...prefixed16(data)];
}

function words(...values: readonly number[]): number[] {
  return values.flatMap(u16);
}

function u16(value: number): number[] {
  return [value >> 8, value & 0xff];
}

function prefixed16(bytes: readonly number[]): number[] {
  return [...u16(bytes.length), ...bytes];
}

function prefixed8(bytes: readonly number[]): number[] {
  return [bytes.length, ...bytes];
}
