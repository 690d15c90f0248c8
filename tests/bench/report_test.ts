import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Sample } from "../../scripts/bench/measure.ts";
import { parsePlan, UsageError } from "../../scripts/bench/options.ts";
import { type Entry, rowsOf, summariseFaults, tableOf, troubleOf } from "../../scripts/bench/report.ts";
import { median, percentile } from "../../scripts/bench/stats.ts";
import { splitCommand } from "../../scripts/bench/subject.ts";

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
  const { measures } = parsePlan(["--only", "down"]);
  const [met] = rowsOf(measures, ["mtg", "floor"], entriesOf([0.7, 9, 0.6], [0.5, 0.4, 0.5]));
  assertEquals(met?.values, { mtg: 0.7, floor: 0.5 });
  assertEquals(met?.ratios["mtg"], 1.4);
  assertEquals(met?.met, true);
  const [missed] = rowsOf(measures, ["mtg", "floor"], entriesOf([0.8], [0.5]));
  assertEquals(missed?.met, false);
  const [unknown] = rowsOf(measures, ["mtg", "floor"], entriesOf([NaN], [0.5]));
  assertEquals(unknown?.met, undefined);
});

Deno.test("tableOf() marks targets that are met, those that are not, and stalls", () => {
  const { measures } = parsePlan(["--only", "down"]);
  const names = ["mtg", "floor"];
  const entries = entriesOf([0.8], [0.5], 2);
  const lines = tableOf(rowsOf(measures, names, entries), names, troubleOf(names, entries)).split("\n");
  assertEquals(lines.length, 5);
  assert(/\| 0\.800 \| 0\.500 \| 1\.60 × \| 1\.5 × floor \|\s+✗ \|$/.test(lines[2] ?? ""), lines[2]);
  assert(/\|\s+2 \/ 0 \|\s+0 \/ 0 \|.*✗ \|$/.test(lines[4] ?? ""), lines[4]);
  assertEquals(new Set(lines.map((line) => line.length)).size, 1);
});

Deno.test("parsePlan() takes subjects, kinds of load and sizes from the command line", () => {
  const plan = parsePlan([
    "--only=idle,conn",
    "--clients",
    "10",
    "--peer",
    "x=/bin/x '{bind}' -s {secret}",
    "--skip=mtg",
  ]);
  assertEquals(plan.subjects.map(({ name, speech }) => `${name} ${speech}`), ["floor plain", "x fake-tls"]);
  assertEquals(plan.subjects[1]?.command, ["/bin/x", "{bind}", "-s", "{secret}"]);
  assertEquals(plan.measures.map(({ key }) => key), ["conn-8", "idle-10"]);
  assertEquals(parsePlan(["--full"]).measures.filter(({ mode }) => mode === "up").length, 3);
  assertEquals(parsePlan([]).measures.some(({ key }) => key === "soak"), false);
});

Deno.test("parsePlan() refuses what it does not know", () => {
  for (const args of [["--bogus"], ["--only", "all"], ["--rounds", "0"], ["--skip", "x"], ["--peer", "x"], ["extra"]]) {
    assertThrows(() => parsePlan(args), UsageError, undefined, args.join(" "));
  }
  assertThrows(() => parsePlan(["--peer", "floor=/bin/x"]), UsageError, "same name");
});

Deno.test("splitCommand() keeps quoted spaces together", () => {
  assertEquals(splitCommand(`a  "b c" d='e f' ''`), ["a", "b c", "d=e f", ""]);
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
