/**
 * One end of a connection between a client and the data centre: obfuscated2, in TLS records or bare, both ways.
 */
import { sendAll } from "./bytes.ts";
import { blockLength, contentBlockSize, TransferCheck, windowBytes, windowSize, windowStart } from "./content.ts";
import type { KeyStream } from "./keystream.ts";

const headerSize = 5;
const applicationData = 0x17;
const mostRecord = 16_640;

/** How a connection is spoken once its frame has gone. */
export interface LinkOptions {
  /** Keystream towards the other end, and its offset by now. */
  readonly sending: KeyStream;
  readonly sentBytes: number;
  /** Keystream of what comes in, and its offset by now. */
  readonly receiving: KeyStream;
  readonly receivedBytes: number;
  /** Most bytes in a TLS record that this end sends; 0: no TLS. */
  readonly recordBytes: number;
  readonly bufferBytes: number;
}

/** Reads and writes plain bytes; whatever the peer breaks is an `Error`. */
export class Link implements Disposable {
  readonly #conn: Deno.TcpConn;
  readonly #options: LinkOptions;
  readonly #templates = new Map<number, Uint8Array<ArrayBuffer>>();
  #buffer: Uint8Array<ArrayBuffer>;
  #from = 0;
  #to = 0;
  #recordLeft = 0;
  #sent: number;
  #received: number;

  constructor(conn: Deno.TcpConn, options: LinkOptions) {
    this.#conn = conn;
    this.#options = options;
    this.#buffer = new Uint8Array(options.bufferBytes);
    this.#sent = options.sentBytes;
    this.#received = options.receivedBytes;
  }

  /** Changes the size of the read buffer when nothing is in it that would not fit. */
  resizeBuffer(bytes: number): void {
    const rest = this.#buffer.subarray(this.#from, this.#to);
    if (bytes === this.#buffer.length || rest.length > bytes) return;
    const next = new Uint8Array(bytes);
    next.set(rest);
    this.#buffer = next;
    this.#from = 0;
    this.#to = rest.length;
  }

  /** Enciphers a copy of `plain` and sends it. */
  async send(plain: Uint8Array): Promise<void> {
    const enciphered = plain.slice();
    this.#options.sending.apply(enciphered, this.#sent);
    this.#sent += plain.length;
    await sendAll(this.#conn, layOut(enciphered, this.#options.recordBytes));
  }

  /** Reads exactly `count` plain bytes, or `undefined` at the end of the stream if not one has come. */
  async receive(count: number): Promise<Uint8Array | undefined> {
    const plain = new Uint8Array(count);
    let done = 0;
    while (done < count) {
      const payload = await this.#next(count - done);
      if (payload === undefined) {
        if (done === 0) return undefined;
        throw new Error(`The stream ended after ${done} of ${count} bytes`);
      }
      plain.set(payload, done);
      done += payload.length;
    }
    this.#options.receiving.apply(plain, this.#received);
    this.#received += count;
    return plain;
  }

  /** Sends a transfer of `total` bytes (see content.ts); `onBytes` learns of each block that has gone. */
  async sendTransfer(total: number, onBytes?: (count: number) => void): Promise<void> {
    const { sending: keys, recordBytes } = this.#options;
    const transfer = { total, base: this.#sent, keys };
    const scratch = new Uint8Array(windowSize);
    for (let block = 0; block * contentBlockSize < total; block++) {
      const length = blockLength(block, total);
      const out = this.#template(length);
      scatter(out, windowStart(block, total), windowBytes(scratch, block, transfer), recordBytes);
      await sendAll(this.#conn, out);
      onBytes?.(length);
    }
    this.#sent += total;
  }

  /** Receives a transfer of `total` bytes; gives whether all that was checked was right. */
  async receiveTransfer(total: number, onBytes?: (count: number) => void): Promise<boolean> {
    const check = new TransferCheck(total, this.#received, this.#options.receiving);
    while (check.left > 0) {
      const payload = await this.#next(check.left);
      if (payload === undefined) throw new Error(`The stream ended ${check.left} bytes before the end of a transfer`);
      check.feed(payload);
      onBytes?.(payload.length);
    }
    this.#received += total;
    return check.intact;
  }

  [Symbol.dispose](): void {
    this.#options.sending[Symbol.dispose]();
    this.#options.receiving[Symbol.dispose]();
    try {
      this.#conn.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  /** Filler in records; a window of the last use may be left in it, which is filler as good as any. */
  #template(length: number): Uint8Array<ArrayBuffer> {
    const found = this.#templates.get(length) ?? layOut(filler.subarray(0, length), this.#options.recordBytes);
    this.#templates.set(length, found);
    return found;
  }

  /** The next bytes of payload, still enciphered, at most `most`; a view that holds until the next call. */
  async #next(most: number): Promise<Uint8Array | undefined> {
    for (;;) {
      const available = this.#available();
      if (available > 0) {
        const start = this.#from;
        this.#from += Math.min(available, most);
        if (this.#options.recordBytes > 0) this.#recordLeft -= this.#from - start;
        return this.#buffer.subarray(start, this.#from);
      }
      if (!await this.#fill()) return undefined;
    }
  }

  /** Payload bytes at the front of the buffer; steps over a record header that is there in full. */
  #available(): number {
    const inBuffer = this.#to - this.#from;
    if (this.#options.recordBytes === 0) return inBuffer;
    if (this.#recordLeft > 0) return Math.min(this.#recordLeft, inBuffer);
    if (inBuffer < headerSize) return 0;
    const header = this.#buffer.subarray(this.#from, this.#from + headerSize);
    const length = header[3]! << 8 | header[4]!;
    if (header[0] !== applicationData || header[1] !== 3 || header[2] !== 3 || length === 0 || length > mostRecord) {
      throw new Error(`The record header ${header.toHex()} is none of application data`);
    }
    this.#from += headerSize;
    this.#recordLeft = length;
    return Math.min(length, inBuffer - headerSize);
  }

  async #fill(): Promise<boolean> {
    if (this.#from > 0) {
      this.#buffer.copyWithin(0, this.#from, this.#to);
      this.#to -= this.#from;
      this.#from = 0;
    }
    const count = await this.#conn.read(this.#buffer.subarray(this.#to));
    if (count === null) return false;
    this.#to += count;
    return true;
  }
}

const filler = crypto.getRandomValues(new Uint8Array(contentBlockSize));

/** `payload` cut into records of at most `recordBytes`; as it is if that is 0. */
function layOut(payload: Uint8Array, recordBytes: number): Uint8Array<ArrayBuffer> {
  if (recordBytes === 0) return new Uint8Array(payload);
  const records = Math.ceil(payload.length / recordBytes);
  const out = new Uint8Array(payload.length + records * headerSize);
  for (let record = 0; record < records; record++) {
    const length = Math.min(recordBytes, payload.length - record * recordBytes);
    out.set([applicationData, 3, 3, length >> 8, length & 0xff], record * (recordBytes + headerSize));
  }
  scatter(out, 0, payload, recordBytes);
  return out;
}

/** Puts `bytes` at payload offset `offset` of what `layOut` has made. */
function scatter(out: Uint8Array, offset: number, bytes: Uint8Array, recordBytes: number): void {
  if (recordBytes === 0) return out.set(bytes, offset);
  let done = 0;
  while (done < bytes.length) {
    const at = offset + done;
    const inRecord = at % recordBytes;
    const count = Math.min(bytes.length - done, recordBytes - inRecord);
    const record = Math.floor(at / recordBytes);
    out.set(bytes.subarray(done, done + count), record * (recordBytes + headerSize) + headerSize + inRecord);
    done += count;
  }
}
