import { assertEquals } from "@std/assert";
import { readServerFlight, type ServerFlight } from "../../lib/faketls/server_flight.ts";
import { patterned } from "../crypto/oracle.ts";
import vectors from "../fixtures/vectors/server_flight.json" with { type: "json" };
import { concat } from "../support/byte_reader.ts";
import { serverFlight } from "../support/server_flight.ts";
import { key } from "./hellos.ts";
import { record } from "./records.ts";

const clientRandom = patterned(32, 5);
const proof = { key, clientRandom };
const flight = serverFlight({ key, clientRandom, sessionId: patterned(32, 6) });
const verified: ServerFlight = { kind: "verified", sizes: [122, 1, 2_900], consumed: flight.length };

Deno.test("readServerFlight() verifies a flight, and tells the sizes of its records", () => {
  assertEquals(readServerFlight(flight, proof), verified);
  assertEquals(readServerFlight(concat(flight, patterned(10, 1)), proof), verified);
});

Deno.test("readServerFlight() verifies the flight of the vector", () => {
  const [key, clientRandom, bytes] = [vectors.key, vectors.clientRandom, vectors.flight].map((hex) =>
    Uint8Array.fromHex(hex)
  ) as [Uint8Array, Uint8Array, Uint8Array];
  const sizes = [0x7a, 1, vectors.applicationData.length / 2];
  assertEquals(readServerFlight(bytes, { key, clientRandom }), { kind: "verified", sizes, consumed: bytes.length });
});

Deno.test("readServerFlight() takes no flight for right that was signed for another", () => {
  const site: ServerFlight = { kind: "site" };
  assertEquals(readServerFlight(flight, { key: key.with(0, 1) as Uint8Array<ArrayBuffer>, clientRandom }), site);
  assertEquals(readServerFlight(flight, { key, clientRandom: patterned(32, 9) }), site);
  for (const at of [11, 42, 43, 75, 100, flight.length - 1]) {
    assertEquals(readServerFlight(flight.with(at, flight[at]! ^ 1), proof), site, `byte ${at}`);
  }
});

Deno.test("readServerFlight() waits for a whole flight, and sees TLS once the ServerHello has come", () => {
  for (let end = 0; end < flight.length; end++) {
    assertEquals(readServerFlight(flight.subarray(0, end), proof), { kind: "incomplete", isTls: end >= 127 });
  }
});

const text = (words: string) => new TextEncoder().encode(words);
const hello = flight.slice(0, 127);
const retry = hello.slice();
retry.set(Uint8Array.fromHex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"), 11);

const table: readonly (readonly [string, Uint8Array, ServerFlight])[] = [
  ["a server of TLS 1.2", concat(hello, record(0x16, patterned(900, 1))), { kind: "site" }],
  ["a server that asks for another hello", retry, { kind: "site" }],
  ["an alert in the place of the flight", record(0x15, Uint8Array.of(2, 112)), { kind: "alert", code: 112 }],
  ["an alert of old TLS", record(0x15, Uint8Array.of(2, 70), 0x0301), { kind: "alert", code: 70 }],
  ["half an alert", record(0x15, Uint8Array.of(2, 40)).slice(0, 6), { kind: "incomplete", isTls: false }],
  ["an alert of a wrong size", record(0x15, Uint8Array.of(2, 40, 0)), { kind: "foreign" }],
  ["an alert behind the ServerHello", concat(hello, record(0x15, Uint8Array.of(2, 40))), { kind: "site" }],
  ["HTTP", text("HTTP/1.1 400 Bad Request\r\n"), { kind: "foreign" }],
  ["SSH", text("SSH-2.0-OpenSSH_9.6\r\n"), { kind: "foreign" }],
  ["a wrong version", Uint8Array.of(0x16, 2), { kind: "foreign" }],
  ["application data", record(0x17, patterned(10, 1)), { kind: "foreign" }],
  ["a message that is no ServerHello", record(0x16, Uint8Array.of(1, 0, 0, 0)), { kind: "foreign" }],
  ["nonsense behind the ServerHello", concat(hello, text("HTTP/1.1")), { kind: "site" }],
  [
    "a flight that is larger than any",
    concat(hello, record(0x14, Uint8Array.of(1)), new Uint8Array([0x17, 3, 3, 255, 255])),
    {
      kind: "site",
    },
  ],
];

for (const [name, bytes, expected] of table) {
  Deno.test(`readServerFlight() knows ${name}`, () => assertEquals(readServerFlight(bytes, proof), expected));
}
