import { assert, assertEquals, assertMatch } from "@std/assert";
import { tableOf } from "../../lib/cli/completions.ts";
import { commands } from "../../lib/cli/mod.ts";
import { manualPage } from "../../scripts/man.ts";
import { isInstalled } from "../shells/rig.ts";

const table = tableOf(commands);
const page = manualPage(table, { version: "1.2.3", date: new Date("2026-11-04") });

async function lint(program: string, args: readonly string[]): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], stdin: "piped", stdout: "piped", stderr: "piped" });
  const child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(page));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return code === 0 ? `${program === "mandoc" ? out : ""}${errors}` : `${code}: ${out}${errors}`;
}

Deno.test("the manual page has each command with all its flags and arguments", () => {
  assertMatch(page, /^\.Dd November 4, 2026$/m);
  assertMatch(page, /^\.Os mtg 1\.2\.3$/m);
  const sections = new Map(
    page.split(/^\.Ss /m).slice(1).map((text) => [text.slice(0, text.indexOf("\n")), text]),
  );
  assertEquals([...sections.keys()], table.commands.map(({ name }) => name));
  for (const { name, flags, arguments: all } of table.commands) {
    const text = sections.get(name) ?? "";
    const names = [
      ...flags.map(({ name }) => `Fl Fl ${name}`),
      ...all.map(({ name }) => `Ar ${name.replaceAll(/[[\]<>]/g, "")}`),
    ];
    for (const words of names) assert(text.includes(words.replaceAll("-", "\\-")), `${name} ${words}`);
  }
});

Deno.test("the manual page has nothing but ASCII, and no line that is a macro by mistake", () => {
  assertMatch(page, /^[\x20-\x7e\n]*$/);
  for (const line of page.split("\n")) {
    if (/^[.']/.test(line)) assertMatch(line, /^\.(\\"|(Dd|Dt|Os|Sh|Ss|Nm|Nd|Ar|Op|Cm|Fl|Bl|It|El|Pp|Bd|Ed)\b)/);
  }
});

for (
  const [program, args] of [
    // It calls naming the system that a page is of a matter of style.
    ["mandoc", ["-T", "lint", "-W", "warning,stop"]],
    ["groff", ["-ww", "-mandoc", "-T", "utf8"]],
  ] as const
) {
  const isThere = isInstalled(program, program === "mandoc" ? "/dev/null" : "--version");
  Deno.test({
    name: `${program} has nothing to say against the manual page${isThere ? "" : ` (${program} is not installed)`}`,
    ignore: !isThere,
    fn: async () => assertEquals(await lint(program, args), ""),
  });
}
