/**
 * DNS messages (RFC 1035) as a stub resolver needs them: one question for the addresses of a name, and its answer.
 *
 * ```text
 * id 2 | flags 2 | counts of the four sections, 2 each | questions | answers | authorities | additionals
 * ```
 */
import library from "dns-packet";
import { Buffer } from "node:buffer";
import { isIp } from "../bytes/ip.ts";

export type DnsRecordType = "A" | "AAAA";

export interface DnsQuestion {
  /** As `dnsName()` gives it. */
  readonly name: string;
  readonly type: DnsRecordType;
}

/** What a message says to a question. Times to live are seconds. */
export type DnsAnswer =
  /** `ttlSeconds` is the least one of the records that lead to the addresses. Never empty. */
  | { readonly kind: "addresses"; readonly addresses: readonly string[]; readonly ttlSeconds: number }
  /** There is no such name, or it has no address of this type; 0 if the server does not say for how long (RFC 2308). */
  | { readonly kind: "none"; readonly nameExists: boolean; readonly ttlSeconds: number }
  /** There was no room for the answer: ask again over TCP. */
  | { readonly kind: "truncated" }
  /** The server could not or would not answer; `rcode` is the code's name, such as `SERVFAIL`. */
  | { readonly kind: "error"; readonly rcode: string }
  /** Not the answer to this question, if a DNS message at all. */
  | { readonly kind: "foreign" };

type Found = DnsAnswer & { readonly kind: "addresses" };

/** What of `dns-packet` is used; it has no types of its own. */
interface Library {
  encode(packet: object): Uint8Array;
  decode(bytes: Buffer): Packet;
}

interface Packet {
  readonly id: number;
  readonly type: "query" | "response";
  readonly opcode: string;
  readonly "flag_tc": boolean;
  readonly rcode: string;
  readonly questions: readonly { readonly name: string; readonly type: string; readonly class: string }[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
}

interface DnsRecord {
  readonly name: string;
  readonly type: string;
  readonly class: string;
  readonly ttl: number;
  readonly data: unknown;
}

const dnsPacket: Library = library;

const headerSize = 12;
/** Where the counts of answers, authorities and additionals lie. */
const countsOffset = 6;
/** Queries over encrypted transports are padded to a multiple of so many bytes (RFC 8467, 4.1). */
const paddingBlock = 128;
/** The largest answer that is said to be welcome over UDP, as DNS Flag Day 2020 has it; it means nothing elsewhere. */
const udpPayloadSize = 1_232;
/** A time to live with the top bit set is none (RFC 2181, 8). */
const ttlAtMostSeconds = 2 ** 31 - 1;
const aliasesAtMost = 16;

/** A query with recursion desired; `padded` for transports that hide everything but sizes. `id` is 0 to 65,535. */
export function encodeDnsQuery(id: number, question: DnsQuestion, padded: boolean): Uint8Array<ArrayBuffer> {
  const bare = encode(id, question, []);
  if (!padded) return bare;
  const unpadded = encode(id, question, [optRecord(0)]).length;
  return encode(id, question, [optRecord((paddingBlock - unpadded % paddingBlock) % paddingBlock)]);
}

function encode(id: number, question: DnsQuestion, additionals: readonly object[]): Uint8Array<ArrayBuffer> {
  const recursionDesired = 1 << 8;
  const questions = [{ ...question, class: "IN" }];
  return Uint8Array.from(dnsPacket.encode({ type: "query", id, flags: recursionDesired, questions, additionals }));
}

function optRecord(padding: number): object {
  const options = [{ code: "PADDING", length: padding }];
  return { type: "OPT", name: ".", udpPayloadSize, extendedRcode: 0, ednsVersion: 0, flags: 0, options };
}

/** Reads `bytes` as the answer to `question` that was asked under `id`. Never throws. */
export function decodeDnsAnswer(bytes: Uint8Array, id: number, question: DnsQuestion): DnsAnswer {
  // The head alone: what is truncated may end within a record.
  const head = decode(headOf(bytes));
  if (head === undefined || !answers(head, id, question)) return { kind: "foreign" };
  if (head.flag_tc) return { kind: "truncated" };
  if (head.rcode !== "NOERROR" && head.rcode !== "NXDOMAIN") return { kind: "error", rcode: head.rcode };
  const packet = decode(bytes);
  if (packet === undefined) return { kind: "foreign" };
  const nameExists = head.rcode === "NOERROR";
  const found = nameExists ? addressesIn(packet, question) : undefined;
  if (found === undefined) return { kind: "none", nameExists, ttlSeconds: negativeTtl(packet) };
  // The library reads past the end of a record that is cut short.
  return found.addresses.every(isIp) ? found : { kind: "foreign" };
}

function decode(bytes: Uint8Array): Packet | undefined {
  try {
    return dnsPacket.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  } catch {
    return undefined;
  }
}

function headOf(bytes: Uint8Array): Uint8Array {
  return bytes.slice().fill(0, countsOffset, headerSize);
}

function answers(head: Packet, id: number, question: DnsQuestion): boolean {
  if (head.type !== "response" || head.opcode !== "QUERY" || head.id !== id) return false;
  const [asked] = head.questions;
  // A server that cannot read a query may leave out its question.
  if (asked === undefined) return head.rcode === "FORMERR" || head.rcode === "NOTIMP";
  return head.questions.length === 1 && asked.class === "IN" && asked.type === question.type &&
    sameName(asked.name, question.name);
}

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** The addresses of the name, or of what it is an alias for. */
function addressesIn(packet: Packet, question: DnsQuestion): Found | undefined {
  let name = question.name;
  let ttlSeconds = Infinity;
  for (let aliases = 0; aliases <= aliasesAtMost; aliases++) {
    const records = packet.answers.filter((record) => record.class === "IN" && sameName(record.name, name));
    const found = records.filter((record) => record.type === question.type);
    const alias = records.find((record) => record.type === "CNAME");
    const used = found.length > 0 ? found : alias === undefined ? [] : [alias];
    if (used.length === 0) return undefined;
    ttlSeconds = Math.min(ttlSeconds, ...used.map(ttlOf));
    if (found.length > 0) return { kind: "addresses", addresses: found.map((record) => `${record.data}`), ttlSeconds };
    name = `${alias?.data}`;
  }
  return undefined;
}

function ttlOf({ ttl }: DnsRecord): number {
  return ttl > ttlAtMostSeconds ? 0 : ttl;
}

/** The lesser of the SOA record's own time to live and the one that it gives for names that do not exist (RFC 2308, 5). */
function negativeTtl(packet: Packet): number {
  const record = packet.authorities.find(({ type }) => type === "SOA");
  if (record === undefined) return 0;
  const { minimum } = record.data as { readonly minimum: number };
  return Math.min(ttlOf(record), minimum > ttlAtMostSeconds ? 0 : minimum);
}
