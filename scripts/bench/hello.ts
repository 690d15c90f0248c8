/**
 * Fake TLS as Telegram's clients begin it: a ClientHello signed with the secret, and the check of the answer.
 */
import { createHmac } from "node:crypto";
import { concat } from "./bytes.ts";

const randomOffset = 11;
const randomSize = 32;
const sessionIdOffset = randomOffset + randomSize + 1;
const sessionIdSize = 32;
const hybridShareSize = 1216;
const shareSize = 32;
const echSize = 208;

/**
 * `today`: some 1,800 bytes, with an ML-KEM share and ECH. `classic`: the 517 bytes of clients of years ago, padded; there are
 * proxies that take no other.
 */
export type HelloKind = "today" | "classic";

/** A ClientHello whose random parts are drawn anew each time. */
export class ClientHelloMaker {
  readonly #template: Uint8Array<ArrayBuffer>;
  readonly #shareOffset: number;
  readonly #hybrid: boolean;
  readonly #key: Uint8Array;

  /** `key`: the 16 bytes of the secret; `host`: its host. */
  constructor(key: Uint8Array, host: string, kind: HelloKind) {
    this.#key = key;
    this.#hybrid = kind === "today";
    const before = concat(...leadingExtensions(host, this.#hybrid));
    const shares = keyShare(this.#hybrid);
    const extensions = concat(before, shares, ...trailingExtensions(this.#hybrid));
    const whole = layOut(extensions);
    const padding = this.#hybrid ? [] : extension(0x0015, new Uint8Array(classicSize - whole.length - 4));
    this.#template = this.#hybrid ? whole : layOut(concat(extensions, padding));
    this.#shareOffset = whole.length - extensions.length + before.length;
  }

  /** A ClientHello of this moment; its digest, which the answer is signed over, is bytes 11 to 42. */
  make(): Uint8Array<ArrayBuffer> {
    const hello = this.#template.slice();
    crypto.getRandomValues(hello.subarray(sessionIdOffset, sessionIdOffset + sessionIdSize));
    // Extension header (4), list length (2), GREASE entry (5), entry header (4); then the first share.
    const first = this.#shareOffset + 15;
    if (this.#hybrid) {
      crypto.getRandomValues(hello.subarray(first, first + hybridShareSize));
      crypto.getRandomValues(hello.subarray(first + hybridShareSize + 4).subarray(0, shareSize));
    } else {
      crypto.getRandomValues(hello.subarray(first, first + shareSize));
    }
    const digest = createHmac("sha256", this.#key).update(hello).digest();
    const seconds = Math.floor(Date.now() / 1000);
    digest.writeInt32LE(digest.readInt32LE(28) ^ seconds, 28);
    hello.set(digest, randomOffset);
    return hello;
  }

  /** Whether `flight`, the whole answer to `hello`, carries the digest that only the secret's owner can make. */
  accepts(hello: Uint8Array, flight: Uint8Array): boolean {
    const blank = flight.slice();
    blank.fill(0, randomOffset, randomOffset + randomSize);
    const clientRandom = hello.subarray(randomOffset, randomOffset + randomSize);
    const digest = createHmac("sha256", this.#key).update(clientRandom).update(blank).digest();
    return digest.equals(flight.subarray(randomOffset, randomOffset + randomSize));
  }
}

/** Record types of the server's flight, in order. */
export const flightTypes: readonly number[] = [0x16, 0x14, 0x17];

/** Bytes of the flight if all of it is in `received`, 0 if more must come. @throws {Error} If it is no such flight. */
export function flightLength(received: Uint8Array): number {
  let at = 0;
  for (const type of flightTypes) {
    if (received.length < at + 5) return 0;
    if (received[at] !== type) throw new Error(`The answer to the ClientHello has a record of type ${received[at]}`);
    at += 5 + (received[at + 3]! << 8 | received[at + 4]!);
  }
  return received.length < at ? 0 : at;
}

const classicSize = 517;
const grease = [0x3a, 0x3a];
const cipherSuites = [
  ...grease,
  ...[0x13, 0x01, 0x13, 0x02, 0x13, 0x03, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30],
  ...[0xcc, 0xa9, 0xcc, 0xa8, 0xc0, 0x13, 0xc0, 0x14, 0x00, 0x9c, 0x00, 0x9d, 0x00, 0x2f, 0x00, 0x35],
];

/** The whole record around `extensions`. */
function layOut(extensions: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = concat(
    [0x03, 0x03],
    new Uint8Array(randomSize),
    vector8(new Uint8Array(sessionIdSize)),
    vector16(cipherSuites),
    [1, 0],
  );
  const body = concat(head, vector16(extensions));
  return concat([0x16, 0x03, 0x01], vector16(concat([0x01, 0x00], vector16(body))));
}

function leadingExtensions(host: string, hybrid: boolean): Uint8Array[] {
  const name = new TextEncoder().encode(host);
  const groups = [...grease, ...hybrid ? [0x11, 0xec] : [], 0x00, 0x1d, 0x00, 0x17, 0x00, 0x18];
  return [
    extension(0x2a2a, []),
    extension(0x0000, vector16(concat([0], vector16(name)))),
    extension(0x0017, []),
    extension(0xff01, [0]),
    extension(0x000a, vector16(groups)),
    extension(0x000b, [1, 0]),
    extension(0x0023, []),
    extension(0x0010, vector16(concat(vector8(ascii("h2")), vector8(ascii("http/1.1"))))),
    extension(0x0005, [1, 0, 0, 0, 0]),
    extension(0x000d, vector16([4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1])),
    extension(0x0012, []),
  ];
}

function keyShare(hybrid: boolean): Uint8Array {
  const hybridEntry = hybrid ? concat([0x11, 0xec], vector16(new Uint8Array(hybridShareSize))) : [];
  const entry = concat([0x00, 0x1d], vector16(new Uint8Array(shareSize)));
  return extension(0x0033, vector16(concat(grease, vector16([0]), hybridEntry, entry)));
}

function trailingExtensions(hybrid: boolean): Uint8Array[] {
  const usual = [
    extension(0x002d, [1, 1]),
    extension(0x002b, vector8([...grease, 0x03, 0x04, 0x03, 0x03])),
    extension(0x001b, [2, 0, 2]),
    extension(0x44cd, vector16(vector8(ascii("h2")))),
  ];
  if (!hybrid) return usual;
  const ech = crypto.getRandomValues(new Uint8Array(echSize));
  const share = crypto.getRandomValues(new Uint8Array(shareSize));
  return [...usual, extension(0xfe0d, concat([0, 0, 1, 0, 1, 0x2a], vector16(share), vector16(ech)))];
}

function extension(type: number, body: ArrayLike<number>): Uint8Array {
  return concat([type >> 8, type & 0xff], vector16(body));
}

function vector8(body: ArrayLike<number>): Uint8Array {
  return concat([body.length], body);
}

function vector16(body: ArrayLike<number>): Uint8Array {
  return concat([body.length >> 8, body.length & 0xff], body);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
