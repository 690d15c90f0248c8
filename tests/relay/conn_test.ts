import { assertEquals, assertRejects } from "@std/assert";
import { ConnectionOver, writeAll } from "../../lib/relay/conn.ts";
import { patterned } from "../crypto/oracle.ts";
import { ByteReader } from "../support/byte_reader.ts";
import { settle } from "../support/fake_clock.ts";
import { memoryPipe, PipeError } from "../support/memory_pipe.ts";

Deno.test("writeAll() sends everything, however little each write takes", async () => {
  for (const [bufferSize, writeAtMost] of [[10_000, 1], [3, 100], [7, 5], [10_000, 10_000]] as const) {
    const [near, far] = memoryPipe({ bufferSize, writeAtMost });
    const data = patterned(1_000, bufferSize);
    const sending = writeAll(near, data).then(() => near.closeWrite());
    assertEquals(await new ByteReader((into) => far.read(into), 100).all(), data);
    await sending;
  }
});

Deno.test("writeAll() waits until the last byte is taken", async () => {
  const [near, far] = memoryPipe({ bufferSize: 4 });
  let done = false;
  const sending = writeAll(near, patterned(6, 1)).then(() => done = true);
  await settle();
  assertEquals(done, false);
  await far.read(new Uint8Array(4));
  await sending;
});

Deno.test("writeAll() of nothing makes one write of nothing", async () => {
  const [near, far] = memoryPipe();
  await writeAll(near, new Uint8Array(0));
  assertEquals([near.deeds, far.unreadBytes], [["write 0"], 0]);
});

Deno.test("writeAll() rejects with ConnectionOver when the connection ends before or meanwhile", async () => {
  const [near, far] = memoryPipe({ bufferSize: 4 });
  const sending = writeAll(near, patterned(10, 1));
  await settle();
  far.reset();
  for (const attempt of [() => sending, () => writeAll(near, patterned(1, 1))]) {
    const error = await assertRejects(attempt, ConnectionOver);
    assertEquals((error.cause as PipeError).name, "ConnectionReset");
  }
});
