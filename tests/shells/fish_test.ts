import { assertEquals } from "@std/assert";
import { fishScript } from "../../lib/shells/fish.ts";
import { isInstalled, Stage, table } from "./rig.ts";

const isThere = isInstalled("fish");
const files = ["con figured*.toml", "config.toml"];

/** What stands before the cursor, and the words that are offered. */
const offers: readonly (readonly [string, readonly string[]])[] = [
  ["conf", ["config"]],
  ["ru", ["run"]],
  ["--", ["--help", "--version"]],
  ["config ", ["check", "schema"]],
  ["help gen", ["generate-secret"]],
  ["help config ", ["check", "schema"]],
  ["help run ", []],
  ["config check con", files],
  ["config check --", ["--help"]],
  ["config schema con", []],
  ["nope ", []],
  ["run con", files],
  ["run --no-links con", files],
  ["run --n", ["--no-links"]],
  ["completions ", ["bash", "fish", "zsh"]],
  ["generate-secret --kind ", ["secured", "simple", "tls"]],
  ["generate-secret --kind=t", ["--kind=tls"]],
  ["generate-secret con", []],
  ["simple-run --log-level w", ["warning"]],
  ["simple-run -i only-ipv", ["only-ipv4", "only-ipv6"]],
  ["simple-run --dns con", []],
  ["access --qr con", files],
  ["access -p 443 con", files],
  ["access config.toml --he", ["--help", "--hex"]],
];

Deno.test({
  name: `fish completes commands, flags, their values and files${isThere ? "" : " (fish is not installed)"}`,
  ignore: !isThere,
  fn: async () => {
    await using stage = await Stage.make("mtg.fish", fishScript(table));
    assertEquals(await stage.run("fish", ["--no-execute", "mtg.fish"]), []);
    const script = 'source mtg.fish; for line in $argv; echo "> $line"; complete -C "mtg $line"; end';
    const lines = await stage.run("fish", ["--no-config", "-c", script, ...offers.map(([line]) => line)]);
    const seen = lines.join("\n").split(/^> /m).slice(1).map((part) => {
      const [line = "", ...words] = part.split("\n").filter((each) => each !== "");
      return [line, words.map((word) => word.split("\t")[0] ?? "").toSorted()];
    });
    assertEquals(seen, offers.map(([line, words]) => [line, words.toSorted()]));
  },
});
