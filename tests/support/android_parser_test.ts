import { assertEquals } from "@std/assert";
import { AndroidParser } from "./android_parser.ts";
import { concat, randomBytes } from "./byte_reader.ts";
import { serverFlight } from "./server_flight.ts";

const key = randomBytes(16);
const clientRandom = randomBytes(32);
const flight = serverFlight({ key, clientRandom, sessionId: randomBytes(32) });
/** The ServerHello record with an X25519 share. */
const helloEnd = 127;

function verdict(...chunks: readonly Uint8Array[]): string {
  const parser = new AndroidParser(key, clientRandom);
  return chunks.reduce<string>((_, chunk) => parser.push(chunk), "waiting");
}

Deno.test("AndroidParser takes a right flight in one piece", () => {
  assertEquals(verdict(flight), "ok");
});

Deno.test("AndroidParser fails exactly where a read ends in the eleven bytes after the ServerHello", () => {
  const failed = [];
  for (let cut = 1; cut < flight.length; cut++) {
    const outcome = verdict(flight.subarray(0, cut), flight.subarray(cut));
    if (outcome === "failed") failed.push(cut);
    else assertEquals(outcome, "ok", `cut at ${cut}`);
  }
  assertEquals(failed, Array.from({ length: 11 }, (_, index) => helloEnd + index));
});

Deno.test("AndroidParser waits for the end of the flight", () => {
  assertEquals(verdict(flight.subarray(0, flight.length - 1)), "waiting");
});

const spoiled: readonly [string, Uint8Array][] = [
  ["a byte after it", concat(flight, Uint8Array.of(0))],
  ["a wrong digest", flight.with(20, flight[20]! ^ 1)],
  ["a wrong version", flight.with(2, 1)],
  ["no ChangeCipherSpec", concat(flight.subarray(0, helloEnd), flight.subarray(helloEnd + 6))],
  ["more than 65,536 bytes", concat(flight, new Uint8Array(65_536))],
];

for (const [name, bytes] of spoiled) {
  Deno.test(`AndroidParser fails on a flight with ${name}`, () => assertEquals(verdict(bytes), "failed"));
}
