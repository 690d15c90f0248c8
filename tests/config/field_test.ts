import { assertEquals, assertThrows } from "@std/assert";
import {
  defaulted,
  freeTable,
  optional,
  type Problem,
  readTable,
  required,
  tableArray,
} from "../../lib/config/field.ts";
import { showPath } from "../../lib/config/show.ts";
import { bool, describe, duration, integer } from "../../lib/config/values.ts";

const text = describe<string>(
  { type: "string" },
  (raw) => typeof raw === "string" ? { ok: true, value: raw } : { ok: false, expected: "expected a text" },
);

const schema = {
  name: required("name", text, { docs: "", hot: true, sample: "x", missing: "give one" }),
  wait: defaulted("timeouts.wait", duration, { docs: "", hot: true, default: "1s", zeroIsDefault: true }),
  grace: defaulted("timeouts.grace", duration, { docs: "", hot: true, default: "2s" }),
  limit: optional("limit", integer(1, 9), { docs: "", hot: true, sample: 5 }),
  ranks: freeTable("ranks", { keys: integer(1, 9), values: bool }, { docs: "", hot: true, sample: { 1: true } }),
  users: tableArray("users", {
    name: required("name", text, { docs: "", hot: true, sample: "x", missing: "give one" }),
    limit: defaulted("rules.limit", integer(1, 9), { docs: "", hot: true, default: 3 }),
  }, { docs: "", hot: true }),
};

function read(document: Record<string, unknown>) {
  const problems: Problem[] = [];
  const values = readTable(schema, document, [], problems);
  return { values, problems: problems.map(({ path, say }) => say(showPath(path))) };
}

Deno.test("readTable() does fill in what is left out", () => {
  assertEquals(read({ name: "n" }), {
    values: { name: "n", wait: 1000, grace: 2000, limit: undefined, ranks: new Map(), users: [] },
    problems: [],
  });
});

Deno.test("readTable() does read free tables and arrays of tables", () => {
  const { values, problems } = read({
    name: "n",
    limit: 7,
    timeouts: { wait: "5s", grace: "6s" },
    ranks: { 1: true, 2: false },
    users: [{ name: "a" }, { name: "b", rules: { limit: 4 } }],
  });
  assertEquals(problems, []);
  assertEquals(values.ranks, new Map([[1, true], [2, false]]));
  assertEquals(values.users, [{ name: "a", limit: 3 }, { name: "b", limit: 4 }]);
  assertEquals([values.limit, values.wait, values.grace], [7, 5000, 6000]);
});

Deno.test("readTable() does take an empty text for none, and zero for the default where it says so", () => {
  const { values, problems } = read({ name: "n", limit: "", timeouts: { wait: "0s", grace: "0s" } });
  assertEquals(problems, []);
  assertEquals([values.limit, values.wait, values.grace], [undefined, 1000, 0]);
  assertEquals(read({ name: "n", timeouts: { grace: "" } }).values.grace, 2000);
  assertEquals(read({ name: "" }).problems, ["name is missing: give one"]);
});

Deno.test("readTable() does name every problem", () => {
  const document = {
    nmae: "n",
    limit: 10,
    timeouts: { wiat: "1s", grace: "x" },
    ranks: { 0: true, 1: "maybe" },
    users: [{ name: 5, rules: 6 }, "b", { nam: "c" }],
  };
  assertEquals(read(document).problems.toSorted(), [
    "limit = 10: expected a whole number from 1 to 9",
    "name is missing: give one",
    "ranks.0: expected a whole number from 1 to 9",
    'ranks.1 = "maybe": expected true or false',
    'timeouts.grace = "x": expected a duration such as "10s" or "1m30s"',
    "unknown key nmae: the nearest known one is name",
    "unknown key timeouts.wiat: the nearest known one is timeouts.wait",
    "unknown key users[2].nam: the nearest known one is users[2].name",
    "users[0].name = 5: expected a text",
    "users[0].rules = 6: expected a table, with keys such as limit",
    'users[1] = "b": expected a table',
    "users[2].name is missing: give one",
  ]);
});

Deno.test("readTable() does want tables where tables belong", () => {
  assertEquals(read({ name: "n", ranks: 1, users: {}, timeouts: [] }).problems, [
    "ranks = 1: expected a table, [ranks]",
    "users = {}: expected tables, each under its own [[users]]",
    "timeouts = []: expected a table, with keys such as wait",
  ]);
});

Deno.test("readTable() does not mistake a quoted key with dots, nor what every object has", () => {
  assertEquals(read({ name: "n", "timeouts.wait": "5s" }).problems, [
    'unknown key "timeouts.wait": the nearest known one is timeouts.wait (without the quotes)',
  ]);
  assertEquals(read({ name: "n", constructor: 1 }).problems.length, 1);
  assertEquals(read(JSON.parse('{"name": "n", "__proto__": {"limit": 5}}')).problems.length, 1);
});

Deno.test("defaulted() does refuse a default that its parser refuses", () => {
  assertThrows(() => defaulted("x", bool, { docs: "", hot: true, default: "perhaps" }), TypeError, "default of x");
});
