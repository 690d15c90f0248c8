import { assertEquals } from "@std/assert";
import { eachOf, type Event } from "../../lib/events/event.ts";

Deno.test("eachOf() does tell all of them, in order", () => {
  const told: string[] = [];
  const sink = eachOf(...["a", "b"].map((name) => ({ emit: (event: Event) => told.push(`${name} ${event.type}`) })));
  sink.emit({ type: "replay-filter-full", capacity: 1 });
  sink.emit({ type: "fault", error: undefined });
  assertEquals(told, ["a replay-filter-full", "b replay-filter-full", "a fault", "b fault"]);
});
