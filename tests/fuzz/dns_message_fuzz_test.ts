import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { isIp } from "../../lib/bytes/ip.ts";
import { decodeDnsAnswer, type DnsQuestion, encodeDnsQuery } from "../../lib/wire/dns_message.ts";
import { dnsName } from "../../lib/wire/dns_name.ts";
import { concat } from "../support/byte_reader.ts";
import { encodeReply } from "../support/dns_server.ts";
import { bytes, runs } from "./arbitraries.ts";

const labels = fc.stringMatching(/^[a-z0-9_-]{1,20}$/);
const names = fc.array(labels, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("."));
const questions: fc.Arbitrary<DnsQuestion> = fc.record({ name: names, type: fc.constantFrom("A", "AAAA") });
const ids = fc.nat(0xffff);

/** Whatever it says, it says it without throwing, and addresses are addresses. */
function judge(message: Uint8Array, id: number, question: DnsQuestion): void {
  const answer = decodeDnsAnswer(message, id, question);
  if (answer.kind === "addresses") {
    assert(answer.addresses.length > 0 && answer.addresses.every(isIp));
  }
  if ("ttlSeconds" in answer) assert(answer.ttlSeconds >= 0 && answer.ttlSeconds < 2 ** 31);
}

Deno.test("decodeDnsAnswer() throws on no bytes", () => {
  const header = fc.tuple(bytes(2, 2), bytes(8, 8)).map(([flags, counts]) => [0x12, 0x34, ...flags, ...counts]);
  const garbage = fc.oneof(
    bytes(0, 600),
    fc.tuple(header, bytes(0, 300)).map(([head, rest]) => Uint8Array.from([...head, ...rest])),
  );
  fc.assert(fc.property(garbage, questions, (message, question) => judge(message, 0x1234, question)), {
    numRuns: 10 * runs,
  });
});

Deno.test("decodeDnsAnswer() throws on no answer that has been damaged", () => {
  const property = fc.record({
    question: questions,
    id: ids,
    damage: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
    end: fc.nat(),
    ttl: fc.nat(2 ** 32 - 1),
  });
  fc.assert(
    fc.property(property, ({ question, id, damage, end, ttl }) => {
      const alias = { name: question.name, type: "CNAME", ttl, data: "other.example" };
      const address = {
        name: "other.example",
        type: question.type,
        ttl,
        data: question.type === "A" ? "192.0.2.1" : "::1",
      };
      const soa = { name: "example", type: "SOA", ttl, data: { mname: "a.test", rname: "b.test", minimum: ttl } };
      const message = encodeReply({ ...question, id }, { answers: [alias, address], authorities: [soa] });
      for (const [at, value] of damage) message[12 + at % (message.length - 12)] = value;
      judge(message, id, question);
      judge(message.subarray(0, end % message.length), id, question);
    }),
    { numRuns: 10 * runs },
  );
});

Deno.test("decodeDnsAnswer() gives the addresses that lie in an answer, bytes as they are", () => {
  const property = questions.chain((question) => {
    const size = question.type === "A" ? 4 : 16;
    return fc.record({
      question: fc.constant(question),
      id: ids,
      records: fc.array(bytes(size, size), { minLength: 1, maxLength: 30 }),
      ttl: fc.nat(2 ** 31 - 1),
    });
  });
  fc.assert(
    fc.property(property, ({ question, id, records, ttl }) => {
      const message = answerOf(question, id, records, ttl);
      const answer = decodeDnsAnswer(message, id, question);
      if (answer.kind !== "addresses") throw new Error(`it is ${answer.kind}`);
      assertEquals(answer.addresses.map(canonical), records.map(hostOf).map(canonical));
      assertEquals(answer.ttlSeconds, ttl);
      assertEquals(decodeDnsAnswer(message, id ^ 1, question).kind, "foreign");
    }),
    { numRuns: runs },
  );
});

Deno.test("encodeDnsQuery() makes queries that are no answers, padded ones of whole blocks", () => {
  fc.assert(
    fc.property(questions, ids, (question, id) => {
      assertEquals(dnsName(question.name), question.name);
      assertEquals(decodeDnsAnswer(encodeDnsQuery(id, question, false), id, question).kind, "foreign");
      assertEquals(encodeDnsQuery(id, question, true).length % 128, 0);
    }),
    { numRuns: runs },
  );
});

/** A response by hand: the query's question, and a record for each address whose name points back to it. */
function answerOf(question: DnsQuestion, id: number, records: readonly Uint8Array[], ttl: number): Uint8Array {
  const query = encodeDnsQuery(id, question, false);
  const head = Uint8Array.of(0xc0, 12, ...query.slice(-4), ...bigEndian(ttl));
  const message = concat(query, ...records.map((data) => concat(head, Uint8Array.of(0, data.length), data)));
  message[2]! |= 0x80;
  message[7] = records.length;
  return message;
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function hostOf(address: Uint8Array): string {
  if (address.length === 4) return address.join(".");
  return address.toHex().replace(/....(?!$)/g, "$&:");
}

function canonical(host: string): string {
  return new URL(`http://${host.includes(":") ? `[${host}]` : host}`).hostname;
}
