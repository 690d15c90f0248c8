import { assertEquals } from "@std/assert";
import { readResPq, type ResPq, writeReqPq } from "../../lib/telegram/res_pq.ts";
import { patterned } from "../crypto/oracle.ts";
import { concat } from "../support/byte_reader.ts";
import { scripted } from "../transport/frames.ts";

const nonce = patterned(16, 7);

/** 2026-01-01T00:00:00.500Z. */
const nowMs = Date.UTC(2026, 0, 1) + 500;

Deno.test("writeReqPq() makes these very bytes", () => {
  assertEquals(
    writeReqPq({ nonce, nowMs, padding: undefined }).toHex(),
    // length 40; no key; half a second and the second; 20 bytes of body; req_pq_multi; nonce
    "28000000" + "0000000000000000" + "00000080" + "00b95569" + "14000000" + "f18e7ebe" + nonce.toHex(),
  );
});

Deno.test("writeReqPq() pads with as many bytes as it says", () => {
  const padding = patterned(15, 3);
  // 6 bytes choose the number: 15 of 0..15.
  const bytes = writeReqPq({ nonce, nowMs, padding: scripted(Uint8Array.of(0, 0, 0, 0, 0, 15), padding) });
  assertEquals(bytes[0], 55);
  assertEquals(bytes.length, 59);
  assertEquals(bytes.slice(44), padding);
});

/** A packet with its length. */
function packet(...parts: readonly Uint8Array[]): Uint8Array {
  const body = concat(...parts);
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, body.length, true);
  return concat(size, body);
}

const hex = (text: string) => Uint8Array.fromHex(text);
/** The server's message id says half a second after 2026-01-01T00:00:00Z. */
const head = hex("0000000000000000" + "01000080" + "00b95569" + "40000000");
const tail = concat(patterned(16, 9), hex("0817ed48941a08f98100000015c4b51c0100000085fd64de851d9dd0"));
const answer = packet(head, hex("63241605"), nonce, tail);

const table: readonly (readonly [string, Uint8Array, ResPq])[] = [
  ["an answer", answer, { kind: "answer", timeMs: nowMs }],
  ["a padded answer", packet(answer.slice(4), patterned(15, 1)), { kind: "answer", timeMs: nowMs }],
  ["an answer and more behind it", concat(answer, patterned(9, 1)), { kind: "answer", timeMs: nowMs }],
  ["nothing", new Uint8Array(0), { kind: "incomplete" }],
  ["a transport error", packet(hex("6cfeffff")), { kind: "error", code: -404 }],
  ["a padded transport error", packet(hex("53feffff"), patterned(15, 1)), { kind: "error", code: -429 }],
  ["an empty packet", packet(), { kind: "garbage", what: "a packet of 0 bytes" }],
  ["a huge packet", hex("48545450"), { kind: "garbage", what: "a packet of 1347703880 bytes" }],
  ["a positive number", packet(hex("01000000")), { kind: "garbage", what: "a packet of 4 bytes" }],
  ["a short packet", packet(head, hex("63241605"), nonce), { kind: "garbage", what: "a packet of 40 bytes" }],
  [
    "a message under a key",
    packet(hex("0000000001000000"), answer.slice(12)),
    { kind: "garbage", what: "a message under a key" },
  ],
  ["another message", packet(head, hex("63241606"), nonce, tail), { kind: "garbage", what: "another message" }],
  [
    "an answer to another question",
    packet(head, hex("63241605"), nonce.with(15, 0), tail),
    { kind: "garbage", what: "an answer to another question" },
  ],
];

for (const [name, received, expected] of table) {
  Deno.test(`readResPq() knows ${name}`, () => assertEquals(readResPq(received, nonce), expected));
}

Deno.test("readResPq() waits for the whole answer", () => {
  for (let end = 0; end < answer.length; end++) {
    assertEquals(readResPq(answer.subarray(0, end), nonce), { kind: "incomplete" });
  }
});
