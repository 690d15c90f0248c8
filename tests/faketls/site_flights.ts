/** What TLS servers of web sites send. */
import { concat } from "../support/byte_reader.ts";

export interface HelloParts {
  /** In supported_versions; absent in TLS 1.2. */
  readonly version?: number | undefined;
  /** In key_share. */
  readonly group?: number | undefined;
  readonly isRetry?: boolean | undefined;
}

const retryRandom = Uint8Array.fromHex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c");

/** A record of a type with a payload, or with so many zeros. */
export function record(type: number, payload: Uint8Array | number): Uint8Array<ArrayBuffer> {
  const bytes = typeof payload === "number" ? new Uint8Array(payload) : payload;
  return concat(Uint8Array.of(type, 3, 3, bytes.length >> 8, bytes.length & 0xff), bytes);
}

/** The ServerHello as a handshake message, with suite 0x1301 and a session id of 32 bytes. */
export function serverHello({ version, group, isRetry = false }: HelloParts): Uint8Array<ArrayBuffer> {
  const extensions = concat(
    ...group === undefined ? [] : [extension(0x33, isRetry ? u16(group) : concat(u16(group), u16(2), u16(0)))],
    ...version === undefined ? [] : [extension(0x2b, u16(version))],
  );
  const body = concat(
    u16(0x0303),
    isRetry ? retryRandom : new Uint8Array(32).fill(7),
    Uint8Array.of(32),
    new Uint8Array(32).fill(9),
    u16(0x1301),
    Uint8Array.of(0),
    u16(extensions.length),
    extensions,
  );
  return concat(Uint8Array.of(2, 0), u16(body.length), body);
}

export function siteHelloRecord(parts: HelloParts): Uint8Array<ArrayBuffer> {
  return record(0x16, serverHello(parts));
}

export function alertRecord(code: number): Uint8Array<ArrayBuffer> {
  return record(0x15, Uint8Array.of(2, code));
}

function extension(type: number, data: Uint8Array): Uint8Array {
  return concat(u16(type), u16(data.length), data);
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}
