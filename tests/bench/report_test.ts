import { assert, assertEquals } from "@std/assert";
import { measuresOf } from "../../scripts/bench/kinds.ts";
import type { Sample } from "../../scripts/bench/measure.ts";
import { type Entry, rowsOf, summariseFaults, tableOf, troubleOf } from "../../scripts/bench/report.ts";
import { median, percentile } from "../../scripts/bench/stats.ts";

const scale = {
  rounds: 3,
  seconds: 4,
  most: 8000,
  transferBytes: 8_000_003,
  stallMs: 15_000,
  settleSeconds: 3,
  idleLevels: [4000, 9000],
  burstClients: 5000,
  silentSockets: 9000,
  mixedTransfers: 1000,
  soakConnections: 100_000,
};

function sample(values: Record<string, number>, stalls = 0): Sample {
  return { values, stalls, errors: 0, faults: [], cores: { subject: 1, loader: 0.5, dc: 0.5 } };
}

function entriesOf(own: readonly number[], floor: readonly number[], stalls = 0): Entry[] {
  const of = (subject: string, cpu: number, round: number) => ({
    round,
    measure: "down-8",
    subject,
    sample: sample({ "down-8-cpu": cpu, "down-8-rate": 1 }, subject === "mtg" ? stalls : 0),
  });
  return own.flatMap((cpu, round) => [of("mtg", cpu, round), of("floor", floor[round] ?? NaN, round)]);
}

Deno.test("rowsOf() gives medians, ratios of them to the floor, and the verdict", () => {
  const measures = measuresOf("down", scale, false);
  const [met] = rowsOf(measures, ["mtg", "floor"], entriesOf([0.65, 9, 0.6], [0.5, 0.4, 0.5]));
  assertEquals(met?.values, { mtg: 0.65, floor: 0.5 });
  assertEquals(met?.ratios["mtg"], 1.3);
  assertEquals(met?.met, true);
  const [missed] = rowsOf(measures, ["mtg", "floor"], entriesOf([0.8], [0.5]));
  assertEquals(missed?.met, false);
  const [unknown] = rowsOf(measures, ["mtg", "floor"], entriesOf([NaN], [0.5]));
  assertEquals(unknown?.met, undefined);
});

Deno.test("tableOf() marks targets that are met, those that are not, and stalls", () => {
  const measures = measuresOf("down", scale, false);
  const names = ["mtg", "floor"];
  const entries = entriesOf([0.8], [0.5], 2);
  const lines = tableOf(rowsOf(measures, names, entries), names, troubleOf(names, entries)).split("\n");
  assertEquals(lines.length, 5);
  assert(/\| 0\.800 \| 0\.500 \| 1\.60 × \| 1\.35 × floor \|\s+✗ \|$/.test(lines[2] ?? ""), lines[2]);
  assert(/\|\s+2 \/ 0 \|\s+0 \/ 0 \|.*✗ \|$/.test(lines[4] ?? ""), lines[4]);
  assertEquals(new Set(lines.map((line) => line.length)).size, 1);
});

Deno.test("tableOf() judges nobody but this proxy", () => {
  const measures = measuresOf("down", scale, false);
  const entries = entriesOf([0.6], [0.5]).filter(({ subject }) => subject === "floor");
  const names = ["other", "floor"];
  const rows = rowsOf(measures, names, [...entries, { ...entries[0]!, subject: "other" }]);
  assertEquals(rows[0]?.met, undefined);
  const [head = "", , first = ""] = tableOf(rows, names, troubleOf(names, entries)).split("\n");
  assertEquals(head.split("|").map((cell) => cell.trim()), ["", "", "floor", "other", ""]);
  assert(/\| 0\.500 \| 0\.500 \(1\.00 ×\) \|$/.test(first), first);
});

Deno.test("rowsOf() judges memory by itself, and leaves out what was not reached", () => {
  const measures = measuresOf("idle", scale, false);
  const values = { "idle-4000-total": 125.5, "idle-4000-each": 20 };
  const rows = rowsOf(measures, ["mtg"], [{ round: 1, measure: "idle", subject: "mtg", sample: sample(values) }]);
  assertEquals(rows.map(({ figure, met }) => [figure.key, met]), [
    ["idle-4000-total", false],
    ["idle-4000-each", undefined],
    ["idle-9000-total", undefined],
    ["idle-9000-each", undefined],
  ]);
  assertEquals(rows[2]?.values, {});
});

Deno.test("summariseFaults() counts equal faults", () => {
  assertEquals(summariseFaults(["a", "b", "a", "c"], 2), ["a (2 times)", "b"]);
});

Deno.test("median() and percentile() pick from the middle and from the end", () => {
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([4, 1, 2, 3]), 2.5);
  assertEquals(median([]), NaN);
  const sorted = Float64Array.from({ length: 100 }, (_, index) => index);
  assertEquals(percentile(sorted, 0.5), 50);
  assertEquals(percentile(sorted, 0.99), 99);
  assertEquals(percentile(new Float64Array(0), 0.5), 0);
});
