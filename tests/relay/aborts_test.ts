import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { disposedBy, orAbort, TimedOut, within } from "../../lib/relay/aborts.ts";
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
  const done = within({ clock, ms: 100, parent: parent.signal }, (signal) => {
    given = signal;
    return Promise.resolve(signal.aborted);
  });
  assertEquals([await done, given?.aborted, clock.pendingMs], [false, true, []]);
});

Deno.test("within() rejects when time is over, and when its parent aborts, and says so to the work", async () => {
  const clock = new FakeClock();
  const parent = new AbortController();
  const limits = { clock, ms: 100, parent: parent.signal };
  const reasons: unknown[] = [];
  const work = (signal: AbortSignal) => {
    signal.addEventListener("abort", () => reasons.push(signal.reason.message));
    return never();
  };
  const late = assertRejects(() => within(limits, work), TimedOut, "no answer within 0.1 s");
  await clock.advance(100);
  await late;
  const aborted = assertRejects(() => within(limits, work));
  parent.abort(reason);
  assertStrictEquals(await aborted, reason);
  assertEquals([reasons, clock.pendingMs], [["no answer within 0.1 s", "the client is gone"], []]);
  const begun: string[] = [];
  const another = () => within(limits, () => Promise.resolve(begun.push("work")));
  assertStrictEquals(await assertRejects(another), reason);
  assertEquals(begun, []);
});

Deno.test("within() says what it is told to where that is more than that nothing came", async () => {
  const clock = new FakeClock();
  const late = assertRejects(() => within({ clock, ms: 100, late: () => reason }, never));
  await clock.advance(100);
  assertStrictEquals(await late, reason);
});

Deno.test("within() passes on what work throws, and leaves no timer", async () => {
  const clock = new FakeClock();
  const failing = () => Promise.reject(new TypeError("wrong"));
  await assertRejects(() => within({ clock, ms: 10 }, failing), TypeError, "wrong");
  assertEquals(clock.pendingMs, []);
});

Deno.test("disposedBy() disposes on an abort, also one that was before, but not once it has let go", () => {
  let disposed = 0;
  const thing = { [Symbol.dispose]: () => void disposed++ };
  const controller = new AbortController();
  disposedBy(controller.signal, thing)[Symbol.dispose]();
  using _kept = disposedBy(controller.signal, thing);
  assertEquals(disposed, 0);
  controller.abort(reason);
  assertEquals(disposed, 1);
  using _late = disposedBy(controller.signal, thing);
  assertEquals(disposed, 2);
});
