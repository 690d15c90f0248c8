import { assertEquals } from "@std/assert";
import type { Event as ProxyEvent } from "../../lib/events/event.ts";
import { outliveFaults } from "../../lib/thread/faults.ts";

Deno.test("outliveFaults() does turn a rejection and a throw that nobody catches into events, and no more once disposed", async () => {
  const events: ProxyEvent[] = [];
  const guard = outliveFaults({ emit: (event) => events.push(event) });
  const rejected = new Error("nobody waits for this");
  const thrown = new Error("nobody is above this");
  Promise.reject(rejected);
  queueMicrotask(() => {
    throw thrown;
  });
  await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals(new Set(events.map((event) => event.type === "fault" && event.error)), new Set([rejected, thrown]));
  guard[Symbol.dispose]();
  const late = new Event("unhandledrejection", { cancelable: true });
  assertEquals(globalThis.dispatchEvent(late), true);
  assertEquals(events.length, 2);
});
