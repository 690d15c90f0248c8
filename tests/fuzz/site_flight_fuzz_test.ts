import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeSiteFlight } from "../../lib/faketls/site_flight.ts";
import { record, serverHello, siteHelloRecord } from "../faketls/site_flights.ts";
import { concat } from "../support/byte_reader.ts";
import { bytes, cuts, runs } from "./arbitraries.ts";

const kinds = ["incomplete", "not-tls", "alert", "hello"];
const version = fc.constantFrom(undefined, 0x0304, 0x0303, 0x7f1c);
const group = fc.constantFrom(undefined, 0x11ec, 0x1d, 0x17, 0xffff);
const sizes = fc.array(fc.nat(3_000), { maxLength: 8 });

Deno.test("decodeSiteFlight() gives one of its four kinds for any bytes, also behind the beginning of a hello", () => {
  fc.assert(
    fc.property(bytes(0, 400), fc.nat(120), (garbage, kept) => {
      assert(kinds.includes(decodeSiteFlight(garbage).kind));
      const start = siteHelloRecord({ version: 0x0304, group: 0x11ec }).subarray(0, kept);
      assert(kinds.includes(decodeSiteFlight(concat(start, garbage)).kind));
    }),
    { numRuns: 5 * runs },
  );
});

Deno.test("decodeSiteFlight() reads any ServerHello however it is cut into records, and all that is behind it", () => {
  fc.assert(
    fc.property(version, group, fc.boolean(), sizes, cuts(80, 5), (version, group, isRetry, sizes, offsets) => {
      const message = serverHello({ version, group, isRetry });
      const bounds = [0, ...new Set(offsets.filter((at) => at > 0 && at < message.length)), message.length];
      const parts = bounds.slice(1).map((end, index) => record(0x16, message.subarray(bounds[index], end)));
      const flight = concat(...parts, ...sizes.map((size) => record(0x17, size)));
      assertEquals(decodeSiteFlight(flight), {
        kind: "hello",
        hello: { version: version ?? 0x0303, suite: 0x1301, group, isRetry },
        records: sizes.map((size) => ({ type: 0x17, size })),
      });
    }),
    { numRuns: runs },
  );
});

Deno.test("decodeSiteFlight() never takes back what it has told, as more comes", () => {
  fc.assert(
    fc.property(version, group, sizes, (version, group, sizes) => {
      const flight = concat(siteHelloRecord({ version, group }), ...sizes.map((size) => record(0x17, size)));
      let told = 0;
      for (let end = 0; end <= flight.length; end += 97) {
        const seen = decodeSiteFlight(flight.subarray(0, end));
        assert(seen.kind === "hello" || (seen.kind === "incomplete" && told === 0));
        if (seen.kind !== "hello") continue;
        assert(seen.records.length >= told);
        told = seen.records.length;
      }
    }),
    { numRuns: runs },
  );
});
