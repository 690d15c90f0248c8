import { assert, assertEquals } from "@std/assert";
import { type ChartInput, drawChart } from "../../scripts/bench/chart.ts";

function row(key: string, values: Record<string, number>): ChartInput["rows"][number] {
  return { figure: { key, label: "", unit: "", digits: 1 }, values, ratios: {} };
}

const input: ChartInput = {
  machine: { processor: "A & B <C>", cores: 2, kernel: "6.1.2-x", deno: "2.9.6", date: "2026-11-24T08:00:00.000Z" },
  subjects: ["mtg", "floor", `"odd" <peer>`, "unmeasured"].map((name) => ({ name, speech: "plain", command: [] })),
  rows: [
    row("down-8-cpu", { mtg: 0.512, floor: 0.4567, '"odd" <peer>': 10.04 }),
    row("down-8-rate", { mtg: 77.7 }),
    row("conn-8-cpu", { mtg: 243.4, floor: 1184.2 }),
    row("idle-4000-total", { mtg: 111, floor: 88.8 }),
    row("idle-9000-total", { mtg: 222 }),
  ],
};

/** The texts of a drawing. @throws {Error} If tags do not match or an attribute has no quotes: that is all we write. */
function textsOf(svg: string): string[] {
  const open: string[] = [];
  const rest = svg.replace(/<(\/?)(\w+)((?: [\w-]+="[^"<]*")*)(\/?)>/g, (_, closing, name, _attributes, empty) => {
    if (closing !== "") assertEquals(open.pop(), name);
    else if (empty === "") open.push(name);
    return "\u0000";
  });
  assertEquals(open, []);
  assert(!/[<>]|&(?!amp;|lt;|gt;|quot;)/.test(rest), rest);
  return rest.split("\u0000").map((text) => text.trim()).filter(Boolean);
}

for (const theme of ["light", "dark"] as const) {
  Deno.test(`drawChart() is well-formed and has every peer's name and value, ${theme}`, () => {
    const texts = textsOf(drawChart(input, theme));
    for (const value of ["0.51", "0.46", "10.0", "243", "1,184", "222"]) assert(texts.includes(value), value);
    for (const name of ["mtg", "floor", "&quot;odd&quot; &lt;peer&gt;"]) {
      assertEquals(texts.filter((text) => text === name).length, 3, name);
    }
  });
}

Deno.test("drawChart() draws the greatest number of idle clients, and nothing that was not measured", () => {
  const texts = textsOf(drawChart(input, "light"));
  assert(texts.includes("Memory, 9,000 idle clients"));
  for (const absent of ["111", "77.7", "unmeasured", "CPU per GB up"]) assert(!texts.includes(absent), absent);
  assertEquals(texts.filter((text) => text === "–").length, 3);
});

Deno.test("drawChart() draws bars in proportion to the values, the longest within its panel", () => {
  const svg = drawChart(input, "light");
  const widths = Array.from(svg.matchAll(/<rect x="\d+" y="\d+" width="(\d+)"/g), ([, width]) => Number(width));
  assertEquals(widths.length, 6);
  const [own = 0, floor = 0, most = 0] = widths;
  assert(most > 50 && most < 290, `${most}`);
  assert(Math.abs(own - most * 0.512 / 10.04) <= 1, `${own} of ${most}`);
  assert(Math.abs(floor - most * 0.4567 / 10.04) <= 1, `${floor} of ${most}`);
});
