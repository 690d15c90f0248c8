import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bad, type Group, note, warning } from "../../lib/doctor/report.ts";
import { good } from "../../lib/doctor/report.ts";
import { configText, type Outcome, runMain, tlsBase64, tlsHex, type World } from "./fake_environment.ts";

const clock: Group = { id: "clock", title: "Clock", checks: [good("offset", "the clock is right")] };
const port: Group = {
  id: "port",
  title: "Port",
  checks: [
    warning("a", "one thing is not as it should be", "do this"),
    warning("b", "nor is another", "do this"),
    note("c", "this was not read", "look yourself"),
  ],
};
const front: Group = {
  id: "front",
  title: "Fronted site",
  checks: [bad("loop", "it is this proxy", "say where it is")],
};

async function doctor(groups: readonly Group[], args: readonly string[] = [], world: World = {}): Promise<Outcome> {
  const files = { "config.toml": configText("127.0.0.1:3128") };
  return await runMain(["doctor", "config.toml", ...args], { files, examine: () => groups, ...world });
}

Deno.test("doctor does print each group with its findings, and sums up", async () => {
  const { code, out, errors } = await doctor([clock, port]);
  assertEquals([code, errors], [0, []]);
  assertEquals(out, [
    "Clock",
    "  ✅ the clock is right",
    "",
    "Port",
    "  ⚠️ one thing is not as it should be",
    "  ⚠️ nor is another",
    "     → do this",
    "  ℹ️ this was not read",
    "     → look yourself",
    "",
    "It works, with 2 warnings; 1 remark.",
  ]);
});

Deno.test("doctor does end with 1 if anything is wrong, and with 0 on warnings", async () => {
  const outcomes = await Promise.all([doctor([clock]), doctor([port, clock]), doctor([front, port]), doctor([front])]);
  assertEquals(outcomes.map(({ code, out }) => [code, out.at(-1)]), [
    [0, "All that was looked at is right."],
    [0, "It works, with 2 warnings; 1 remark."],
    [1, "1 fault and 2 warnings; 1 remark."],
    [1, "1 fault and 0 warnings."],
  ]);
});

Deno.test("doctor does break long lines between words", async () => {
  const long = Array.from({ length: 30 }, (_, index) => `word${index}`).join(" ");
  const { out } = await doctor([{ id: "x", title: "X", checks: [bad("y", long, `${long} ${"x".repeat(120)}`)] }]);
  const lines = out.slice(1, -2);
  assert(lines.every((line) => line.length <= 100 || line.endsWith("x".repeat(120))));
  assertEquals(lines.map((line) => /^ */.exec(line)?.[0].length), [2, 5, 5, 5, 7, 7, 7]);
  assertEquals(lines.join(" ").replaceAll(/ +/g, " "), ` ❌ ${long} → ${long} ${"x".repeat(120)}`);
});

Deno.test("doctor --json does print one object of a steady shape", async () => {
  const { code, out } = await doctor([clock, port, front], ["--json"]);
  assertEquals(code, 1);
  assertEquals(JSON.parse(out.join("\n")), {
    verdict: "bad",
    counts: { good: 1, warning: 2, bad: 1, note: 1 },
    groups: [
      { id: "clock", title: "Clock", checks: [{ id: "offset", verdict: "good", seen: "the clock is right" }] },
      {
        id: "port",
        title: "Port",
        checks: [
          { id: "a", verdict: "warning", seen: "one thing is not as it should be", advice: "do this" },
          { id: "b", verdict: "warning", seen: "nor is another", advice: "do this" },
          { id: "c", verdict: "note", seen: "this was not read", advice: "look yourself" },
        ],
      },
      {
        id: "front",
        title: "Fronted site",
        checks: [{ id: "loop", verdict: "bad", seen: "it is this proxy", advice: "say where it is" }],
      },
    ],
  });
});

Deno.test("doctor does report a configuration with mistakes as what is wrong, and looks no further", async () => {
  const files = { "config.toml": configText("127.0.0.1", "concurency = 1") };
  const { code, out, errors } = await doctor([], [], { files, examine: () => [front] });
  assertEquals([code, errors], [1, []]);
  assertEquals(out.slice(0, 3), [
    "Configuration",
    '  ❌ config.toml:2:1: bind-to = "127.0.0.1": expected where to listen such as "0.0.0.0:3128",',
    '     "[::]:443", ":443" or "unix:/run/mtg/mtg.sock"',
  ]);
  assertEquals(out.at(-1), "2 faults and 0 warnings.");
  const json = await doctor([], ["--json"], { files: { "config.toml": "secret = " } });
  assertEquals(json.code, 1);
  const [check] = JSON.parse(json.out.join("\n")).groups[0].checks;
  assertEquals([check.id, check.verdict], ["problem-1", "bad"]);
  assertStringIncludes(check.seen, "config.toml:1:");
  const missing = await doctor([], [], { files: { "config.toml": 'bind-to = ":443"' } });
  assertEquals(missing.code, 1);
  assertStringIncludes(missing.out[1] ?? "", "secret is missing");
});

Deno.test("doctor does end with 2 where there is nothing to look into", async () => {
  const { code, out, errors } = await doctor([], [], { files: {} });
  assertEquals([code, out, errors], [2, [], ["mtg: cannot read config.toml: there is no such file or directory"]]);
  const none = await runMain(["doctor"]);
  assertEquals([none.code, none.out], [2, []]);
});

Deno.test("doctor does hand warnings over with the configuration, and never prints the secret", async () => {
  const text = configText("127.0.0.1:3128", 'domain-fronting-ip = "192.0.2.80"');
  const seen: unknown[] = [];
  const examine: World["examine"] = ({ config, file, warnings }) => {
    seen.push(file, config.domainFronting.ip, warnings.map(({ kind }) => kind));
    return [clock];
  };
  const { out, errors } = await doctor([], [], { files: { "config.toml": text }, examine });
  assertEquals(seen, ["config.toml", "192.0.2.80", ["deprecated"]]);
  const printed = [...out, ...errors].join("\n");
  for (const secret of [tlsHex, tlsHex.slice(2, 34), tlsBase64]) assert(!printed.includes(secret));
  const fromInput = await runMain(["doctor", "-"], { standardInput: text, examine });
  assertEquals([fromInput.code, seen[3]], [0, "standard input"]);
});
