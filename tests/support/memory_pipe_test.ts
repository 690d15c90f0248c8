import { assertEquals, assertRejects } from "@std/assert";
import { FakeClock, settle } from "./fake_clock.ts";
import { type MemoryConn, memoryPipe, PipeError } from "./memory_pipe.ts";

async function readSome(conn: MemoryConn, room = 100): Promise<string | null> {
  const into = new Uint8Array(room);
  const count = await conn.read(into);
  return count === null ? null : new TextDecoder().decode(into.subarray(0, count));
}

function send(conn: MemoryConn, text: string): Promise<number> {
  return conn.write(new TextEncoder().encode(text));
}

Deno.test("memoryPipe() carries bytes both ways without borders between writes", async () => {
  const [near, far] = memoryPipe();
  await send(near, "ab");
  await send(near, "cd");
  assertEquals([far.unreadBytes, await readSome(far, 3), await readSome(far, 3)], [4, "abc", "d"]);
  await send(far, "back");
  assertEquals(await readSome(near), "back");
  assertEquals([near.remote, near.local], [far.local, far.remote]);
});

Deno.test("memoryPipe() half-closes each way by itself, after all that was written", async () => {
  const [near, far] = memoryPipe();
  await send(near, "last");
  await near.closeWrite();
  assertEquals([await readSome(far), await readSome(far), await readSome(far)], ["last", null, null]);
  await send(far, "still");
  assertEquals(await readSome(near), "still");
  await assertRejects(() => send(near, "more"), PipeError, "AfterEnd");
});

Deno.test("memoryPipe() makes writers wait while its buffer is full", async () => {
  const [near, far] = memoryPipe({ bufferSize: 4 });
  assertEquals(await send(near, "abcdef"), 4);
  const second = send(near, "ef");
  await settle();
  assertEquals(near.isWriting, true);
  assertEquals(await readSome(far, 1), "a");
  assertEquals(await second, 1);
  assertEquals(await readSome(far), "bcde");
});

Deno.test("memoryPipe() reads and writes no more at once than it may", async () => {
  const [near, far] = memoryPipe({ readAtMost: 2, writeAtMost: 3 });
  assertEquals(await send(near, "abcdef"), 3);
  assertEquals([await readSome(far), await readSome(far)], ["ab", "c"]);
});

Deno.test("memoryPipe() delivers bytes and the end only after its latency", async () => {
  const clock = new FakeClock();
  const [near, far] = memoryPipe({ latency: { clock, ms: 40 } });
  await send(near, "slow");
  await near.closeWrite();
  await clock.advance(39);
  assertEquals(far.unreadBytes, 0);
  await clock.advance(1);
  assertEquals([await readSome(far), await readSome(far)], ["slow", null]);
});

Deno.test("disposing an end of memoryPipe() ends the other one and interrupts its own calls", async () => {
  const [near, far] = memoryPipe();
  await send(near, "tail");
  const own = assertRejects(() => readSome(near), PipeError, "Interrupted");
  near[Symbol.dispose]();
  near[Symbol.dispose]();
  await own;
  assertEquals([await readSome(far), await readSome(far)], ["tail", null]);
  await assertRejects(() => send(far, "x"), PipeError, "BrokenPipe");
  await assertRejects(() => send(near, "x"), PipeError, "Interrupted");
  await assertRejects(() => near.closeWrite(), PipeError, "Interrupted");
  assertEquals(near.deeds, ["write 4", "dispose"]);
});

Deno.test("MemoryConn.reset() fails the calls of both ends, and drops what was not read", async () => {
  const [near, far] = memoryPipe({ bufferSize: 1 });
  await send(far, "x");
  await send(near, "y");
  const calls = [
    assertRejects(() => send(far, "z"), PipeError, "ConnectionReset"),
    assertRejects(() => send(near, "z"), PipeError, "Interrupted"),
  ];
  near.reset();
  await Promise.all(calls);
  await assertRejects(() => readSome(far), PipeError, "ConnectionReset");
  await assertRejects(() => readSome(near), PipeError, "Interrupted");
  assertEquals([near.isClosed, far.isClosed], [true, false]);
});

Deno.test("MemoryConn refuses two reads or two writes at once", async () => {
  const [near] = memoryPipe({ bufferSize: 1 });
  const pending = [readSome(near), send(near, "a").then(() => send(near, "b"))].map((call) => call.catch(() => {}));
  await settle();
  await assertRejects(() => readSome(near), PipeError, "Busy");
  await assertRejects(() => send(near, "c"), PipeError, "Busy");
  near[Symbol.dispose]();
  await Promise.all(pending);
});
