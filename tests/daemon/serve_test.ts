import { assertEquals } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import { workersFor } from "../../lib/daemon/serve.ts";

const tcp: Address = { kind: "tcp", host: "127.0.0.1", port: 1 };
const unix: Address = { kind: "unix", path: "/run/mtg.sock" };

/** `workers`; cores; system; `bind-to`; how many there are to be. */
const table: readonly (readonly [number | "auto", number, typeof Deno.build.os, readonly Address[], number])[] = [
  ["auto", 1, "linux", [tcp], 1],
  ["auto", 8, "linux", [tcp], 8],
  ["auto", 8, "linux", [tcp, unix], 8],
  ["auto", 8, "linux", [unix, unix], 1],
  [1, 8, "linux", [tcp], 1],
  [3, 2, "linux", [tcp], 3],
  [3, 2, "linux", [unix], 1],
  ["auto", 8, "darwin", [tcp], 1],
  [3, 8, "darwin", [tcp], 1],
  [3, 8, "windows", [tcp], 1],
];

for (const [workers, cores, os, bindTo, expected] of table) {
  const kinds = bindTo.map(({ kind }) => kind);
  Deno.test(`workersFor() does say ${expected} for ${workers} on ${cores} cores of ${os}, ${kinds}`, () => {
    assertEquals(workersFor({ workers, bindTo }, { cores, os }), expected);
  });
}
