/** A Telegram client down to the last byte of its transport, but with any payload in place of MTProto. */
import type { Secret } from "../../lib/policy/secret.ts";
import { ByteReader, concat } from "./byte_reader.ts";
import { clientHello, clientRandom, type HelloOptions, splitHello } from "./client_hello.ts";
import { type CipherPair, clientFrame, frameNoise, type TransportTag } from "./obfuscated2_client.ts";
import { readServerFlight, type ServerFlight, verifyServerFlight } from "./server_flight.ts";

export interface RawClientOptions {
  /** Where the proxy listens, or without a secret the data centre; 127.0.0.1 by default. */
  readonly hostname?: string | undefined;
  readonly port: number;
  /** Goes before everything else, such as the PROXY protocol header of a load balancer. */
  readonly preface?: Uint8Array | undefined;
  /** Absent: straight to a data centre, as the proxy itself does it. */
  readonly secret?: Secret | undefined;
  /** By default `ef` with a simple secret, as most clients send, and `dd` otherwise. */
  readonly tag?: TransportTag | undefined;
  /** 2 by default. */
  readonly dc?: number | undefined;
  /** 64 bytes that the frame is made of; random ones by default. */
  readonly random?: Uint8Array | undefined;
  /** Changes to the ClientHello, whose shape is `tdlib` otherwise. */
  readonly hello?: Partial<HelloOptions> | undefined;
  /** TLS records of the ClientHello: a number of them, or the offsets of the cuts. */
  readonly helloCuts?: number | readonly number[] | undefined;
  /** Largest payload of a TLS record that is sent: 2,878 by default, iOS goes up to 16,408. */
  readonly recordSize?: number | undefined;
  /** Over how many TLS records the 64-byte frame is spread; by default it shares its record with the first payload. */
  readonly frameRecords?: number | undefined;
}

/**
 * A connected client. `connect()` has sent the ClientHello and checked the answer; the 64-byte frame goes out with the
 * first `write()`, alone if that has no payload.
 */
export class RawClient implements Disposable {
  /** The socket, to send what no client would. */
  readonly conn: Deno.TcpConn;
  /** The ClientHello as it was sent; empty unless the secret is for fake TLS. */
  readonly hello: Uint8Array;
  /** What the fake-TLS server answered. */
  readonly flight: ServerFlight | undefined;
  /** The obfuscated2 frame as it goes over the wire, without TLS record headers. */
  readonly frame: Uint8Array;
  /** Payload sizes of the application-data records received after the flight. */
  readonly recordSizes: number[] = [];
  readonly #options: RawClientOptions;
  readonly #ciphers: CipherPair;
  readonly #wire: ByteReader;
  readonly #plain: ByteReader;
  #frameSent = false;
  #recordLeft = 0;
  #closed = false;

  private constructor(conn: Deno.TcpConn, wire: ByteReader, greeting: Greeting, options: RawClientOptions) {
    this.conn = conn;
    this.hello = greeting.hello;
    this.flight = greeting.flight;
    this.#options = options;
    const { secret, dc = 2, random = frameNoise() } = options;
    const tag = options.tag ?? (secret?.kind === "simple" ? 0xef : 0xdd);
    const made = clientFrame({ key: secret?.key, tag, dc, random });
    this.frame = made.frame;
    this.#ciphers = made.ciphers;
    this.#wire = wire;
    this.#plain = new ByteReader((into) => this.#readPlain(into));
  }

  /** @throws {Error} If the proxy refuses the connection or answers with a flight that some client would not take. */
  static async connect(options: RawClientOptions): Promise<RawClient> {
    const conn = await Deno.connect({ hostname: options.hostname ?? "127.0.0.1", port: options.port });
    try {
      conn.setNoDelay(true);
      if (options.preface !== undefined) await sendAll(conn, options.preface);
      const wire = new ByteReader((into) => conn.read(into));
      const greeting = options.secret?.kind === "tls" ? await greet(conn, wire, options) : noGreeting;
      return new RawClient(conn, wire, greeting, options);
    } catch (error) {
      conn.close();
      throw error;
    }
  }

