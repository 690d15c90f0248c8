/** README.md promises nothing that the program does not keep, as far as that can be tried. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import manifest from "../deno.json" with { type: "json" };
import { parseConfig } from "../lib/config/parse.ts";
import { parseSecret } from "../lib/policy/secret.ts";
import { withTables } from "../scripts/readme_tables.ts";
import { type Outcome, runMain } from "./cli/fake_environment.ts";

const documents = ["README.md", "CHANGELOG.md", "SECURITY.md"];
const readme = read("README.md");

function read(path: string): string {
  return Deno.readTextFileSync(new URL(`../${path}`, import.meta.url));
}

/** The code blocks of one language, without the indent of the list that they may stand in. */
function blocks(language: string): string[] {
  const found = [...readme.matchAll(/^( *)```(\w+)\n([\s\S]*?)^ *```$/gm)].filter(([, , name]) => name === language);
  assertNotEquals(found.length, 0, language);
  return found.map(([, indent, , text]) => (text ?? "").replaceAll(new RegExp(`^${indent}`, "gm"), ""));
}

/** All of `pattern`'s first groups; there is one at least. */
function all(pattern: RegExp, text = readme): string[] {
  const found = [...text.matchAll(pattern)].map(([, group]) => group ?? "");
  assertNotEquals(found.length, 0, String(pattern));
  return found;
}

const [good = "", wrong = ""] = blocks("toml");

/** Runs `mtg` as in README, with the files that it shows. */
async function mtg(words: string): Promise<Outcome> {
  return await runMain(words.split(" "), { files: { "config.toml": good, "bad.toml": wrong } });
}

Deno.test("README.md does hold the table of keys as the code has them", () => {
  assertEquals(readme, withTables(readme), "run: deno run -R=README.md -W=README.md scripts/readme_tables.ts");
});

Deno.test("README.md does show configurations and secrets that can be used", () => {
  const { ip, port } = parseConfig(good, { file: "" }).domainFronting;
  assertEquals([ip, port], ["127.0.0.1", 8443]);
  for (const secret of all(/secret=([\w-]+)(?![\w…-])/g)) assertEquals(parseSecret(secret).kind, "tls");
});

Deno.test("README.md does show what commands print", async () => {
  for (const block of blocks("console")) {
    const [command = "", ...shown] = block.trimEnd().split("\n");
    const { out, errors } = await mtg(command.replace("$ mtg ", ""));
    const lines = [...out, ...errors];
    if (command.includes("generate-secret")) assertEquals([lines.length, lines[0]?.length], [1, shown[0]?.length]);
    else if (shown.at(-1)?.trim() === "…") assertEquals(lines.slice(0, shown.length - 1), shown.slice(0, -1));
    else assertEquals(lines, shown);
  }
  assertEquals((await mtg("run bad.toml")).code, 2);
});

Deno.test("README.md does show the JSON of access, shortened", async () => {
  const shown: unknown = JSON.parse(blocks("json").find((block) => block.includes("tg_url")) ?? "");
  const { out } = await mtg("access config.toml");
  const short = (_key: string, value: unknown) =>
    typeof value !== "string" ? value : value.replace(/(secret=|base64,|^(?=ee|7g))(.{4}).{5,}$/, "$1$2…");
  assertEquals(JSON.parse(out.join("\n"), short), shown);
});

Deno.test("README.md does name only flags that its commands have", async () => {
  const commands = /^## Commands$([\s\S]*?)^## /m.exec(readme)?.[1] ?? "";
  const helps = await Promise.all(
    ["run", "simple-run", "generate-secret", "access", "doctor", "check", "config"].map((name) => mtg(`help ${name}`)),
  );
  const known = [await mtg("help"), ...helps].flatMap(({ out }) => all(/(--[a-z][a-z0-9-]*)/g, out.join("\n")));
  for (const flag of all(/(--[a-z][a-z0-9-]*)/g, commands)) {
    assert(known.includes(flag) || /^--allow-(read|write)$/.test(flag), flag);
  }
});

/** What a module and all that it imports ask for by name. */
function bareImports(module: URL, found = new Set<string>(), seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(module.href)) return found;
  seen.add(module.href);
  const text = Deno.readTextFileSync(module);
  const statements = text.matchAll(/^(?:import|export)(?! type)[^;]*?from "([^"]+)";|\bimport\("([^"]+)"\)/gm);
  for (const [, atLoad, later = ""] of statements) {
    const name = atLoad ?? later;
    if (name.startsWith(".")) bareImports(new URL(name, module), found, seen);
    else found.add(name);
  }
  return found;
}

Deno.test("README.md does list every package with its version, and what an embedder has to map", () => {
  const packages = Object.values(manifest.imports).map((target) => /^npm:(@?[^@]+)@([^/]+)/.exec(target) ?? []);
  const listed = all(/^\| `([^`]+` +\| \d[^ |]+) +\|/gm).map((row) => row.replace(/` +\|/, ""));
  assertEquals(new Set(listed), new Set(packages.map(([, name, version]) => `${name} ${version}`)));
  const mapping = JSON.parse(blocks("json").find((block) => block.includes("imports")) ?? "");
  const targets: Readonly<Record<string, string>> = manifest.imports;
  const needed = [...bareImports(new URL("../lib/mod.ts", import.meta.url))].filter((name) =>
    !name.startsWith("node:")
  );
  const mapped = Object.fromEntries(needed.map((name) => [name, targets[name]]));
  assertEquals(mapping.imports, { [manifest.name]: "./mtg/lib/mod.ts", ...mapped });
  assertEquals(mapping.unstable, manifest.unstable);
});

Deno.test("the documents do name only tasks, files and headings that there are", () => {
  for (const document of documents) {
    const text = read(document);
    for (const [, task = ""] of text.matchAll(/\btask (?:--quiet )?([a-z]+(?::[a-z]+)?)\b/g)) {
      assert(Object.hasOwn(manifest.tasks, task), `${document}: task ${task}`);
    }
    for (const [, path = "", anchor] of text.matchAll(/\]\((?!https:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const headings = [...read(path === "" ? document : path).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
        heading.toLowerCase().replaceAll(/[^a-z0-9 -]/g, "").replaceAll(" ", "-")
      );
      assert(anchor === undefined || headings.includes(anchor), `${document}: ${path}#${anchor}`);
    }
  }
});
