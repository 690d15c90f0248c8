import { assertEquals } from "@std/assert";
import { zshScript } from "../../lib/shells/zsh.ts";
import { commonOffers, isInstalled, type Offer, Stage, table } from "./rig.ts";

const isThere = isInstalled("zsh");
const files = ["con\\ figured\\*.toml", "config.toml"];

/** What stands before the cursor, and the words that are offered, as they would be typed. */
const offers: readonly Offer[] = [
  ...commonOffers(files),
  ["run config.toml con", []],
  ["run -- --n", []],
  ["generate-secret --kind=t", ["tls"]],
  ["simple-run -i only", ["only-ipv4", "only-ipv6"]],
  ["access --qr=con", files],
];

/** In a shell with a line editor: puts each line there and asks for its completion, which leaves a trace. */
const probe = `autoload -Uz compinit && compinit -u -D
source ./mtg.zsh
compadd() {
  if [[ " $* " == *" -"[OAD]" "* ]]; then builtin compadd "$@"; return; fi
  local -a hits
  builtin compadd -A hits "$@"
  (( $#hits )) && print -rl -- $hits >>offered
  builtin compadd "$@"
}
probe() {
  local line
  for line in "\${(@f)$(<lines)}"; do
    print -r -- "> $line" >>offered
    BUFFER="mtg $line" CURSOR=$(( $#line + 4 ))
    zle complete-word
  done
  : >done
  exit
}
zle -N probe
bindkey '^X^P' probe
`;

/** That shell wants a terminal. */
const driver = `zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner 'source ./probe.zsh'
zpty -w -n inner $'\\C-x\\C-p'
while [[ ! -e done ]] && zpty -r inner part; do :; done
zpty -d inner
cat offered
`;

Deno.test({
  name: `zsh completes commands, flags, their values and files${isThere ? "" : " (zsh is not installed)"}`,
  ignore: !isThere,
  fn: async () => {
    await using stage = await Stage.make("mtg.zsh", zshScript(table));
    assertEquals(await stage.run("zsh", ["-f", "-n", "mtg.zsh"]), []);
    const texts = { "probe.zsh": probe, "driver.zsh": driver, "lines": offers.map(([line]) => `${line}\n`).join("") };
    for (const [name, text] of Object.entries(texts)) await Deno.writeTextFile(`${stage.directory}/${name}`, text);
    const seen = (await stage.run("zsh", ["-f", "driver.zsh"])).join("\n").split(/^> /m).slice(1).map((part) => {
      const [line = "", ...words] = part.split("\n").filter((each) => each !== "");
      return [line, [...new Set(words)].toSorted()];
    });
    assertEquals(seen, offers.map(([line, words]) => [line, words.toSorted()]));
  },
});
