import { assert, assertEquals, assertThrows } from "@std/assert";
import { parsePlan, UsageError } from "../../scripts/bench/options.ts";
import { descriptorLimit, type Surroundings } from "../../scripts/bench/place.ts";

const bare: Surroundings = { place: "override", descriptors: 20_000, find: () => undefined, read: () => "" };
const equipped: Surroundings = {
  place: "namespace",
  descriptors: 20_000,
  find: (program) => `/bin/${program}`,
  read: (path) => `config ${path}`,
};

function names(args: readonly string[], surroundings = equipped): string[] {
  return parsePlan(args, surroundings).subjects.map(({ name, speech }) => `${name} ${speech}`);
}

function keys(args: readonly string[]): string[] {
  return parsePlan(args, equipped).measures.map(({ key }) => key);
}

Deno.test("parsePlan() measures what has a target when nothing is said", () => {
  assertEquals(names([]), ["mtg fake-tls", "floor plain"]);
  assertEquals(parsePlan([], equipped).subjects[0]?.command.slice(-2), ["--workers", "1"]);
  const usual = ["down-8", "up-8", "echo-32", "echo-256", "conn-8", "ttfb", "stalls", "idle", "burst", "silent"];
  assertEquals(keys([]), usual);
  const targets = parsePlan([], equipped).measures.flatMap(({ figures }) => figures.filter(({ target }) => target));
  assertEquals(targets.map(({ key }) => key), [
    "down-8-cpu",
    "up-8-cpu",
    "echo-32-cpu",
    "echo-32-p99",
    "echo-256-cpu",
    "conn-8-cpu",
    "stalls-unfinished",
    "idle-4000-total",
    "idle-9000-total",
    "burst-all",
    "silent-worst",
  ]);
});

Deno.test("parsePlan() takes kinds of load and sizes from the command line", () => {
  assertEquals(keys(["--only=idle,conn"]), ["conn-8", "idle"]);
  assertEquals(keys(["--only=conn", "--soak"]), ["conn-8", "soak"]);
  assertEquals(keys(["--full"]).filter((key) => /^(up|echo|soak)/.test(key)), [
    ...["up-1", "up-8", "up-64", "echo-1", "echo-32", "echo-256", "soak"],
  ]);
  assertEquals(keys(["--delay", "50"]), ["down-8", "up-8", "echo-32", "echo-256", "conn-8", "ttfb"]);
  assertEquals(parsePlan(["--clients", "10,5"], equipped).scale.idleLevels, [5, 10]);
});

Deno.test("parsePlan() asks for no more clients than the descriptors allow, and says so", () => {
  const few = { ...equipped, descriptors: 8192 };
  const { scale, notes } = parsePlan([], few);
  assertEquals([scale.idleLevels, scale.burstClients, scale.silentSockets], [[1000], 3846, 3846]);
  assert(notes[0]?.includes("up to 3846 only"), notes[0]);
  assertEquals(parsePlan(["--only", "up"], few).notes, []);
});

Deno.test("parsePlan() takes peers that are at hand", () => {
  assertEquals(names(["--peer", "mtprotoproxy", "--peer", "haproxy", "--peer", "floor"]), [
    ...["mtg fake-tls", "floor plain", "haproxy plain", "mtprotoproxy fake-tls"],
  ]);
  assertEquals(names(["--full"]).length, 4);
  const { subjects } = parsePlan(["--mtprotoproxy", "/x/mtprotoproxy"], equipped);
  assertEquals(subjects[2]?.command, ["/x/mtprotoproxy", "{config}"]);
  assertEquals(subjects[2]?.hello, "classic");
});

Deno.test("parsePlan() leaves out peers that are not installed, and says how to get them", () => {
  const { subjects, notes } = parsePlan(["--full"], bare);
  assertEquals(subjects.length, 2);
  assertEquals(notes.map((note) => note.split(" is left out")[0]), ["haproxy", "mtprotoproxy"]);
  assert(notes[0]?.includes("apt-get install haproxy"), notes[0]);
});

Deno.test("parsePlan() takes peers that are given, with a configuration or without", () => {
  const args = ["--peer", "x=/bin/x '{bind}' -s {secret}", "--plain-peer", "y=/bin/y {config}", "--skip=mtg"];
  const { subjects } = parsePlan([...args, "--peer-config", "y=some/file"], equipped);
  assertEquals(subjects.map(({ name, speech }) => `${name} ${speech}`), ["floor plain", "x fake-tls", "y plain"]);
  assertEquals(subjects[1]?.command, ["/bin/x", "{bind}", "-s", "{secret}"]);
  assertEquals(subjects[2]?.config, "config some/file");
});

Deno.test("parsePlan() tells this proxy the data centre only where Telegram's addresses are not local", () => {
  const override = (surroundings: Surroundings) =>
    parsePlan([], surroundings).subjects[0]?.command.includes("--dc-override");
  assertEquals([override(equipped), override(bare)], [false, true]);
  const { subjects, notes } = parsePlan(["--peer", "x=/bin/x {bind}", "--peer", "y=/bin/y {dc-port}"], bare);
  assertEquals(subjects.map(({ name }) => name), ["mtg", "floor", "y"]);
  assertEquals(notes.length, 1);
  assert(notes[0]?.startsWith("x is left out"), notes[0]);
});

Deno.test("parsePlan() runs this proxy once for each number of workers", () => {
  const { subjects } = parsePlan(["--workers", "1,4"], equipped);
  assertEquals(subjects.map(({ name }) => name), ["mtg-w1", "mtg-w4", "floor"]);
  assertEquals(subjects[1]?.command.slice(-2), ["--workers", "4"]);
});

Deno.test("parsePlan() refuses what it does not know", () => {
  const wrong = [
    ...[["--bogus"], ["extra"], ["--only", "all"], ["--rounds", "0"], ["--delay", "-1"], ["--workers", "1.5"]],
    ...[["--skip", "x"], ["--skip", "mtg,floor"], ["--peer", "x"], ["--peer", "x="], ["--clients", "many"]],
    ...[["--peer-config", "x=f"], ["--peer", "x=/bin/x {config}"], ["--peer", "x=/bin/x", "--peer-config", "x=f"]],
  ];
  for (const args of wrong) assertThrows(() => parsePlan(args, equipped), UsageError, undefined, args.join(" "));
  assertThrows(() => parsePlan(["--peer", "floor=/bin/x"], equipped), UsageError, "same name");
});

Deno.test("descriptorLimit() reads the hard limit", () => {
  const limits = (hard: string) => `Limit   Soft Limit  Hard Limit  Units\nMax open files   1024   ${hard}   files\n`;
  assertEquals(descriptorLimit(limits("20000")), 20_000);
  assertEquals(descriptorLimit(limits("unlimited")), Infinity);
});
