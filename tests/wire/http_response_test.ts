import { assertEquals } from "@std/assert";
import { HttpResponseDecoder } from "../../lib/wire/http_response.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What comes of these bytes, given in one piece, then byte by byte, which must be the same. */
function decode(text: string, { ends = false, maxBytes = 100 } = {}): unknown {
  const outcomes = [encoder.encode(text).length, 1].map((size) => {
    const bytes = encoder.encode(text);
    const response = new HttpResponseDecoder({ maxBytes });
    let progress = response.push(bytes.subarray(0, 0));
    for (let at = 0; at < bytes.length; at += size) progress = response.push(bytes.subarray(at, at + size));
    if (ends) progress = response.end();
    if (progress.kind === "bad") return progress.reason;
    if (progress.kind === "incomplete") return progress.kind;
    const { status, headers, body } = progress.response;
    return [status, Object.fromEntries(headers), decoder.decode(body)];
  });
  assertEquals(outcomes[1], outcomes[0], JSON.stringify(text));
  return outcomes[0];
}

const ok = "HTTP/1.1 200 OK\r\n";
const chunked = `${ok}Transfer-Encoding: Chunked\r\n\r\n`;

const good: readonly (readonly [string, string, unknown])[] = [
  ["a body with its length", `${ok}Content-Length: 3\r\n\r\nabc`, [200, { "content-length": "3" }, "abc"]],
  ["and nothing beyond it", `${ok}Content-Length: 3\r\n\r\nabcdef`, [200, { "content-length": "3" }, "abc"]],
  ["no body", `${ok}content-length:0\r\n\r\n`, [200, { "content-length": "0" }, ""]],
  ["a length that is repeated", `${ok}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`, [
    200,
    { "content-length": "1, 1" },
    "a",
  ]],
  ["chunks", `${chunked}3\r\nabc\r\n00A ;x="y"\r\n0123456789\r\n0\r\n\r\n`, [
    200,
    { "transfer-encoding": "Chunked" },
    "abc0123456789",
  ]],
  ["trailers", `${chunked}1\r\na\r\n0\r\nX: y\r\nZ: 1\r\n\r\n`, [200, { "transfer-encoding": "Chunked" }, "a"]],
  ["chunks where there is a length too", `${chunked.slice(0, -2)}Content-Length: 9\r\n\r\n0\r\n\r\n`, [
    200,
    { "transfer-encoding": "Chunked", "content-length": "9" },
    "",
  ]],
  [
    "answers before the answer",
    `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 \r\n\r\nHTTP/1.0 404\r\nContent-Length: 0\r\n\r\n`,
    [
      404,
      { "content-length": "0" },
      "",
    ],
  ],
  ["statuses without a body", "HTTP/1.1 204 No Content\r\n\r\n", [204, {}, ""]],
  ["line ends without CR, and spaces around values", "HTTP/1.1 304 x\nA: \t b c \nA:d\n\n", [304, { a: "b c, d" }, ""]],
];

for (const [what, text, expected] of good) {
  Deno.test(`HttpResponseDecoder does take ${what}`, () => {
    assertEquals(decode(text), expected);
    assertEquals(decode(text, { ends: true }), expected);
  });
}

Deno.test("HttpResponseDecoder does take all until the end where no length is told", () => {
  assertEquals(decode(`${ok}A: b\r\n\r\nabc`), "incomplete");
  assertEquals(decode(`${ok}A: b\r\n\r\nabc`, { ends: true }), [200, { a: "b" }, "abc"]);
});

Deno.test("HttpResponseDecoder does not take a part of an answer for a whole one, wherever it is cut", () => {
  for (const text of [`${ok}Content-Length: 3\r\n\r\nabc`, `${chunked}3\r\nabc\r\n0\r\nX: y\r\n\r\n`]) {
    for (let length = 0; length < text.length; length++) {
      assertEquals(decode(text.slice(0, length)), "incomplete");
      assertEquals(
        decode(text.slice(0, length), { ends: true }),
        "closed the connection before its answer was complete",
      );
    }
  }
});

const tooLarge = "answered with more than 100 bytes";
const bad: readonly (readonly [string, string])[] = [
  ["SSH-2.0-x\r\n", "did not answer in HTTP/1.1"],
  ["HTTP/2 200\r\n", "did not answer in HTTP/1.1"],
  ["HTTP/1.1 099 x\r\n", "did not answer in HTTP/1.1"],
  ["HTTP/1.1 2000\r\n", "did not answer in HTTP/1.1"],
  ["\r\n", "did not answer in HTTP/1.1"],
  [`${ok}no colon\r\n`, "answered with a header that is none"],
  [`${ok}a b: c\r\n`, "answered with a header that is none"],
  [`${ok}: c\r\n`, "answered with a header that is none"],
  [`${ok}Content-Length: -1\r\n\r\n`, "answered with a content-length that is none"],
  [`${ok}Content-Length: 1, 2\r\n\r\n`, "answered with a content-length that is none"],
  [`${ok}Content-Length:\r\n\r\n`, "answered with a content-length that is none"],
  [`${ok}Content-Length: 1e1\r\n\r\n`, "answered with a content-length that is none"],
  [`${ok}Content-Length: 101\r\n\r\n`, tooLarge],
  [`${ok}\r\n${"x".repeat(101)}`, tooLarge],
  [`${chunked}65\r\n`, tooLarge],
  [`${chunked}60\r\n${"x".repeat(96)}\r\n5\r\n`, tooLarge],
  [`${chunked}x\r\n`, "answered with a chunk without a length"],
  [`${chunked}\r\n`, "answered with a chunk without a length"],
  [`${chunked}000000001\r\n`, "answered with a chunk without a length"],
  [`${chunked}1\r\nab\r\n`, "answered with a chunk longer than it said"],
  [`${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`, "answered in a transfer encoding other than chunks"],
  [`${ok}Content-Encoding: gzip\r\n\r\n`, "answered with packed content, which it was not asked for"],
  [`${ok}${"A: b\r\n".repeat(6_000)}`, "answered with a header that has no end"],
  [`${ok}A: ${"b".repeat(40_000)}`, "answered with a header that has no end"],
  [`${chunked}1;${"b".repeat(40_000)}`, "answered with a header that has no end"],
];

for (const [text, reason] of bad) {
  Deno.test(`HttpResponseDecoder does refuse ${JSON.stringify(text.slice(0, 80))}`, () => {
    assertEquals(decode(text), reason);
    assertEquals(decode(text, { ends: true }), reason, "and stays with it");
  });
}

Deno.test("HttpResponseDecoder does bound each line before a chunk, not all of them together", () => {
  const count = 8_000;
  const text = `${chunked}${"1;x\r\na\r\n".repeat(count)}0\r\n\r\n`;
  assertEquals(decode(text, { maxBytes: count }), [200, { "transfer-encoding": "Chunked" }, "a".repeat(count)]);
});
