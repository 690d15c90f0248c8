/** IP addresses as text, as numbers and as bytes. `ip-bigint` reads and writes the text. */
import { parseIp, stringifyIp } from "ip-bigint";

export interface Ip {
  readonly version: 4 | 6;
  /** 32 or 128 bits. */
  readonly number: bigint;
}

const sizes = { 4: 4, 6: 16 } as const;
/** `::ffff:0:0/96`, under which IPv4 addresses stand among those of IPv6. */
const mappedPrefix = 0xffffn << 32n;

/** An address without brackets; `::ffff:192.0.2.1` is IPv4, and a zone (`%eth0`) is left out. `undefined` if it is none. */
export function readIp(text: string): Ip | undefined {
  try {
    const { number, version } = parseIp(text);
    return version === 4 || version === 6 ? unmap({ version, number: number ?? 0n }) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether `text` is an address rather than a name. */
export function isIp(text: string): boolean {
  return readIp(text) !== undefined;
}

/** In the one shortest spelling. */
export function showIp(ip: Ip): string {
  return stringifyIp(ip);
}

/** An address in its one shortest spelling, for comparing; anything else as it is. */
export function spellIp(text: string): string {
  const ip = readIp(text);
  return ip === undefined ? text : showIp(ip);
}

/** Of 4 or 16 bytes, big-endian. */
export function ipOfBytes(bytes: Uint8Array): Ip {
  const number = BigInt(`0x${bytes.toHex()}`);
  return unmap({ version: bytes.length === sizes[4] ? 4 : 6, number });
}

/** 4 or 16 bytes, big-endian. */
export function bytesOfIp({ version, number }: Ip): Uint8Array {
  return Uint8Array.fromHex(number.toString(16).padStart(2 * sizes[version], "0"));
}

/** The same address among those of IPv6. */
export function mapIpv4(ip: Ip): Ip {
  return ip.version === 6 ? ip : { version: 6, number: mappedPrefix | ip.number };
}

function unmap(ip: Ip): Ip {
  return ip.version === 6 && ip.number >> 32n === mappedPrefix >> 32n
    ? { version: 4, number: ip.number & 0xffff_ffffn }
    : ip;
}
