import { assertEquals } from "@std/assert";
import { bashScript } from "../../lib/shells/bash.ts";
import { isInstalled, Stage, table } from "./rig.ts";

const ignore = !isInstalled("bash");
const files = ["con figured*.toml", "config.toml"];

/** Words as bash has them, the last one under the cursor, and what is offered. */
const offers: readonly (readonly [readonly string[], readonly string[]])[] = [
  [["conf"], ["config"]],
  [["ru"], ["run"]],
  [["--"], ["--version", "--help"]],
  [["-"], ["--version", "-v", "--help", "-h"]],
  [["config", ""], ["check", "schema"]],
  [["config", "s"], ["schema"]],
  [["help", "gen"], ["generate-secret"]],
  [["help", "config", ""], ["check", "schema"]],
  [["help", "run", ""], []],
  [["config", "check", "con"], files],
  [["config", "check", "-"], ["--help", "-h"]],
  [["config", "schema", ""], []],
  [["config", "nope", ""], []],
  [["nope", ""], []],
  [["run", "con"], files],
  [["run", "--no-links", "con"], files],
  [["run", "config.toml", "con"], []],
  [["run", "--n"], ["--no-links"]],
  [["run", "--", "--n"], []],
  [["run", "--", "con"], files],
  [["completions", ""], ["bash", "zsh", "fish"]],
  [["generate-secret", "--kind", ""], ["tls", "secured", "simple"]],
  [["generate-secret", "--kind", "s"], ["secured", "simple"]],
  [["generate-secret", "--kind", "="], ["tls", "secured", "simple"]],
  [["generate-secret", "--kind", "=", "t"], ["tls"]],
  [["generate-secret", "con"], []],
  [["simple-run", "--log-level", "w"], ["warning"]],
  [["simple-run", "-i", "only"], ["only-ipv4", "only-ipv6"]],
  [["simple-run", "--dns", "con"], []],
  [["access", "--qr", "con"], files],
  [["access", "--qr", "=", "con"], files],
  [["access", "--port", "443", "con"], files],
  [["access", "-p", "443", "con"], files],
  [["access", "--port", "=", "443", "con"], files],
  [["access", "--port", "con"], []],
  [["access", "config.toml", "--h"], ["--hex", "--help"]],
];

Deno.test({
  name: "bash completes commands, flags, their values and files",
  ignore,
  fn: async () => {
    await using stage = await Stage.make("mtg.bash", bashScript(table));
    for (const [words, offered] of offers) {
      const script =
        'source ./mtg.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mtg; printf "%s\\n" "${COMPREPLY[@]}"';
      const seen = await stage.run("bash", ["--norc", "-c", script, "bash", "mtg", ...words]);
      assertEquals(seen.toSorted(), offered.toSorted(), words.join(" "));
    }
  },
});

Deno.test({
  name: "bash is told to ask for mtg",
  ignore,
  fn: async () => {
    await using stage = await Stage.make("mtg.bash", bashScript(table));
    assertEquals(await stage.run("bash", ["--norc", "-c", "source ./mtg.bash; complete -p mtg"]), [
      "complete -F _mtg mtg",
    ]);
  },
});
