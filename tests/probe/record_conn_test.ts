import { assertEquals, assertRejects } from "@std/assert";
import { ProtocolError } from "../../lib/errors.ts";
import { RecordConn } from "../../lib/probe/record_conn.ts";
import { writeAll } from "../../lib/relay/conn.ts";
import { patterned } from "../crypto/oracle.ts";
import { applicationData, record } from "../faketls/records.ts";
import { concat } from "../support/byte_reader.ts";
import { memoryPipe } from "../support/memory_pipe.ts";

const none = new Uint8Array(0);

Deno.test("RecordConn sends a ChangeCipherSpec once, and records as clients do", async () => {
  const [client, server] = memoryPipe({ writeAtMost: 100 });
  const conn = new RecordConn(client, none);
  const data = patterned(6_000, 1);
  await writeAll(conn, data);
  const expected = concat(
    Uint8Array.of(0x14, 3, 3, 0, 1, 1),
    ...[[0, 2_878], [2_878, 5_756], [5_756, 6_000]].map(([from, to]) => applicationData(data.subarray(from, to))),
  );
  const received = new Uint8Array(expected.length);
  for (let at = 0; at < received.length;) at += (await server.read(received.subarray(at)))!;
  assertEquals(received, expected);
  assertEquals(server.unreadBytes, 0);
});

Deno.test("RecordConn reads what is inside of records, also what has come before, however it is cut", async () => {
  const data = patterned(3_000, 2);
  const stream = concat(
    applicationData(data.subarray(0, 10)),
    applicationData(none),
    record(0x14, Uint8Array.of(1)),
    applicationData(data.subarray(10)),
  );
  for (const early of [0, 3, 20, 1_000, stream.length]) {
    const [client, server] = memoryPipe({ readAtMost: 7 });
    const conn = new RecordConn(client, stream.slice(0, early));
    await writeAll(server, stream.subarray(early));
    await server.closeWrite();
    const read: Uint8Array[] = [];
    const into = new Uint8Array(11);
    for (let count = await conn.read(into); count !== null; count = await conn.read(into)) {
      read.push(into.slice(0, count));
    }
    assertEquals(concat(...read), data);
  }
});

Deno.test("RecordConn rejects what is no application data", async () => {
  const [client] = memoryPipe();
  const conn = new RecordConn(client, record(0x15, Uint8Array.of(2, 40)));
  await assertRejects(() => conn.read(new Uint8Array(10)), ProtocolError);
});

Deno.test("RecordConn is the connection below it in all else", async () => {
  const [client, server] = memoryPipe();
  using conn = new RecordConn(client, none);
  assertEquals([conn.local, conn.remote], [client.local, client.remote]);
  await conn.closeWrite();
  assertEquals(await server.read(new Uint8Array(1)), null);
  conn[Symbol.dispose]();
  assertEquals(client.isClosed, true);
});
