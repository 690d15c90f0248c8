import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { ReplayFilter } from "../../lib/policy/replay_filter.ts";
import { runs } from "./arbitraries.ts";

const lifetimeMs = 60_000;

const step = fc.record({
  key: fc.nat(40),
  // Mostly forward, by less than a lifetime, sometimes by many; now and then the clock is set back.
  passesMs: fc.oneof(
    { weight: 8, arbitrary: fc.nat(lifetimeMs / 2) },
    { weight: 3, arbitrary: fc.nat(3 * lifetimeMs) },
    { weight: 1, arbitrary: fc.integer({ min: -3 * lifetimeMs, max: -1 }) },
  ),
});

/** What a filter may answer, by a list of when each key was put in. */
class Model {
  /** By the time that has passed, not by what the clock says. */
  readonly #addedAtMs = new Map<number, number>();

  judge(key: number, elapsedMs: number): "seen" | "new" | "either" {
    const addedAtMs = this.#addedAtMs.get(key);
    if (addedAtMs === undefined) return "new";
    const ageMs = elapsedMs - addedAtMs;
    // A filter counts in whole seconds.
    return ageMs <= lifetimeMs - 1_000 ? "seen" : ageMs >= 2 * lifetimeMs + 1_000 ? "new" : "either";
  }

  add(key: number, elapsedMs: number): void {
    this.#addedAtMs.set(key, elapsedMs);
  }
}

function keyOf(number: number): Uint8Array {
  return createHash("sha256").update(`key ${number}`).digest();
}

Deno.test("ReplayFilter knows what came within its lifetime and has forgotten what came two before", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 0, max: 3_000_000_000 }),
      (steps, startSeconds) => {
        const memory = new SharedArrayBuffer(65_536);
        const filters = [0, 1].map(() => new ReplayFilter({ memory, errorRate: 1e-6, lifetimeMs }));
        const model = new Model();
        let nowMs = startSeconds * 1_000;
        let elapsedMs = 0;
        let wasSetBack = false;
        for (const [index, { key, passesMs }] of steps.entries()) {
          if (nowMs + passesMs < 0) continue;
          nowMs += passesMs;
          // By how much real time a clock was set back nobody can say: what it keeps longer than it must is right.
          elapsedMs += Math.max(0, passesMs);
          wasSetBack ||= passesMs < 0;
          const expected = model.judge(key, elapsedMs);
          const seen = filters[index % 2]!.testAndSet(keyOf(key), nowMs);
          if (expected === "seen") assert(seen, `key ${key} was forgotten`);
          if (expected === "new" && !wasSetBack) assert(!seen, `key ${key} was not forgotten`);
          if (!seen) model.add(key, elapsedMs);
        }
      },
    ),
    { numRuns: 5 * runs },
  );
});

Deno.test("ReplayFilter answers a second time what it was asked just before, at any time and fill", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_024, max: 8_192 }), fc.nat(3_000), fc.nat(2 ** 32), (size, fill, startSeconds) => {
      const filter = new ReplayFilter({ memory: new ArrayBuffer(size), errorRate: 0.01, lifetimeMs });
      const nowMs = startSeconds * 1_000;
      for (let i = 0; i < fill; i++) filter.testAndSet(keyOf(i % 100), nowMs);
      filter.testAndSet(keyOf(1_000), nowMs);
      assertEquals(filter.testAndSet(keyOf(1_000), nowMs + 1), true);
    }),
    { numRuns: 30 },
  );
});
