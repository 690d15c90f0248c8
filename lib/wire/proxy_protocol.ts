/**
 * The PROXY protocol, versions 1 and 2: a load balancer tells where a connection came from before anything else.
 *
 * ```text
 * version 1   "PROXY TCP4 192.0.2.7 198.51.100.1 50000 443" CR LF       source, destination; their ports. 107 bytes at most
 *             "PROXY TCP6 …", "PROXY UNKNOWN" or "PROXY UNKNOWN …"
 *
 * version 2   signature (12) | version, command (1) | family, transport (1) | length (2) | addresses | TLVs
 *             0d0a0d0a000d0a515549540a
 * commands    20 LOCAL, 21 PROXY
 * families    11 TCP over IPv4     source (4)  | destination (4)  | source port (2) | destination port (2)
 *             21 TCP over IPv6     source (16) | destination (16) | source port (2) | destination port (2)
 *             00 unspecified; 12, 22 UDP; 31, 32 Unix sockets       nothing that a TCP client could have come from
 * ```
 *
 * Numbers are big-endian; the length counts addresses and TLVs. TLVs are skipped, their checksum included.
 *
 * See https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt.
 */
import type { Address, TcpAddress } from "../address.ts";
import { bytesOfIp, ipOfBytes, isIp, mapIpv4, readIp, showIp } from "../bytes/ip.ts";
import { ByteReader } from "../bytes/reader.ts";
import { ProtocolError } from "../errors.ts";

export type DecodedProxyHeader =
  /** Bytes that may become a header. */
  | { readonly kind: "incomplete" }
  /** Bytes that are something else. */
  | { readonly kind: "none" }
  /** A header of `consumed` bytes. Without addresses the connection is the load balancer's own, or of a kind it cannot name. */
  | {
    readonly kind: "done";
    readonly source: TcpAddress | undefined;
    readonly destination: TcpAddress | undefined;
    readonly consumed: number;
  };

// Specification constants

const signatureV1 = new TextEncoder().encode("PROXY ");
const signatureV2 = Uint8Array.fromHex("0d0a0d0a000d0a515549540a");
const lineAtMost = 107;
const startSizeV2 = 16;
const command = { local: 0x20, proxy: 0x21 } as const;
const tcp4 = 0x11;
const tcp6 = 0x21;
/** Bytes of the addresses of a family, the upper half of its byte. */
const addressSizes: readonly number[] = [0, 12, 36, 216];
const transportAtMost = 2;

// Implementation constants

/** A version 2 header in all; its length could say 64 KiB of TLVs. */
const headerAtMost = 4_096;

/** Whether `bytes` begin as every header of version 1 or of version 2 does. */
export function hasProxySignature(bytes: Uint8Array): boolean {
  return startsAs(bytes, signatureV1) === "whole" || startsAs(bytes, signatureV2) === "whole";
}

/**
 * Reads a header from the start of what has come so far.
 *
 * @throws {ProtocolError} bad-proxy-header if a header has begun that no load balancer may send.
 */
export function decodeProxyHeader(bytes: Uint8Array): DecodedProxyHeader {
  const v1 = startsAs(bytes, signatureV1);
  if (v1 === "whole") return decodeLine(bytes);
  const v2 = startsAs(bytes, signatureV2);
  if (v2 === "whole") return decodeBinary(bytes);
  return { kind: v1 === "part" || v2 === "part" ? "incomplete" : "none" };
}

function startsAs(bytes: Uint8Array, signature: Uint8Array): "whole" | "part" | "no" {
  const count = Math.min(bytes.length, signature.length);
  for (let at = 0; at < count; at++) {
    if (bytes[at] !== signature[at]) return "no";
  }
  return count === signature.length ? "whole" : "part";
}

function decodeLine(bytes: Uint8Array): DecodedProxyHeader {
  const text = String.fromCharCode(...bytes.subarray(0, lineAtMost));
  const end = text.indexOf("\r\n");
  if (end !== -1) return { kind: "done", ...addressesInLine(text.slice(0, end)), consumed: end + 2 };
  if (bytes.length < lineAtMost) return { kind: "incomplete" };
  throw bad(`its line has no end within ${lineAtMost} bytes`);
}

