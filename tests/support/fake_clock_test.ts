import { assertEquals, assertRejects } from "@std/assert";
import { FakeClock, settle } from "./fake_clock.ts";

Deno.test("FakeClock stands still until it is told to move", async () => {
  const clock = new FakeClock(5_000);
  let woken = false;
  clock.sleep(100).then(() => woken = true);
  await settle();
  assertEquals([clock.nowMs(), woken, clock.pendingMs], [5_000, false, [100]]);
  await clock.advance(99);
  assertEquals([clock.nowMs(), woken, clock.pendingMs], [5_099, false, [1]]);
  await clock.advance(1);
  assertEquals([clock.nowMs(), woken, clock.pendingMs], [5_100, true, []]);
});

Deno.test("FakeClock wakes in order, each at its own time, those that begin meanwhile too", async () => {
  const clock = new FakeClock(0);
  const woken: string[] = [];
  const sleep = async (name: string, ...pausesMs: number[]) => {
    for (const ms of pausesMs) {
      await clock.sleep(ms);
      woken.push(`${name} ${clock.nowMs()}`);
    }
  };
  sleep("a", 30, 30);
  sleep("b", 10, 50);
  sleep("c", 10, 1_000);
  await clock.advance(60);
  assertEquals(woken, ["b 10", "c 10", "a 30", "b 60", "a 60"]);
  assertEquals(clock.pendingMs, [950]);
});

Deno.test("FakeClock.sleep() rejects with the reason of an abort, and is pending no more", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const reason = new Error("enough");
  const sleeping = assertRejects(() => clock.sleep(10, controller.signal), Error, "enough");
  const other = clock.sleep(20);
  controller.abort(reason);
  await sleeping;
  assertEquals(clock.pendingMs, [20]);
  await assertRejects(() => clock.sleep(10, controller.signal), Error, "enough");
  await clock.advance(20);
  await other;
});
