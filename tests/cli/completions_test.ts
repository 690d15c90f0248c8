import { assertEquals, assertStringIncludes } from "@std/assert";
import { tableOf } from "../../lib/cli/completions.ts";
import { commands } from "../../lib/cli/mod.ts";
import { runMain, tlsHex } from "./fake_environment.ts";

Deno.test("completions does print a script for each shell that it names", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, out, errors } = await runMain(["completions", shell]);
    assertEquals([code, errors], [0, []]);
    assertStringIncludes(out.join("\n"), `mtg completions ${shell}`);
    for (const { name } of commands) assertStringIncludes(out.join("\n"), name.split(" ").at(-1) ?? "");
  }
});

Deno.test("completions does refuse a shell that it does not know", async () => {
  const { code, out, errors } = await runMain(["completions", "tcsh"]);
  assertEquals({ code, out, errors }, {
    code: 2,
    out: [],
    errors: ['mtg: completions "tcsh": expected one of bash, zsh, fish'],
  });
});

Deno.test("values that shells offer are values that commands take", async () => {
  const required: Readonly<Record<string, readonly string[]>> = {
    "simple-run": ["127.0.0.1:3128", tlsHex],
    "generate-secret": ["example.com"],
  };
  let tried = 0;
  for (const { name, flags } of tableOf(commands).commands) {
    for (const { name: flag, completes } of flags) {
      if (completes === undefined || completes === "file") continue;
      for (const value of completes) {
        const hosts = value === "tls" || name === "simple-run" ? required[name] ?? [] : [];
        const { code, errors } = await runMain([name, `--${flag}=${value}`, ...hosts]);
        assertEquals({ code, errors }, { code: 0, errors: [] }, `${name} --${flag}=${value}`);
        tried++;
      }
    }
  }
  assertEquals(tried, 3 + 4 + 4);
});
