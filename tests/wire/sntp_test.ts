import { assertEquals } from "@std/assert";
import { compareClocks, decodeAnswer, encodeQuestion } from "../../lib/wire/sntp.ts";
import { answerPacket } from "./sntp_packets.ts";

const nonce = Uint8Array.fromHex("0102030405060708");

Deno.test("encodeQuestion() gives 48 bytes in which nothing but the nonce tells who asks", () => {
  assertEquals(encodeQuestion(nonce).toHex(), "23" + "00".repeat(39) + "0102030405060708");
});

Deno.test("decodeAnswer() reads an answer of a real server", () => {
  const packet = Uint8Array.fromHex(
    "240103ee0000001e000000194e495354" + "eb000000000000000102030405060708" + "eb00000180000000eb00000190000000",
  );
  const receivedMs = (0xeb000001 - 2_208_988_800) * 1000 + 500;
  assertEquals(decodeAnswer(packet, nonce), { kind: "time", receivedMs, sentMs: receivedMs + 62.5, stratum: 1 });
});

Deno.test("decodeAnswer() goes on counting when the seconds start anew in 2036", () => {
  for (
    const date of ["2026-11-24T10:00:00.250Z", "2036-02-07T06:28:15Z", "2036-02-07T06:28:16Z", "2068-01-01T00:00:00Z"]
  ) {
    const receivedMs = Date.parse(date);
    const packet = answerPacket(nonce, { receivedMs, sentMs: receivedMs + 125 });
    assertEquals(decodeAnswer(packet, nonce), { kind: "time", receivedMs, sentMs: receivedMs + 125, stratum: 2 });
  }
});

Deno.test("decodeAnswer() tells an answer from what is none", () => {
  const receivedMs = Date.UTC(2026, 0, 1);
  const times = { receivedMs, sentMs: receivedMs };
  const cases: readonly (readonly [string, Uint8Array, object])[] = [
    ["kiss of death", answerPacket(nonce, { ...times, stratum: 0, code: "RATE" }), { kind: "refused", code: "RATE" }],
    ["an escape code", answerPacket(nonce, { ...times, stratum: 0, code: "\x1b[2J" }), {
      kind: "refused",
      code: "????",
    }],
    ["a short code", answerPacket(nonce, { ...times, stratum: 0, code: "DENY" }), { kind: "refused", code: "DENY" }],
    ["stratum 16", answerPacket(nonce, { ...times, stratum: 16 }), { kind: "unsynchronized" }],
    ["leap 3", answerPacket(nonce, { ...times, leap: 3 }), { kind: "unsynchronized" }],
    ["no time", answerPacket(nonce, { ...times }).fill(0, 40), { kind: "unsynchronized" }],
    ["another nonce", answerPacket(Uint8Array.from(nonce).fill(9, 7), times), { kind: "foreign" }],
    ["a question", encodeQuestion(nonce), { kind: "foreign" }],
    ["47 bytes", answerPacket(nonce, times).subarray(0, 47), { kind: "foreign" }],
    ["nothing", new Uint8Array(0), { kind: "foreign" }],
  ];
  for (const [name, packet, expected] of cases) assertEquals(decodeAnswer(packet, nonce), expected, name);
  assertEquals(decodeAnswer(answerPacket(nonce, times), new Uint8Array(0)), { kind: "foreign" });
});

Deno.test("compareClocks() takes the way out and home off", () => {
  // 90 s ahead; 30 ms each way; the server takes 5 ms.
  const ahead = compareClocks({ askedMs: 90_000, answeredMs: 90_065 }, { receivedMs: 30, sentMs: 35 });
  assertEquals(ahead, { aheadMs: 90_000, delayMs: 60 });
  const behind = compareClocks({ askedMs: 0, answeredMs: 10 }, { receivedMs: 2_005, sentMs: 2_005 });
  assertEquals(behind, { aheadMs: -2_000, delayMs: 10 });
  assertEquals(compareClocks({ askedMs: 0, answeredMs: 1 }, { receivedMs: 0, sentMs: 5 }).delayMs, 0);
});
