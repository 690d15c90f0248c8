import { assert, assertEquals } from "@std/assert";
import { isIp } from "../../lib/bytes/ip.ts";
import { decodeDnsAnswer, type DnsQuestion, encodeDnsQuery } from "../../lib/wire/dns_message.ts";
import { dnsName } from "../../lib/wire/dns_name.ts";
import { type DnsReply, encodeReply, nothing } from "../support/dns_server.ts";

const id = 0x1234;
const ipv4: DnsQuestion = { name: "www.example.com", type: "A" };
const ipv6: DnsQuestion = { name: "www.example.com", type: "AAAA" };

function a(name: string, data: string, ttl = 300): object {
  return { name, type: "A", ttl, data };
}

function alias(name: string, data: string, ttl = 300): object {
  return { name, type: "CNAME", ttl, data };
}

function decode(reply: DnsReply, question = ipv4) {
  return decodeDnsAnswer(encodeReply({ ...question, id }, reply), id, question);
}

Deno.test("encodeDnsQuery() asks one question, with recursion, and nothing else", () => {
  const name = "03777777076578616d706c6503636f6d00";
  const counts = "0001000000000000";
  assertEquals(encodeDnsQuery(id, ipv4, false).toHex(), `12340100${counts}${name}00010001`);
  assertEquals(encodeDnsQuery(0, ipv6, false).toHex(), `00000100${counts}${name}001c0001`);
});

Deno.test("encodeDnsQuery() pads with zeros to a multiple of 128 bytes", () => {
  const padded = encodeDnsQuery(0, ipv4, true);
  const question = "03777777076578616d706c6503636f6d0000010001";
  // An empty name, type OPT, 1,232 bytes, no flags; then 84 bytes of options, of which the only one is padding.
  const head = `000001000001000000000001${question}00002904d000000000${"0054"}${"000c"}${"0050"}`;
  assertEquals(padded.toHex(), head.padEnd(256, "0"));
  for (let length = 1; length <= 63; length++) {
    const [short, long] = ["b".repeat(length), `${"a".repeat(63)}.${"b".repeat(length)}`] as const;
    assertEquals(encodeDnsQuery(0, { name: short, type: "A" }, true).length, 128);
    // All but the name and the padding are 33 bytes.
    assertEquals(encodeDnsQuery(0, { name: long, type: "A" }, true).length, long.length <= 95 ? 128 : 256);
  }
});

Deno.test("decodeDnsAnswer() gives all addresses and the least time to live", () => {
  const answers = [a("www.example.com", "192.0.2.1", 300), a("www.example.com", "192.0.2.2", 200)];
  assertEquals(decode({ answers }), { kind: "addresses", addresses: ["192.0.2.1", "192.0.2.2"], ttlSeconds: 200 });
  const data = "2001:db8::1";
  assertEquals(decode({ answers: [{ name: "www.example.com", type: "AAAA", ttl: 5, data }] }, ipv6), {
    kind: "addresses",
    addresses: [data],
    ttlSeconds: 5,
  });
});

Deno.test("decodeDnsAnswer() reads bytes as RFC 1035 has them, with a compressed name", () => {
  const message = Uint8Array.fromHex(
    "12348180" + "0001000100000000" + "03777777076578616d706c6503636f6d0000010001" + "c00c000100010000012c0004c0000207",
  );
  assertEquals(decodeDnsAnswer(message, id, ipv4), { kind: "addresses", addresses: ["192.0.2.7"], ttlSeconds: 300 });
});

Deno.test("decodeDnsAnswer() follows aliases in any order, and counts their times to live", () => {
  const answers = [
    a("c.example.net", "192.0.2.3", 100),
    alias("b.example.net", "c.example.net", 20),
    a("elsewhere.example", "192.0.2.9", 1),
    alias("WWW.Example.com", "b.example.net", 50),
  ];
  assertEquals(decode({ answers }), { kind: "addresses", addresses: ["192.0.2.3"], ttlSeconds: 20 });
});

Deno.test("decodeDnsAnswer() ignores addresses of other names and types", () => {
  const foreign = [a("evil.example", "192.0.2.66"), { name: "www.example.com", type: "AAAA", ttl: 60, data: "::1" }];
  assertEquals(decode({ answers: foreign }), { kind: "none", nameExists: true, ttlSeconds: 0 });
  const chaos = { ...a("www.example.com", "192.0.2.66"), class: "CH" };
  assertEquals(decode({ answers: [chaos] }), { kind: "none", nameExists: true, ttlSeconds: 0 });
});

Deno.test("decodeDnsAnswer() finds no address where aliases lead in circles or nowhere", () => {
  const none = { kind: "none", nameExists: true, ttlSeconds: 0 };
  const circle = [alias("www.example.com", "b.example.net"), alias("b.example.net", "www.example.com")];
  assertEquals(decode({ answers: circle }), none);
  assertEquals(decode({ answers: [alias("www.example.com", "b.example.net")] }), none);
  const names = ["www.example.com", ...Array.from({ length: 18 }, (_, index) => `${index}.example.net`)];
  const chain = (length: number) => [
    ...names.slice(0, length).map((name, index) => alias(name, names[index + 1]!)),
    a(names[length]!, "192.0.2.1"),
  ];
  assertEquals(decode({ answers: chain(16) }).kind, "addresses");
  assertEquals(decode({ answers: chain(17) }), none);
});

Deno.test("decodeDnsAnswer() takes a time to live with the top bit set for none", () => {
  assertEquals(decode({ answers: [a("www.example.com", "192.0.2.1", 2 ** 31)] }), {
    kind: "addresses",
    addresses: ["192.0.2.1"],
    ttlSeconds: 0,
  });
});

