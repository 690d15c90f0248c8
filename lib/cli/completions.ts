import { choice } from "../config/values.ts";
import { bashScript } from "../shells/bash.ts";
import { fishScript } from "../shells/fish.ts";
import type { CommandTable } from "../shells/words.ts";
import { zshScript } from "../shells/zsh.ts";
import { type Command, helpFlag, usageError } from "./command.ts";
import { topFlags } from "./help.ts";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
const shells = Object.keys(scripts) as readonly (keyof typeof scripts)[];

/** `commands` gives the table that the command itself stands in. */
export function completionsOf(commands: () => readonly Command[]): Command {
  return {
    name: "completions",
    summary: "print what makes a shell complete mtg's commands",
    docs: "Prints a script that makes <shell> complete commands, flags and their values. To have it in every shell:\n" +
      "  bash  mtg completions bash > ~/.local/share/bash-completion/completions/mtg\n" +
      "  zsh   mtg completions zsh > a file named _mtg in a directory of $fpath\n" +
      "  fish  mtg completions fish > ~/.config/fish/completions/mtg.fish",
    arguments: [{ name: "<shell>", completes: shells, docs: "the shell: bash, zsh or fish" }],
    flags: [],
    run: (input, environment) => {
      const wanted = input.arguments[0] ?? "";
      const shell = choice(shells)(wanted);
      if (!shell.ok) throw usageError(`completions ${JSON.stringify(wanted)}: ${shell.expected}`);
      environment.print(scripts[shell.value](tableOf(commands())));
      return Promise.resolve(0);
    },
  };
}

/** The commands as data, for shells and for the manual. */
export function tableOf(commands: readonly Command[]): CommandTable {
  return { commands, topFlags, commonFlags: [helpFlag] };
}
