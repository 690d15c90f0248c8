import { timingSafeEqual } from "@std/crypto/timing-safe-equal";

/** Whether two digests are equal, in a time that does not depend on where they differ. */
export function equalConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return timingSafeEqual(a, b);
}