Deno.test("decodeDnsAnswer() tells that a name, or an address of it, does not exist, and for how long", () => {
  const soa = (ttl: number, minimum: number) => ({
    authorities: [{ name: "example.com", type: "SOA", ttl, data: { mname: "a.test", rname: "b.test", minimum } }],
  });
  assertEquals(decode({ rcode: 3, ...soa(900, 60) }), { kind: "none", nameExists: false, ttlSeconds: 60 });
  assertEquals(decode({ rcode: 3, ...soa(50, 60) }), { kind: "none", nameExists: false, ttlSeconds: 50 });
  assertEquals(decode(nothing(0, 7)), { kind: "none", nameExists: true, ttlSeconds: 7 });
  assertEquals(decode({ rcode: 3 }), { kind: "none", nameExists: false, ttlSeconds: 0 });
});

Deno.test("decodeDnsAnswer() believes no addresses in an answer that says there is no such name", () => {
  const answers = [a("www.example.com", "192.0.2.1")];
  assertEquals(decode({ rcode: 3, answers }), { kind: "none", nameExists: false, ttlSeconds: 0 });
});

Deno.test("decodeDnsAnswer() names the codes of errors", () => {
  const named = [[1, "FORMERR"], [2, "SERVFAIL"], [4, "NOTIMP"], [5, "REFUSED"], [11, "RCODE_11"]] as const;
  for (const [rcode, name] of named) assertEquals(decode({ rcode }), { kind: "error", rcode: name });
});

Deno.test("decodeDnsAnswer() takes an error without a question only from a server that cannot read queries", () => {
  const head = (rcode: number) => Uint8Array.fromHex(`1234800${rcode}0000000000000000`);
  assertEquals(decodeDnsAnswer(head(1), id, ipv4), { kind: "error", rcode: "FORMERR" });
  assertEquals(decodeDnsAnswer(head(4), id, ipv4), { kind: "error", rcode: "NOTIMP" });
  for (const rcode of [0, 2, 3, 5]) assertEquals(decodeDnsAnswer(head(rcode), id, ipv4), { kind: "foreign" });
});

Deno.test("decodeDnsAnswer() sees that an answer is truncated, even in the midst of a record", () => {
  const answers = [a("www.example.com", "192.0.2.1"), a("www.example.com", "192.0.2.2")];
  const whole = encodeReply({ ...ipv4, id }, { truncated: true, answers });
  const questionEnd = 12 + 21;
  for (let end = questionEnd; end <= whole.length; end++) {
    assertEquals(decodeDnsAnswer(whole.subarray(0, end), id, ipv4), { kind: "truncated" });
  }
});

Deno.test("decodeDnsAnswer() takes nothing for an answer that is cut off without saying so", () => {
  const answers = [a("www.example.com", "192.0.2.1"), a("www.example.com", "192.0.2.2")];
  const whole = encodeReply({ ...ipv4, id }, { answers });
  for (let end = 0; end < whole.length; end++) {
    assertEquals(decodeDnsAnswer(whole.subarray(0, end), id, ipv4), { kind: "foreign" }, `${end} bytes`);
  }
  assertEquals(decodeDnsAnswer(whole, id, ipv4).kind, "addresses");
});

Deno.test("decodeDnsAnswer() refuses answers to other questions", () => {
  const answers = [a("www.example.com", "192.0.2.1")];
  const others: readonly DnsReply[] = [
    { id: id + 1, answers },
    { question: ipv6, answers },
    { question: { name: "example.com", type: "A" }, answers },
  ];
  for (const reply of others) assertEquals(decode(reply), { kind: "foreign" });
  assertEquals(decodeDnsAnswer(encodeDnsQuery(id, ipv4, false), id, ipv4), { kind: "foreign" });
  const whole = encodeReply({ ...ipv4, id }, { answers });
  const opcodeStatus = whole.slice();
  opcodeStatus[2]! |= 2 << 3;
  assertEquals(decodeDnsAnswer(opcodeStatus, id, ipv4), { kind: "foreign" });
});

Deno.test("decodeDnsAnswer() does not mind how the server writes the name, and leaves the bytes alone", () => {
  const message = encodeReply({ ...ipv4, id }, { question: { name: "WWW.example.COM", type: "A" }, rcode: 2 });
  const before = message.slice();
  assertEquals(decodeDnsAnswer(message, id, ipv4), { kind: "error", rcode: "SERVFAIL" });
  assertEquals(message, before);
});

Deno.test("dnsName() gives names as they are asked for, and nothing for what is none", () => {
  assertEquals(dnsName("WWW.Example.com."), "www.example.com");
  assertEquals(dnsName("_dns.resolver-1.arpa"), "_dns.resolver-1.arpa");
  const longest = [63, 63, 63, 61].map((length) => "a".repeat(length)).join(".");
  assertEquals(dnsName(longest), longest);
  const wrong = ["", ".", "a..b", ".a", "a b", "bücher.example", "a/b", `${longest}a`, "a".repeat(64), "a.\n"];
  for (const host of wrong) assertEquals(dnsName(host), undefined, host);
});

Deno.test("isIp() knows addresses from names", () => {
  for (const host of ["127.0.0.1", "::", "2001:db8::1", "::ffff:192.0.2.1"]) assert(isIp(host), host);
  for (const host of ["localhost", "1.2.3", "1.2.3.4.", "256.1.1.1", "[::1]", "", "beef"]) {
    assert(!isIp(host), host);
  }
});
