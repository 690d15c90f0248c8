import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { readHttpDate } from "../../lib/probe/http_date.ts";
import { concat } from "../support/byte_reader.ts";
import { bytes, runs } from "./arbitraries.ts";

const text = (words: string) => new TextEncoder().encode(words);

Deno.test("readHttpDate() makes something of any bytes", () => {
  const heads = fc.oneof(
    bytes(0, 300),
    fc.tuple(bytes(0, 80), bytes(0, 80)).map(([first, second]) =>
      concat(text("HTTP/1.1 "), first, text("\r\nDate: "), second, text(" GMT\r\n\r\n"))
    ),
  );
  fc.assert(
    fc.property(heads, (received) => {
      const timeMs = readHttpDate(received);
      assert(timeMs === undefined || Number.isInteger(timeMs));
    }),
    { numRuns: 10 * runs },
  );
});

Deno.test("readHttpDate() reads every date that servers write, once its line has come and not before", () => {
  const seconds = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) / 1_000 });
  fc.assert(
    fc.property(seconds, bytes(0, 30), (second, more) => {
      const line = text(`HTTP/1.1 200 OK\r\nDate: ${new Date(second * 1_000).toUTCString()}\r\n`);
      assertEquals(readHttpDate(concat(line, more)), second * 1_000);
      for (let end = 0; end < line.length - 1; end++) assertEquals(readHttpDate(line.subarray(0, end)), undefined);
    }),
    { numRuns: runs },
  );
});
