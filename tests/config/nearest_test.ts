import { assertEquals } from "@std/assert";
import { editDistance, nearest } from "../../lib/config/nearest.ts";

Deno.test("editDistance() does count single edits", () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ["", "", 0],
    ["abc", "abc", 0],
    ["", "abc", 3],
    ["abc", "", 3],
    ["kitten", "sitting", 3],
    ["bind_to", "bind-to", 1],
  ];
  for (const [from, to, distance] of cases) assertEquals(editDistance(from, to), distance, `${from} ${to}`);
});

Deno.test("nearest() does find the whole name, or its last part under another table", () => {
  const names = ["bind-to", "debug", "network", "network.timeout.tcp", "network.timeout.idle", "concurrency"];
  assertEquals(nearest("bind_to", names), "bind-to");
  assertEquals(nearest("bindTo", names), "bind-to");
  assertEquals(nearest("DEBUG", names), "debug");
  assertEquals(nearest("network.tcp", names), "network.timeout.tcp");
  assertEquals(nearest("network.timeout.idel", names), "network.timeout.idle");
  assertEquals(nearest("network.timeout.concurrency", names), "concurrency");
  assertEquals(nearest("anything", []), undefined);
});
