import { assert, assertEquals } from "@std/assert";
import { mixedTransfer } from "../../scripts/bench/mixed.ts";

Deno.test("mixedTransfer() gives all sizes in both directions, the same each time", () => {
  const all = Array.from({ length: 1000 }, (_, index) => mixedTransfer(index));
  assertEquals(all, Array.from({ length: 1000 }, (_, index) => mixedTransfer(index)));
  for (const direction of ["down", "up"] as const) {
    const sizes = all.filter((transfer) => transfer.direction === direction).map(({ bytes }) => bytes);
    assertEquals(sizes.length, 500);
    for (const [least, most] of [[100_000, 900_000], [900_000, 8_000_000]] as const) {
      const between = sizes.filter((bytes) => bytes >= least && bytes <= most).length;
      assert(between > 225 && between < 275, `${between} of ${least} to ${most}`);
    }
  }
});
