/**
 * SOCKS version 5 as a client speaks it: RFC 1928, with user and password by RFC 1929.
 *
 * ```text
 * client                             proxy
 *   05 n methods            ──▶
 *                           ◀──      05 method
 *   01 n user m password    ──▶                            only if the method is 02
 *                           ◀──      01 status
 *   05 01 00 address port   ──▶
 *                           ◀──      05 reply 00 address port, then the bytes of the target
 * ```
 *
 * Decoders take what has come so far and say how many bytes may be read next, which are never more than the message still has:
 * what follows the last one belongs to the target.
 */
import type { TcpAddress } from "../address.ts";
import { bytesOfIp, ipOfBytes, readIp, showIp } from "../bytes/ip.ts";
import { ByteReader } from "../bytes/reader.ts";

const version = 5;
const loginVersion = 1;
const connectCommand = 1;
const longestField = 255;

const methods = { none: 0x00, password: 0x02, refused: 0xff } as const;
const addressTypes = { ipv4: 1, name: 3, ipv6: 4 } as const;

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** How the proxy wants to know who is there; `refused` is none of the ways that were offered. */
export type Method = keyof typeof methods;

export interface ConnectReply {
  /** 0 is success, see `explainReply()`. */
  readonly code: number;
  /** Where the proxy says that it connected from; the host may be a name. `undefined` after a failure. */
  readonly bound: TcpAddress | undefined;
}

export type Decoded<T> =
  | { readonly kind: "done"; readonly value: T }
  /** `needs` is 1 or more. */
  | { readonly kind: "incomplete"; readonly needs: number }
  /** No SOCKS5; `reason` finishes the sentence "the proxy …". */
  | { readonly kind: "bad"; readonly reason: string };

/** `05 | number of methods | methods`: none, and user and password if there are any. */
export function encodeGreeting(hasCredentials: boolean): Uint8Array {
  return hasCredentials
    ? Uint8Array.of(version, 2, methods.none, methods.password)
    : Uint8Array.of(version, 1, methods.none);
}

/**
 * `01 | length | user | length | password`, both in UTF-8.
 *
 * @throws {RangeError} If one of them is longer than 255 bytes, or there is no user.
 */
export function encodeLogin({ user, password }: Credentials): Uint8Array {
  const encoder = new TextEncoder();
  const [name, word] = [encoder.encode(user), encoder.encode(password)];
  if (name.length === 0 || name.length > longestField || word.length > longestField) {
    throw new RangeError(`A user has 1 to ${longestField} bytes, a password at most ${longestField}`);
  }
  return Uint8Array.of(loginVersion, name.length, ...name, word.length, ...word);
}

/**
 * `05 01 00 | type | address | port`. The address is 4 bytes of IPv4 (type 1), 16 of IPv6 (type 4), or the length and the bytes
 * of a name (type 3); the port is big-endian.
 *
 * @throws {RangeError} If the name has no bytes, or more than 255.
 */
export function encodeConnect({ host, port }: TcpAddress): Uint8Array {
  return Uint8Array.of(version, connectCommand, 0, ...encodeHost(host), port >> 8, port & 0xff);
}

function encodeHost(host: string): readonly number[] {
  const ip = readIp(host);
  if (ip !== undefined) return [ip.version === 4 ? addressTypes.ipv4 : addressTypes.ipv6, ...bytesOfIp(ip)];
  const name = new TextEncoder().encode(host);
  if (name.length === 0 || name.length > longestField) {
    throw new RangeError(`A host name has 1 to ${longestField} bytes, not ${name.length}`);
  }
  return [addressTypes.name, name.length, ...name];
}

/** `05 | method`. */
export function decodeMethod(bytes: Uint8Array): Decoded<Method> {
  const [first, method] = bytes;
  if (first !== undefined && first !== version) return notSocks5(first);
  if (method === undefined) return { kind: "incomplete", needs: 2 - bytes.length };
  switch (method) {
    case methods.none:
      return { kind: "done", value: "none" };
    case methods.password:
      return { kind: "done", value: "password" };
    case methods.refused:
      return { kind: "done", value: "refused" };
    default:
      return { kind: "bad", reason: `chose login method ${method}, which was not offered` };
  }
}

/** `01 | status`: whether it is 0, a success. Some proxies send another version, and nobody minds. */
export function decodeLoginReply(bytes: Uint8Array): Decoded<boolean> {
  const status = bytes[1];
  if (status === undefined) return { kind: "incomplete", needs: 2 - bytes.length };
  return { kind: "done", value: status === 0 };
}

/** Of any reply: up to here come its code, the type of its address, and the length if that is a name. */
const replyHead = 5;

/**
 * `05 | code | 00 | type | address | port`, the address as in the request. Of a failure only the code is looked at: the
 * connection is of no more use, and some proxies close it there.
 */
export function decodeConnectReply(bytes: Uint8Array): Decoded<ConnectReply> {
  const [first, code, , type, length = 0] = bytes;
  if (first !== undefined && first !== version) return notSocks5(first);
  if (code !== undefined && code !== 0) return { kind: "done", value: { code, bound: undefined } };
  if (bytes.length < replyHead) return { kind: "incomplete", needs: replyHead - bytes.length };
  const reader = new ByteReader(bytes, type === addressTypes.name ? replyHead : replyHead - 1);
  const size = type === addressTypes.ipv4 ? 4 : type === addressTypes.ipv6 ? 16 : length;
  if (type !== addressTypes.ipv4 && type !== addressTypes.ipv6 && type !== addressTypes.name) {
    return { kind: "bad", reason: `answered with an address of unknown type ${type}` };
  }
  const needs = size + 2 - reader.remaining;
  const address = reader.take(size);
  const port = reader.uint16();
  if (address === undefined || port === undefined) return { kind: "incomplete", needs };
  const host = type === addressTypes.name ? new TextDecoder().decode(address) : showIp(ipOfBytes(address));
  return { kind: "done", value: { code: 0, bound: { kind: "tcp", host, port } } };
}

function notSocks5(first: number): Decoded<never> {
  return { kind: "bad", reason: `does not speak SOCKS5: its answer begins with byte ${first}` };
}

/** What a reply other than 0 means, and whether it speaks of the proxy or of the target behind it. */
export interface ReplyMeaning {
  readonly words: string;
  readonly fault: "proxy" | "target";
}

/** RFC 1928, section 6. A proxy that has no IPv6 says `address type not supported`, which is nothing against it. */
const meanings: ReadonlyMap<number, ReplyMeaning> = new Map([
  [1, { words: "general failure", fault: "proxy" }],
  [2, { words: "not allowed by its rules", fault: "proxy" }],
  [3, { words: "network unreachable", fault: "target" }],
  [4, { words: "host unreachable", fault: "target" }],
  [5, { words: "connection refused", fault: "target" }],
  [6, { words: "TTL expired", fault: "target" }],
  [7, { words: "command not supported", fault: "proxy" }],
  [8, { words: "address type not supported", fault: "target" }],
]);

export function explainReply(code: number): ReplyMeaning {
  return meanings.get(code) ?? { words: `unknown failure ${code}`, fault: "proxy" };
}