function addressesInLine(line: string): Pair {
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return unnamed;
  const parts = line.split(" ");
  const [, family, sourceHost = "", destinationHost = "", sourcePort = "", destinationPort = ""] = parts;
  if (family !== "TCP4" && family !== "TCP6") throw bad("its family is none of TCP4, TCP6 and UNKNOWN");
  if (parts.length !== 6) throw bad("its line has not six parts");
  const readHost = family === "TCP4" ? readIpv4 : readIpv6;
  return {
    source: { kind: "tcp", host: readHost(sourceHost), port: readPort(sourcePort) },
    destination: { kind: "tcp", host: readHost(destinationHost), port: readPort(destinationPort) },
  };
}

function readIpv4(text: string): string {
  if (text.includes(":") || !isIp(text)) throw bad("an address of TCP4 is no IPv4");
  return text;
}

function readIpv6(text: string): string {
  const ip = /^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text) ? readIp(text) : undefined;
  if (ip === undefined) throw bad("an address of TCP6 is no IPv6");
  return showIp(ip);
}

function readPort(text: string): number {
  const port = /^(?:0|[1-9]\d{0,4})$/.test(text) ? Number(text) : Infinity;
  if (port > 65_535) throw bad("a port is no number up to 65535");
  return port;
}

function decodeBinary(bytes: Uint8Array): DecodedProxyHeader {
  if (bytes.length < startSizeV2) return { kind: "incomplete" };
  const reader = new ByteReader(bytes, signatureV2.length);
  const what = reader.uint8()!;
  const family = reader.uint8()!;
  const length = reader.uint16()!;
  const consumed = startSizeV2 + length;
  if (what !== command.local && what !== command.proxy) throw bad("its version or command is none that there is");
  if (consumed > headerAtMost) throw bad(`it has ${consumed} bytes, at most ${headerAtMost} are read`);
  const named = what === command.proxy && checkFamily(family, length);
  if (bytes.length < consumed) return { kind: "incomplete" };
  return { kind: "done", ...(named ? readPair(reader, family === tcp4 ? 4 : 16) : unnamed), consumed };
}

/** Whether addresses of TCP follow. */
function checkFamily(family: number, length: number): boolean {
  const size = addressSizes[family >> 4];
  if (size === undefined || (family & 0xf) > transportAtMost) throw bad("its family is none that there is");
  if (length < size) throw bad(`its addresses have ${length} bytes, that family needs ${size}`);
  return family === tcp4 || family === tcp6;
}

interface Pair {
  readonly source: TcpAddress | undefined;
  readonly destination: TcpAddress | undefined;
}

const unnamed: Pair = { source: undefined, destination: undefined };

function readPair(reader: ByteReader, size: 4 | 16): Pair {
  const [source, destination] = [readHost(reader.take(size)!), readHost(reader.take(size)!)];
  return {
    source: { kind: "tcp", host: source, port: reader.uint16()! },
    destination: { kind: "tcp", host: destination, port: reader.uint16()! },
  };
}

function readHost(bytes: Uint8Array): string {
  return showIp(ipOfBytes(bytes));
}

function bad(what: string): ProtocolError {
  return new ProtocolError("bad-proxy-header", `Cannot read the PROXY protocol header: ${what}`);
}

/**
 * A header of version 2. Where one address is IPv4 and the other IPv6, both are written as IPv6. What has not come by TCP is
 * sent as LOCAL: there is no address to tell.
 */
export function encodeProxyHeader(source: Address, destination: Address): Uint8Array<ArrayBuffer> {
  const from = source.kind === "tcp" ? readIp(source.host) : undefined;
  const to = destination.kind === "tcp" ? readIp(destination.host) : undefined;
  if (source.kind !== "tcp" || destination.kind !== "tcp" || from === undefined || to === undefined) {
    return start(command.local, 0, 0);
  }
  const asIpv4 = from.version === 4 && to.version === 4;
  const size = asIpv4 ? 4 : 16;
  const header = start(command.proxy, asIpv4 ? tcp4 : tcp6, 2 * size + 4);
  header.set(bytesOfIp(asIpv4 ? from : mapIpv4(from)), startSizeV2);
  header.set(bytesOfIp(asIpv4 ? to : mapIpv4(to)), startSizeV2 + size);
  const ports = new DataView(header.buffer, startSizeV2 + 2 * size);
  ports.setUint16(0, source.port);
  ports.setUint16(2, destination.port);
  return header;
}

function start(what: number, family: number, length: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(startSizeV2 + length);
  header.set(signatureV2);
  header.set([what, family, length >> 8, length & 0xff], signatureV2.length);
  return header;
}
