import { assertEquals } from "@std/assert";
import { ClockWatch } from "../../lib/policy/clock_watch.ts";

const hourMs = 3_600_000;
const minuteMs = 60_000;

/** Clients whose addresses begin at `first`, a second apart. Gives what was said of each. */
function come(watch: ClockWatch, { count = 5, first = 0, offsetMs = hourMs, atMs = 0, apartMs = 0 }) {
  return Array.from(
    { length: count },
    (_, index) => watch.off(`192.0.2.${first + index}`, offsetMs + index * apartMs, atMs + index * 1_000),
  );
}

const silence = (count: number) => Array.from({ length: count }, () => undefined);

Deno.test("ClockWatch suspects this machine at the fifth client that is off by the same", () => {
  for (const offsetMs of [hourMs, -hourMs, 50 * 365 * 24 * hourMs]) {
    const told = come(new ClockWatch(), { offsetMs });
    assertEquals(told, [...silence(4), { offsetSeconds: offsetMs / 1_000, clients: 5 }]);
  }
});

Deno.test("ClockWatch takes clients within a minute of each other for the same, and tells the middle", () => {
  assertEquals(come(new ClockWatch(), { apartMs: 15_000 }).at(-1), { offsetSeconds: 3_630, clients: 5 });
  assertEquals(come(new ClockWatch(), { apartMs: 15_001 }), silence(5));
});

Deno.test("ClockWatch counts addresses, not connections", () => {
  const watch = new ClockWatch();
  for (let atMs = 0; atMs < 100_000; atMs += 1_000) {
    assertEquals(watch.off(`192.0.2.${(atMs / 1_000) % 4}`, hourMs, atMs), undefined);
  }
});

Deno.test("ClockWatch leaves clients alone that are off each by another time", () => {
  assertEquals(come(new ClockWatch(), { count: 50, apartMs: 61_000 }), silence(50));
});

Deno.test("ClockWatch forgets clients after ten minutes", () => {
  const watch = new ClockWatch();
  come(watch, { count: 4 });
  assertEquals(come(watch, { count: 1, first: 9, atMs: 10 * minuteMs + 1 }), silence(1));
  const again = new ClockWatch();
  come(again, { count: 4 });
  assertEquals(come(again, { count: 1, first: 9, atMs: 10 * minuteMs })[0]?.clients, 5);
});

Deno.test("ClockWatch believes clients that are right: one outweighs four, two outweigh nine", () => {
  const one = new ClockWatch();
  one.right();
  assertEquals(come(one, {})[4]?.clients, 5);
  const two = new ClockWatch();
  two.right();
  two.right();
  assertEquals(come(two, { count: 9 }), silence(9));
  assertEquals(come(two, { count: 1, first: 9, atMs: 9_000 })[0]?.clients, 10);
});

Deno.test("ClockWatch forgets those that were right after ten minutes to twenty", () => {
  for (const [atMs, clients] of [[0, undefined], [10 * minuteMs, undefined], [20 * minuteMs, 5]] as const) {
    const watch = new ClockWatch();
    for (let i = 0; i < 100; i++) watch.right();
    assertEquals(come(watch, { atMs })[4]?.clients, clients);
  }
  const watch = new ClockWatch();
  for (let i = 0; i < 100; i++) watch.right();
  assertEquals(come(watch, { atMs: 10 * minuteMs }), silence(5));
  assertEquals(come(watch, { atMs: 20 * minuteMs }).at(0)?.clients, 1 + 4);
});

Deno.test("ClockWatch says it once an hour", () => {
  const watch = new ClockWatch();
  assertEquals(come(watch, {})[4]?.clients, 5);
  for (const atMs of [5_000, 30 * minuteMs, hourMs - 1_000]) assertEquals(come(watch, { atMs }), silence(5));
  assertEquals(come(watch, { atMs: hourMs + 4_000 })[0]?.clients, 5);
});

Deno.test("ClockWatch remembers 64 clients, and those seen last", () => {
  const watch = new ClockWatch();
  // What is told of the first five holds back what would be told of the many.
  come(watch, {});
  come(watch, { count: 200, first: 5, atMs: hourMs - 5 * minuteMs });
  assertEquals(watch.off("192.0.2.250", hourMs, hourMs + 100_000)?.clients, 64);
});
