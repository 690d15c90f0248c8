import { assertEquals, assertRejects } from "@std/assert";
import { aheadOrBehind, askTime, corrections, isRight, type TimeSource } from "../../lib/probe/clock.ts";
import { judgeClock } from "../../lib/probe/clock_verdict.ts";
import { FakeClock } from "../support/fake_clock.ts";

const answers = (...aheadMs: readonly number[]) => aheadMs.map((each, index) => ({ from: `s${index}`, aheadMs: each }));
const hourMs = 3_600_000;

Deno.test("corrections() begins with what most agree on, and tries two at most", () => {
  for (
    const [given, expected] of [
      [[], []],
      [[500, -500], []],
      [[1_999], []],
      [[-2_000], [-2_000]],
      [[hourMs], [hourMs]],
      [[5 * hourMs, hourMs, hourMs + 3_000], [hourMs, 5 * hourMs]],
      [[hourMs, 2 * hourMs, 3 * hourMs], [hourMs, 2 * hourMs]],
      [[0, 0, hourMs], [hourMs]],
    ] as const
  ) {
    assertEquals(corrections(answers(...given)), [...expected]);
  }
});

Deno.test("isRight() wants all to agree, and somebody to answer", () => {
  assertEquals([answers(), answers(5_000, -5_000), answers(0, 5_001)].map(isRight), [false, true, false]);
});

Deno.test("askTime() asks all at once, and leaves out whoever fails or is late", async () => {
  const clock = new FakeClock();
  const source = (name: string, ms: number, aheadMs: number): TimeSource => ({
    name,
    ask: (signal) => clock.sleep(ms, signal).then(() => aheadMs),
  });
  const failing: TimeSource = { name: "failing", ask: () => Promise.reject(new Error("no")) };
  const sources = [source("a", 100, hourMs), failing, source("b", 4_000, -7.4), source("late", 6_000, 0)];
  const asking = askTime(sources, { clock, ms: 5_000 });
  await clock.advance(5_000);
  assertEquals(await asking, [{ from: "a", aheadMs: hourMs }, { from: "b", aheadMs: -7 }]);
  assertEquals(clock.pendingMs, []);
});

Deno.test("askTime() rejects when it is stopped", async () => {
  const clock = new FakeClock();
  const aborting = new AbortController();
  const source: TimeSource = { name: "a", ask: (signal) => clock.sleep(1_000, signal).then(() => 0) };
  const asking = assertRejects(
    () => askTime([source], { clock, ms: 5_000, parent: aborting.signal }),
    Error,
    "stopped",
  );
  aborting.abort(new Error("stopped"));
  await asking;
  assertEquals(clock.pendingMs, []);
});

Deno.test("aheadOrBehind() says as much as matters", () => {
  for (
    const [ms, words] of [
      [-3_400, "3 s behind"],
      [119_000, "119 s ahead"],
      [-120_000, "2 min behind"],
      [hourMs, "60 min ahead"],
      [26 * hourMs, "26 h ahead"],
      [-20_000 * 86_400_000, "20000 days behind"],
    ] as const
  ) {
    assertEquals(aheadOrBehind(ms), words);
  }
});

const telegram = (aheadMs: number) => ({ from: "Telegram", aheadMs });
const site = (aheadMs: number) => ({ from: "the site", aheadMs });

Deno.test("judgeClock() believes Telegram first", () => {
  const table = [
    [[], 0, undefined],
    [[telegram(1_400)], 0, "ok clock-right: the clock of this machine is right, by Telegram"],
    [[telegram(-30_000)], 0, "ok clock-right: the clock of this machine is 30 s behind, by Telegram"],
    [[telegram(30_001)], 0, "warning clock-differs: the clock of this machine is 30 s ahead, by Telegram"],
    [
      [site(hourMs), telegram(hourMs)],
      hourMs,
      "failed clock-off: the clock of this machine is 60 min ahead, by Telegram",
    ],
    [[site(hourMs)], hourMs, "failed clocks-differ: the clock of this machine is 60 min ahead by the one of the site"],
    [
      [site(hourMs), telegram(-200)],
      hourMs,
      "failed proxy-clock-off: the clock of the proxy is 60 min behind; that of this machine is right by Telegram",
    ],
  ] as const;
  for (const [times, correctedMs, expected] of table) {
    const verdict = judgeClock(times, correctedMs);
    assertEquals(verdict && `${verdict.outcome} ${verdict.code}: ${verdict.detail}`, expected);
    assertEquals(verdict?.cause === undefined, verdict === undefined || verdict.outcome === "ok");
  }
});
