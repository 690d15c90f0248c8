import type { Clock } from "../../lib/clock.ts";
import { systemClock } from "../../lib/net/system_clock.ts";

/** Time limits of tests, stretched where all takes longer: `TEST_PATIENCE=10` under an emulator. */
const factor = Number(Deno.env.get("TEST_PATIENCE") ?? 1);
if (!(factor >= 1)) {
  throw new Error("TEST_PATIENCE: expected a number from 1 up, by which limits of tests are multiplied");
}

/** A limit in milliseconds, as long as this machine needs it. */
export function patient(limitMs: number): number {
  return limitMs * factor;
}

/** How many clients come at once: fewer where each takes longer, so that the proxy's own time limits hold. */
export function crowd(count: number): number {
  return Math.ceil(count / factor);
}

/** This machine's, on which time passes so slowly that limits of the program itself are stretched as those of tests are. */
export const patientClock: Clock = {
  nowMs: () => systemClock.nowMs(),
  elapsedMs: () => systemClock.elapsedMs() / factor,
  sleep: (ms, signal) => systemClock.sleep(patient(ms), signal),
};