  /** Sends payload, and before the first one the frame. Resolves once the kernel has taken everything. */
  async write(plain: Uint8Array): Promise<void> {
    const frame = this.#frameSent ? noBytes : this.frame;
    this.#frameSent = true;
    const sealed = this.#ciphers.encrypt.update(plain);
    await sendAll(this.conn, this.flight === undefined ? concat(frame, sealed) : this.#toRecords(frame, sealed));
  }

  /** The next payload, at least one byte, or `null` at the end. @throws {Error} On a record that no client takes. */
  read(): Promise<Uint8Array | null> {
    return this.#plain.some();
  }

  /** Exactly `count` bytes of payload. @throws {Error} If the stream ends before. */
  readExactly(count: number): Promise<Uint8Array> {
    return this.#plain.exactly(count);
  }

  /** All payload until the end of the stream. */
  readAll(): Promise<Uint8Array> {
    return this.#plain.all();
  }

  /** Says that no more payload will come; reading goes on. */
  closeWrite(): Promise<void> {
    return this.conn.closeWrite();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.conn.close();
    this.#ciphers[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #toRecords(frame: Uint8Array, sealed: Uint8Array): Uint8Array {
    const { recordSize = 2_878, frameRecords } = this.#options;
    if (frame.length === 0) return records(sealed, recordSize);
    const payload = frameRecords === undefined
      ? records(concat(frame, sealed), recordSize)
      : concat(records(frame, Math.ceil(frame.length / frameRecords)), records(sealed, recordSize));
    return concat(changeCipherSpec, payload);
  }

  async #readPlain(into: Uint8Array): Promise<number | null> {
    if (this.flight !== undefined && this.#recordLeft === 0 && !(await this.#nextRecord())) return null;
    const limit = this.flight === undefined ? into.length : Math.min(into.length, this.#recordLeft);
    const part = await this.#wire.some(limit);
    if (part === null) {
      if (this.#recordLeft > 0) {
        throw new Error(`The stream ended ${this.#recordLeft} bytes before the end of a record`);
      }
      return null;
    }
    if (this.flight !== undefined) this.#recordLeft -= part.length;
    into.set(this.#ciphers.decrypt.update(part));
    return part.length;
  }

  async #nextRecord(): Promise<boolean> {
    const first = await this.#wire.some(1);
    if (first === null) return false;
    const header = concat(first, await this.#wire.exactly(4));
    const length = (header[3]! << 8) | header[4]!;
    if (header[0] !== 0x17 || header[1] !== 3 || header[2] !== 3) {
      throw new Error(`A record starts ${header.subarray(0, 3).toHex()}, every client closes here`);
    }
    if (length === 0) throw new Error("A record is empty, iOS would stall here");
    if (length > recordLimit) throw new Error(`A record has ${length} bytes, TLS allows ${recordLimit}`);
    this.recordSizes.push(length);
    this.#recordLeft = length;
    return true;
  }
}

interface Greeting {
  readonly hello: Uint8Array;
  readonly flight?: ServerFlight;
}

const noBytes = new Uint8Array(0);
const noGreeting: Greeting = { hello: noBytes };
const changeCipherSpec = Uint8Array.of(0x14, 3, 3, 0, 1, 1);
const recordLimit = 16_384;

async function greet(conn: Deno.TcpConn, wire: ByteReader, options: RawClientOptions): Promise<Greeting> {
  const { key, host } = options.secret!;
  const whole = clientHello({
    shape: "tdlib",
    host,
    key,
    timeSeconds: Math.floor(Date.now() / 1_000),
    ...options.hello,
  });
  const hello = options.helloCuts === undefined ? whole : splitHello(whole, options.helloCuts);
  await sendAll(conn, hello);
  const flight = verifyServerFlight(await readServerFlight(wire), key, clientRandom(whole));
  if (wire.heldBytes > 0) throw new Error(`${wire.heldBytes} bytes followed the flight before the client has spoken`);
  return { hello, flight };
}

/** Application-data records of at most `size` bytes each; none for no bytes. */
export function records(bytes: Uint8Array, size: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    parts.push(Uint8Array.of(0x17, 3, 3, part.length >> 8, part.length & 0xff), part);
  }
  return concat(...parts);
}

/** Writes the whole of `bytes`. */
export async function sendAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}
