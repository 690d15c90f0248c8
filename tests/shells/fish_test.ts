import { assertEquals } from "@std/assert";
import { fishScript } from "../../lib/shells/fish.ts";
import { commonOffers, isInstalled, type Offer, Stage, table } from "./rig.ts";

const isThere = isInstalled("fish");
const files = ["con figured*.toml", "config.toml"];

/** What stands before the cursor, and the words that are offered. */
const offers: readonly Offer[] = [
  ...commonOffers(files),
  ["generate-secret --kind=t", ["--kind=tls"]],
  ["simple-run -i only-ipv", ["only-ipv4", "only-ipv6"]],
  ["access --qr con", files],
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
