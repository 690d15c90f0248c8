import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { orAbort, within } from "../../lib/relay/aborts.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const reason = new Error("the client is gone");
const never = () => new Promise<never>(() => {});

Deno.test("orAbort() settles as its promise does, or rejects at once with the reason of an abort", async () => {
  const controller = new AbortController();
  assertEquals(await orAbort(Promise.resolve(5), controller.signal), 5);
  assertStrictEquals(await assertRejects(() => orAbort(Promise.reject(reason), controller.signal)), reason);
  const waiting = assertRejects(() => orAbort(never(), controller.signal));
  controller.abort(reason);
  assertStrictEquals(await waiting, reason);
  assertStrictEquals(await assertRejects(() => orAbort(never(), controller.signal)), reason);
  // What fails later is nobody's business any more; unheard it would end this test.
  const late = Promise.withResolvers<never>();
  assertStrictEquals(await assertRejects(() => orAbort(late.promise, controller.signal)), reason);
  late.reject(new Error("too late"));
  await settle();
});

Deno.test("within() gives what is done in time, and leaves neither a timer nor an open signal behind", async () => {
  const clock = new FakeClock();
  const parent = new AbortController();
  let given: AbortSignal | undefined;
  const done = within({ clock, ms: 100, parent: parent.signal, late: "too late" }, (signal) => {
    given = signal;
    return Promise.resolve(signal.aborted);
  });
  assertEquals([await done, given?.aborted, clock.pendingMs], [false, true, []]);
});

Deno.test("within() rejects when time is over, and when its parent aborts, and says so to the work", async () => {
  const clock = new FakeClock();
  const parent = new AbortController();
  const limits = { clock, ms: 100, parent: parent.signal, late: "too late" };
  const reasons: unknown[] = [];
  const work = (signal: AbortSignal) => {
    signal.addEventListener("abort", () => reasons.push(signal.reason.message));
    return never();
  };
  const late = assertRejects(() => within(limits, work), Error, "too late");
  await clock.advance(100);
  await late;
  const aborted = assertRejects(() => within(limits, work));
  parent.abort(reason);
  assertStrictEquals(await aborted, reason);
  assertEquals([reasons, clock.pendingMs], [["too late", "the client is gone"], []]);
  const begun: string[] = [];
  const another = () => within(limits, () => Promise.resolve(begun.push("work")));
  assertStrictEquals(await assertRejects(another), reason);
  assertEquals(begun, []);
});
