import { assert, assertEquals, assertThrows } from "@std/assert";
import { equalConstantTime } from "../../lib/crypto/constant_time.ts";
import { patterned } from "./oracle.ts";

Deno.test("equalConstantTime() finds a difference in every bit", () => {
  const digest = patterned(28, 1);
  assert(equalConstantTime(digest, digest.slice()));
  for (let bit = 0; bit < digest.length * 8; bit++) {
    const at = Math.floor(bit / 8);
    assertEquals(equalConstantTime(digest, digest.with(at, digest[at]! ^ 1 << bit % 8)), false, `bit ${bit}`);
  }
});

Deno.test("equalConstantTime() compares views by their own bytes", () => {
  const memory = patterned(64, 2);
  memory.copyWithin(33, 1, 30);
  assert(equalConstantTime(memory.subarray(1, 29), memory.subarray(33, 61)));
  assertEquals(equalConstantTime(memory.subarray(1, 29), memory.subarray(34, 62)), false);
  assert(equalConstantTime(new Uint8Array(0), new Uint8Array(0)));
});

Deno.test("equalConstantTime() takes digests of different lengths for a fault of the caller, never for equal", () => {
  assertThrows(() => equalConstantTime(patterned(28, 3), patterned(27, 3)), TypeError);
  assertThrows(() => equalConstantTime(patterned(28, 3), new Uint8Array(0)), TypeError);
});
