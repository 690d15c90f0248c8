/** A Telegram client on a `WireEnd`: what `RawClient` is on a socket. */
import type { Secret } from "../../lib/policy/secret.ts";
import { ByteReader, concat } from "../support/byte_reader.ts";
import { clientHello, clientRandom, type HelloOptions, splitHello } from "../support/client_hello.ts";
import {
  acceptFrame,
  type CipherPair,
  clientFrame,
  frameNoise,
  type TransportTag,
} from "../support/obfuscated2_client.ts";
import { records } from "../support/raw_client.ts";
import { readServerFlight, type ServerFlight, verifyServerFlight } from "../support/server_flight.ts";
import type { WireEnd } from "./wire.ts";

export interface WireClientOptions {
  readonly secret: Secret;
  /** By default `ef` with a simple secret and `dd` otherwise. */
  readonly tag?: TransportTag | undefined;
  /** 2 by default. */
  readonly dc?: number | undefined;
  readonly timeSeconds: number;
  /** Changes to the ClientHello, whose shape is `tdlib` otherwise. */
  readonly hello?: Partial<HelloOptions> | undefined;
  readonly helloCuts?: number | readonly number[] | undefined;
  /** Largest payload of a TLS record that is sent; 2,878 by default. */
  readonly recordSize?: number | undefined;
}

const changeCipherSpec = Uint8Array.of(0x14, 3, 3, 0, 1, 1);

export class WireClient {
  /** This client's end of the connection. */
  readonly end: WireEnd;
  /** The proxy's end of it. */
  readonly proxyEnd: WireEnd;
  /** The hello as it goes over the wire; empty unless the secret is for fake TLS. */
  readonly hello: Uint8Array;
  /** The obfuscated2 frame, 64 bytes. */
  readonly frame: Uint8Array;
  /** Payload sizes of the records received after the flight. */
  readonly recordSizes: number[] = [];
  readonly #options: WireClientOptions;
  readonly #helloRecord: Uint8Array;
  readonly #ciphers: CipherPair;
  readonly #wire: ByteReader;
  readonly #plain: ByteReader;
  #spoken = false;

  constructor(ends: readonly [WireEnd, WireEnd], options: WireClientOptions) {
    [this.end, this.proxyEnd] = ends;
    this.#options = options;
    const { secret, dc = 2, tag = secret.kind === "simple" ? 0xef : 0xdd } = options;
    this.#helloRecord = secret.kind === "tls" ? helloOf(options) : new Uint8Array(0);
    this.hello = options.helloCuts === undefined ? this.#helloRecord : splitHello(this.#helloRecord, options.helloCuts);
    const made = clientFrame({ key: secret.key, tag, dc, random: frameNoise() });
    this.frame = made.frame;
    this.#ciphers = made.ciphers;
    this.#wire = new ByteReader((into) => this.end.read(into));
    this.#plain = new ByteReader((into) => this.#readPlain(into));
  }

