import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { askHttpDate, readHttpDate } from "../../lib/probe/http_date.ts";
import { memoryPipe } from "../support/memory_pipe.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const timeMs = Date.UTC(2026, 1, 28, 23, 59, 58);
const date = "Sat, 28 Feb 2026 23:59:58 GMT";
const answer = (...lines: readonly string[]) => bytes([...lines, "", ""].join("\r\n"));

const table: readonly (readonly [string, Uint8Array, number | undefined])[] = [
  ["a Date", answer("HTTP/1.1 200 OK", "Server: x", `Date: ${date}`), timeMs],
  ["a Date without its line's end", bytes(`HTTP/1.1 200 OK\r\nDate: ${date}`), undefined],
  ["a Date before the rest has come", bytes(`HTTP/1.1 200 OK\r\nDate: ${date}\r\nSer`), timeMs],
  ["a Date in an error", answer("HTTP/1.0 404 Not Found", `date:${date}  `), timeMs],
  ["a Date in capitals", answer("HTTP/1.1 301 Moved", `DATE:\t${date}`), timeMs],
  ["another header", answer("HTTP/1.1 200 OK", `Last-Modified: ${date}`, `X-Date: ${date}`), undefined],
  ["a Date in the body", bytes(`HTTP/1.1 200 OK\r\n\r\nDate: ${date}\r\n`), undefined],
  ["no HTTP", answer("SSH-2.0", `Date: ${date}`), undefined],
  ["another form of date", answer("HTTP/1.1 200 OK", "Date: Saturday, 28-Feb-26 23:59:58 GMT"), undefined],
  ["a month that is none", answer("HTTP/1.1 200 OK", "Date: Sat, 28 Fxb 2026 23:59:58 GMT"), undefined],
  ["nothing", bytes(""), undefined],
];

for (const [name, received, expected] of table) {
  Deno.test(`readHttpDate() reads ${name}`, () => assertEquals(readHttpDate(received), expected));
}

Deno.test("askHttpDate() asks for a head, and closes", async () => {
  const [client, server] = memoryPipe({ readAtMost: 7 });
  const asking = askHttpDate(client, "front.test", new AbortController().signal);
  const request = new Uint8Array(200);
  let size = 0;
  while (!new TextDecoder().decode(request).includes("\r\n\r\n")) size += (await server.read(request.subarray(size)))!;
  assertEquals(
    new TextDecoder().decode(request.subarray(0, size)),
    "HEAD / HTTP/1.1\r\nHost: front.test\r\nAccept: */*\r\nConnection: close\r\n\r\n",
  );
  await server.write(answer("HTTP/1.1 200 OK", `Date: ${date}`));
  assertEquals(await asking, timeMs);
  assertEquals(client.isClosed, true);
});

Deno.test("askHttpDate() gives up at the end, and at a head that does not end", async () => {
  for (const text of ["HTTP/1.1 200 OK\r\n\r\n", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}`]) {
    const [client, server] = memoryPipe();
    const asking = assertRejects(
      () => askHttpDate(client, "front.test", new AbortController().signal),
      Error,
      "front.test does not tell the time",
    );
    await server.write(bytes(text));
    await server.closeWrite();
    await asking;
    assertEquals(client.isClosed, true);
  }
});

Deno.test("askHttpDate() ends with its signal", async () => {
  const [client] = memoryPipe();
  const aborting = new AbortController();
  const asking = assertRejects(() => askHttpDate(client, "front.test", aborting.signal));
  aborting.abort(new Error("too late"));
  await asking;
  assertEquals(client.isClosed, true);
  const reason = new Error("before");
  const [other] = memoryPipe();
  assertStrictEquals(await assertRejects(() => askHttpDate(other, "front.test", AbortSignal.abort(reason))), reason);
  assertEquals(other.deeds, ["dispose"]);
});
