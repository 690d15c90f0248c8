import { assertEquals } from "@std/assert";
import { parse } from "smol-toml";
import { allFields } from "../../lib/config/fields.ts";
import { parseConfig } from "../../lib/config/parse.ts";

const example = Deno.readTextFileSync(new URL("../../lib/config/example.toml", import.meta.url));

/** Lines such as `#key = value` are keys that the reader may want; prose has a space after the `#`. */
const whole = example.replace(/^#(?=\S)/gm, "");

/** Those that a new file should have: none that is deprecated, or not there yet. */
const shown = allFields.filter(({ kind }) => kind === "key" || kind === "unsupported");

/** Every key with its value, tables taken apart, but for those whose keys are free. */
function leaves(table: Record<string, unknown>, prefix = ""): [string, unknown][] {
  return Object.entries(table).flatMap(([name, value]): [string, unknown][] => {
    const key = `${prefix}${name}`;
    const isField = allFields.some((field) => field.key === key);
    return isField || typeof value !== "object" || value === null || Array.isArray(value)
      ? [[key, value]]
      : leaves(value as Record<string, unknown>, `${key}.`);
  });
}

Deno.test("example.toml does hold exactly the keys that have a default, each with it", () => {
  const expected = shown.filter((field) => field.default !== undefined).map((field) => [field.key, field.default]);
  const found = leaves(parse(example)).filter(([key, value]) =>
    // The header of a free table stands, its lines are comments.
    !(key === "dc-overrides" && Object.keys(value as object).length === 0)
  );
  assertEquals(Object.fromEntries(found), Object.fromEntries(expected));
});

Deno.test("example.toml does show every other key in a comment, as its field does", () => {
  const expected = shown.map((field): [string, unknown] => [field.key, field.default ?? field.sample]);
  assertEquals(plain(Object.fromEntries(leaves(parse(whole)))), plain(Object.fromEntries(expected)));
});

Deno.test("example.toml does change nothing, and does parse with all its comments taken away", () => {
  const must = 'secret = "00112233445566778899aabbccddeeff"\nbind-to = ":1"\n';
  assertEquals(parseConfig(must + example, { file: "" }), parseConfig(must, { file: "" }));
  const real = whole.replace("what mtg generate-secret printed", "00112233445566778899aabbccddeeff");
  assertEquals(parseConfig(real, { file: "" }).publicHost, "proxy.example.com");
});

Deno.test("allFields does document every key in one line", () => {
  for (const { key, docs } of allFields) assertEquals(/^[A-Z][^\n]{20,140}\.$/.test(docs), true, key);
});

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
