import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type HttpProgress, HttpResponseDecoder } from "../../lib/wire/http_response.ts";
import { cutAt } from "../faketls/records.ts";
import { concat } from "../support/byte_reader.ts";
import { bytes, cuts, runs } from "./arbitraries.ts";

const maxBytes = 1000;
const encoder = new TextEncoder();

function decode(pieces: readonly Uint8Array[]): HttpProgress {
  const decoder = new HttpResponseDecoder({ maxBytes });
  for (const piece of pieces) decoder.push(piece);
  return decoder.end();
}

const frame: fc.Arbitrary<(body: readonly Uint8Array[]) => Uint8Array> = fc.constantFrom(
  (body) => concat(encoder.encode(`content-length: ${concat(...body).length}\r\n\r\n`), ...body),
  (body) => concat(encoder.encode("\r\n"), ...body),
  (body) => {
    const chunks = body.filter((part) => part.length > 0).map((part) =>
      concat(encoder.encode(`${part.length.toString(16)}\r\n`), part, encoder.encode("\r\n"))
    );
    return concat(encoder.encode("transfer-encoding: chunked\r\n\r\n"), ...chunks, encoder.encode("0\r\n\r\n"));
  },
);

Deno.test("HttpResponseDecoder finds the body of any answer, however it is framed and cut", () => {
  const property = fc.tuple(fc.array(bytes(0, 60), { maxLength: 12 }), frame, fc.integer({ min: 200, max: 599 }))
    .filter(([, , status]) => status !== 204 && status !== 304)
    .chain(([body, framed, status]) => {
      const stream = concat(encoder.encode(`HTTP/1.1 ${status} x\r\nA: b\r\n`), framed(body));
      return fc.record({
        body: fc.constant(body),
        status: fc.constant(status),
        stream: fc.constant(stream),
        at: cuts(stream.length),
      });
    });
  fc.assert(
    fc.property(property, ({ body, status, stream, at }) => {
      const progress = decode(cutAt(stream, at));
      if (progress.kind !== "response") throw new Error(JSON.stringify(progress));
      assertEquals([progress.response.status, progress.response.headers.get("a")], [status, "b"]);
      assertEquals([...progress.response.body], [...concat(...body)]);
    }),
    { numRuns: runs },
  );
});

Deno.test("HttpResponseDecoder never throws, keeps to its bound, and says the same however garbage is cut", () => {
  const words = [
    "HTTP/1.1 ",
    "200",
    " OK",
    "\r\n",
    "\n",
    "Content-Length: ",
    "5",
    "Transfer-Encoding: chunked",
    "\r\n\r\n",
    ";",
    ":",
  ];
  const part = fc.oneof(bytes(0, 20), fc.constantFrom(...words).map((word) => encoder.encode(word)));
  const start = fc.constantFrom("", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  const streams = fc.tuple(start, fc.array(part, { maxLength: 30 })).map(([head, parts]) =>
    concat(encoder.encode(head), ...parts)
  );
  const property = streams.chain((stream) => fc.record({ stream: fc.constant(stream), at: cuts(stream.length) }));
  fc.assert(
    fc.property(property, ({ stream, at }) => {
      const whole = decode([stream]);
      assert(whole.kind !== "response" || whole.response.body.length <= maxBytes);
      assert(whole.kind !== "incomplete");
      assertEquals(decode(cutAt(stream, at)), whole);
    }),
    { numRuns: runs * 5 },
  );
});
