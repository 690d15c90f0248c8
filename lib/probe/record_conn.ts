import type { Address } from "../address.ts";
import { recordHeaderSize, RecordReader, recordType, writeRecordHeader } from "../faketls/record.ts";
import { type Conn, writeAll } from "../relay/conn.ts";

/** Most payload that Telegram's clients put into a record. */
const payloadAtMost = 2_878;
const changeCipherSpec = Uint8Array.of(recordType.changeCipherSpec, 3, 3, 0, 1, 1);

/**
 * What is inside the TLS records of a connection, as a client goes on after the server's flight: a ChangeCipherSpec goes before
 * the first record. Reads reject with a `ProtocolError` where something else comes than application data.
 */
export class RecordConn implements Conn {
  readonly #conn: Conn;
  readonly #records = new RecordReader();
  /** Has come with the flight. */
  #early: Uint8Array;
  #opening: Uint8Array = changeCipherSpec;

  constructor(conn: Conn, early: Uint8Array) {
    this.#conn = conn;
    this.#early = early;
  }

  get remote(): Address {
    return this.#conn.remote;
  }

  get local(): Address {
    return this.#conn.local;
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const count = await this.#readRaw(into);
      if (count === null) return null;
      const payload = this.#records.strip(into, 0, count, 0);
      if (payload > 0) return payload;
    }
  }

  /** Sends all that fits into a record. */
  async write(bytes: Uint8Array): Promise<number> {
    const payload = bytes.subarray(0, payloadAtMost);
    const start = this.#opening.length;
    const record = new Uint8Array(start + recordHeaderSize + payload.length);
    record.set(this.#opening);
    writeRecordHeader(record, start, payload.length);
    record.set(payload, start + recordHeaderSize);
    this.#opening = new Uint8Array(0);
    await writeAll(this.#conn, record);
    return payload.length;
  }

  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  [Symbol.dispose](): void {
    this.#conn[Symbol.dispose]();
  }

  async #readRaw(into: Uint8Array): Promise<number | null> {
    if (this.#early.length === 0) return await this.#conn.read(into);
    const part = this.#early.subarray(0, into.length);
    into.set(part);
    this.#early = this.#early.subarray(part.length);
    return part.length;
  }
}
