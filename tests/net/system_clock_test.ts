import { assert, assertRejects, assertStrictEquals } from "@std/assert";
import { systemClock } from "../../lib/net/system_clock.ts";

Deno.test("systemClock tells the time of this machine", () => {
  const before = Date.now();
  const nowMs = systemClock.nowMs();
  assert(before <= nowMs && nowMs <= Date.now());
});

Deno.test("systemClock.sleep() takes its time, and no listener is left on the signal", async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const counting = new Proxy(signal, {
    get(target, property) {
      if (property === "addEventListener") listeners++;
      if (property === "removeEventListener") listeners--;
      const value = Reflect.get(target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const start = performance.now();
  await systemClock.sleep(30, counting);
  assert(performance.now() - start >= 25);
  assert(listeners === 0);
});

Deno.test("systemClock.sleep() rejects with the reason of an abort, at once, and leaves no timer", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  const sleeping = systemClock.sleep(60_000, controller.signal);
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => sleeping), reason);
  assertStrictEquals(await assertRejects(() => systemClock.sleep(60_000, controller.signal)), reason);
  // The sanitizer of operations fails this test if a timer is left.
});

Deno.test("systemClock.elapsedMs() moves on whatever the time of day is set to", async () => {
  const original = Date.now;
  const start = systemClock.elapsedMs();
  Date.now = () => 0;
  try {
    await systemClock.sleep(10);
    const passed = systemClock.elapsedMs() - start;
    assert(passed >= 5 && passed < 60_000, `${passed} ms`);
  } finally {
    Date.now = original;
  }
});