  /** Sends the hello as one segment and checks the answer; does nothing unless the secret is for fake TLS. */
  async greet(): Promise<ServerFlight | undefined> {
    if (this.#options.secret.kind !== "tls") return undefined;
    const [, flight] = await Promise.all([this.sendRaw(this.hello), this.readFlight()]);
    return flight;
  }

  /** Sends what proves the secret, and reads no answer. */
  async prove(): Promise<void> {
    if (this.#options.secret.kind === "tls") await this.sendRaw(this.hello);
    else await this.send(new Uint8Array(0));
  }

  /** @throws {Error} If what the proxy answers is not what every client takes. */
  async readFlight(): Promise<ServerFlight> {
    const flight = verifyServerFlight(
      await readServerFlight(this.#wire),
      this.#options.secret.key,
      clientRandom(this.#helloRecord),
    );
    if (this.#wire.heldBytes > 0) throw new Error(`${this.#wire.heldBytes} bytes followed the flight`);
    return flight;
  }

  /** What `plain` is on the wire, all before it included: the first call has the frame, also if there is no payload. */
  seal(plain: Uint8Array): Uint8Array {
    const sealed = this.#ciphers.encrypt.update(plain);
    const payload = this.#spoken ? sealed : concat(this.frame, sealed);
    const first = !this.#spoken;
    this.#spoken = true;
    if (this.#options.secret.kind !== "tls") return payload;
    const framed = records(payload, this.#options.recordSize ?? 2_878);
    return first ? concat(changeCipherSpec, framed) : framed;
  }

  /** Sends payload as one segment. */
  async send(plain: Uint8Array): Promise<void> {
    await this.sendRaw(this.seal(plain));
  }

  /** Sends bytes as they are, in segments of `size`. */
  async sendRaw(bytes: Uint8Array, size = Math.max(1, bytes.length)): Promise<void> {
    for (let at = 0; at < bytes.length; at += size) {
      const segment = bytes.subarray(at, at + size);
      for (let sent = 0; sent < segment.length;) sent += await this.end.write(segment.subarray(sent));
    }
  }

  receive(count: number): Promise<Uint8Array> {
    return this.#plain.exactly(count);
  }

  /** Until the end of the stream. */
  receiveAll(): Promise<Uint8Array> {
    return this.#plain.all();
  }

  /** What comes as it is, until the end of the stream. */
  receiveRaw(): Promise<Uint8Array> {
    return this.#wire.all();
  }

  [Symbol.dispose](): void {
    this.end[Symbol.dispose]();
    this.disposeCiphers();
  }

  /** Gives this side's native memory back without ending the connection. */
  disposeCiphers(): void {
    this.#ciphers[Symbol.dispose]();
  }

  #left = 0;

  async #readPlain(into: Uint8Array): Promise<number | null> {
    const tls = this.#options.secret.kind === "tls";
    if (tls && this.#left === 0 && !(await this.#nextRecord())) return null;
    const part = await this.#wire.some(tls ? Math.min(into.length, this.#left) : into.length);
    if (part === null) {
      if (this.#left > 0) throw new Error(`The stream ended ${this.#left} bytes before the end of a record`);
      return null;
    }
    if (tls) this.#left -= part.length;
    into.set(this.#ciphers.decrypt.update(part));
    return part.length;
  }

  async #nextRecord(): Promise<boolean> {
    const first = await this.#wire.some(1);
    if (first === null) return false;
    const header = concat(first, await this.#wire.exactly(4));
    this.#left = (header[3]! << 8) | header[4]!;
    if (header[0] !== 0x17 || header[1] !== 3 || header[2] !== 3) throw new Error(`A record starts ${header.toHex()}`);
    if (this.#left === 0) throw new Error("A record is empty, iOS would stall here");
    if (this.#left > 16_384) throw new Error(`A record has ${this.#left} bytes, TLS allows 16384`);
    this.recordSizes.push(this.#left);
    return true;
  }
}

function helloOf({ secret, timeSeconds, hello }: WireClientOptions): Uint8Array {
  return clientHello({ shape: "tdlib", host: secret.host, key: secret.key, timeSeconds, ...hello });
}

/** The other side of a session: a data centre that has understood the proxy's frame. */
export interface WireDc extends Disposable {
  readonly end: WireEnd;
  readonly frame: Uint8Array;
  readonly tag: TransportTag;
  readonly dc: number;
  receive(count: number): Promise<Uint8Array>;
  receiveAll(): Promise<Uint8Array>;
  send(plain: Uint8Array): Promise<void>;
}

/** Reads the frame that the proxy begins with. @throws {Error} If it is none. */
export async function openDc(end: WireEnd): Promise<WireDc> {
  const wire = new ByteReader((into) => end.read(into));
  const frame = await wire.exactly(64);
  const { tag, dc, ciphers } = acceptFrame(frame);
  const plain = new ByteReader(async (into) => {
    const part = await wire.some(into.length);
    if (part !== null) into.set(ciphers.decrypt.update(part));
    return part?.length ?? null;
  });
  const send = async (bytes: Uint8Array) => {
    const sealed = ciphers.encrypt.update(bytes);
    for (let sent = 0; sent < sealed.length;) sent += await end.write(sealed.subarray(sent));
  };
  return {
    end,
    frame,
    tag,
    dc,
    receive: (count) => plain.exactly(count),
    receiveAll: () => plain.all(),
    send,
    [Symbol.dispose]: () => ciphers[Symbol.dispose](),
  };
}
