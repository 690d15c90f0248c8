import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { systemRandom } from "../../lib/crypto/random.ts";
import { ownFlightAtMost, readServerFlight } from "../../lib/faketls/server_flight.ts";
import { flightAtMost, writeServerFlight } from "../../lib/faketls/server_hello.ts";
import { record } from "../faketls/records.ts";
import { concat } from "../support/byte_reader.ts";
import { bytes, runs, sizes } from "./arbitraries.ts";

const key = new Uint8Array(16).fill(7);

Deno.test("readServerFlight() makes something of any bytes, and never takes them for verified", () => {
  const records = fc.array(
    fc.oneof(
      bytes(0, 100),
      fc.tuple(fc.integer({ min: 0x13, max: 0x18 }), bytes(0, 100)).map(([type, payload]) => record(type, payload)),
      bytes(0, 100).map((rest) => record(0x16, concat(Uint8Array.of(2), rest))),
      fc.constant(record(0x14, Uint8Array.of(1))),
    ),
    { maxLength: 4 },
  ).map((parts) => concat(...parts));
  fc.assert(
    fc.property(records, bytes(32, 32), fc.nat(9), (received, clientRandom, offset) => {
      const memory = concat(new Uint8Array(offset), received);
      assert(readServerFlight(memory.subarray(offset), { key, clientRandom }).kind !== "verified");
    }),
    { numRuns: 10 * runs },
  );
});

Deno.test("readServerFlight() verifies every flight of ours, also with more behind it, and no part of one", () => {
  const property = fc.record({
    clientRandom: bytes(32, 32),
    sessionId: bytes(0, 32),
    certificateSize: sizes(10_239, [2_500, 4_700]).map((size) => size + 1),
    more: bytes(0, 20),
  });
  fc.assert(
    fc.property(property, ({ clientRandom, sessionId, certificateSize, more }) => {
      const hello = { random: clientRandom, sessionId, cipherSuites: new Uint8Array(0) };
      const parts = { key, hello, random: systemRandom, certificateSize };
      const flight = writeServerFlight(new Uint8Array(flightAtMost), parts);
      const read = readServerFlight(concat(flight, more), { key, clientRandom });
      assertEquals(read, {
        kind: "verified",
        sizes: [90 + sessionId.length, 1, certificateSize],
        consumed: flight.length,
      });
      for (let end = 0; end < flight.length; end += 97) {
        assertEquals(readServerFlight(flight.subarray(0, end), { key, clientRandom }).kind, "incomplete");
      }
      assert(flight.length <= ownFlightAtMost);
    }),
    { numRuns: runs },
  );
});
