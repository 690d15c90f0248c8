import { assert, assertEquals, assertThrows } from "@std/assert";
import { CircuitBreaker } from "../../lib/policy/circuit_breaker.ts";
import { FakeClock } from "../support/fake_clock.ts";

const options = { openThreshold: 3, halfOpenTimeoutMs: 60_000, resetFailuresTimeoutMs: 10_000 };

function start(changes: Partial<typeof options> = {}): { breaker: CircuitBreaker; clock: FakeClock } {
  const clock = new FakeClock();
  return { breaker: new CircuitBreaker({ ...options, ...changes }, clock), clock };
}

/** Whether each of so many failures has opened the breaker. */
function fail(breaker: CircuitBreaker, count: number): boolean[] {
  return Array.from({ length: count }, () => breaker.pass().failed());
}

Deno.test("CircuitBreaker opens with the last of so many failures in a row, and says so once", () => {
  const { breaker } = start();
  assertEquals([breaker.dueMs, breaker.isReady], [undefined, true]);
  const late = breaker.tryPass();
  assertEquals(fail(breaker, 3), [false, false, true]);
  assertEquals([breaker.dueMs, breaker.isReady, breaker.tryPass()], [60_000, false, undefined]);
  assertEquals(late?.failed(), false);
  assertEquals(breaker.dueMs, 60_000, "who began before it opened does not prolong it");
});

Deno.test("CircuitBreaker with a threshold of 1 opens with the first failure", () => {
  assertEquals(fail(start({ openThreshold: 1 }).breaker, 1), [true]);
});

Deno.test("CircuitBreaker forgets failures with a success", () => {
  const { breaker } = start();
  fail(breaker, 2);
  assertEquals(breaker.pass().succeeded(), false, "it was not open");
  assertEquals(fail(breaker, 3), [false, false, true]);
});

Deno.test("CircuitBreaker does not count failures that are older than the reset timeout", async () => {
  const { breaker, clock } = start();
  fail(breaker, 1);
  await clock.advance(5_000);
  fail(breaker, 1);
  await clock.advance(5_001);
  assertEquals(fail(breaker, 1), [false], "the first one is too old");
  await clock.advance(4_999);
  assertEquals(fail(breaker, 1), [true], "the second one is just young enough");
});

Deno.test("CircuitBreaker lets one at a time try when its time is over, and closes when that succeeds", async () => {
  const { breaker, clock } = start();
  fail(breaker, 3);
  await clock.advance(59_999);
  assertEquals(breaker.tryPass(), undefined);
  await clock.advance(1);
  assertEquals(breaker.isReady, true, "nobody has tried yet");
  const trial = breaker.tryPass();
  assertEquals([breaker.isReady, breaker.tryPass()], [false, undefined]);
  assertEquals(trial?.succeeded(), true);
  assertEquals([breaker.dueMs, breaker.isReady], [undefined, true]);
  assertEquals(fail(breaker, 3), [false, false, true], "and counts from nothing");
});

Deno.test("CircuitBreaker stays open for as long again when the trial fails", async () => {
  const { breaker, clock } = start();
  fail(breaker, 3);
  await clock.advance(70_000);
  assertEquals(breaker.tryPass()?.failed(), false, "it was open already");
  assertEquals([breaker.dueMs, breaker.tryPass()], [130_000, undefined]);
  await clock.advance(60_000);
  assertEquals(breaker.tryPass()?.succeeded(), true);
});

Deno.test("CircuitBreaker gets a trial back that is given up, and nothing has happened", async () => {
  const { breaker, clock } = start();
  fail(breaker, 2);
  {
    using _ = breaker.pass();
  }
  assertEquals(fail(breaker, 1), [true], "one that was given up is no success");
  await clock.advance(60_000);
  {
    using trial = breaker.tryPass();
    assert(trial !== undefined && !breaker.isReady);
  }
  assertEquals([breaker.isReady, breaker.dueMs], [true, 60_000]);
});

Deno.test("CircuitBreaker takes the first word of a permit only", () => {
  const { breaker } = start({ openThreshold: 2 });
  const permit = breaker.pass();
  assertEquals([permit.failed(), permit.failed(), permit.succeeded()], [false, false, false]);
  permit[Symbol.dispose]();
  assertEquals(fail(breaker, 1), [true]);
});

Deno.test("CircuitBreaker lets those pass who have nothing else: their success closes it, their failure prolongs it", async () => {
  const { breaker, clock } = start();
  fail(breaker, 3);
  await clock.advance(1_000);
  assertEquals(breaker.pass().failed(), false);
  assertEquals(breaker.dueMs, 61_000);
  const [first, second] = [breaker.pass(), breaker.pass()];
  await clock.advance(60_000);
  assertEquals(breaker.isReady, false, "the first of them is the trial");
  second[Symbol.dispose]();
  assertEquals(breaker.isReady, false);
  assertEquals(first.succeeded(), true);
  assertEquals(breaker.dueMs, undefined);
});

Deno.test("CircuitBreaker closes for one that began before it opened, and succeeds at last", () => {
  const { breaker } = start();
  const slow = breaker.pass();
  fail(breaker, 3);
  assertEquals([slow.succeeded(), breaker.dueMs], [true, undefined]);
});

Deno.test("CircuitBreaker does not care when the clock of the machine is set", async () => {
  const { breaker, clock } = start();
  fail(breaker, 3);
  clock.set(clock.nowMs() + 3_600_000);
  assertEquals(breaker.isReady, false);
  clock.set(clock.nowMs() - 7_200_000);
  await clock.advance(60_000);
  assertEquals(breaker.isReady, true);
});

for (const name of ["openThreshold", "halfOpenTimeoutMs", "resetFailuresTimeoutMs"] as const) {
  Deno.test(`CircuitBreaker throws for a ${name} that is not positive`, () => {
    for (const value of [0, -1, NaN]) assertThrows(() => start({ [name]: value }), RangeError, name);
  });
}
