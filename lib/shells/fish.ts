/** Completion for fish. */
import {
  type CommandTable,
  type CommandWords,
  type Completion,
  firstWords,
  type FlagWords,
  groups,
  needsValue,
  secondWords,
} from "./words.ts";

export function fishScript(table: CommandTable): string {
  const { commands, topFlags, commonFlags } = table;
  const first = firstWords(table);
  return `# fish completion for mtg, made by: mtg completions fish

# Whether the words before the cursor are these, and no more, perhaps after help
function __mtg_after
    set -l words (commandline -opc)[2..]
    test "$words" = "$argv"; or test "$words" = "help $argv"; or test -z "$argv" -a "$words" = help
end

# Whether the command is this one
function __mtg_is
    set -l words (commandline -opc)[2..]
    set -l count (count $argv)
    test "$words[1..$count]" = "$argv"
end

complete -c mtg -f
${[...topFlags, ...commonFlags].map((flag) => line("__fish_use_subcommand", flagWords(flag))).join("\n")}
${first.map(({ word, docs }) => line("__mtg_after", `-a ${word} -d ${text(docs)}`)).join("\n")}
${groups(commands).flatMap((group) => groupLines(commands, group)).join("\n")}
${commands.flatMap((command) => commandLines(command, commonFlags)).join("\n")}`;
}

function groupLines(commands: readonly CommandWords[], group: string): readonly string[] {
  return secondWords(commands, group)
    .map(({ word, docs }) => line(`__mtg_after ${group}`, `-a ${word} -d ${text(docs)}`));
}

function commandLines(command: CommandWords, common: readonly FlagWords[]): readonly string[] {
  const isIt = `__mtg_is ${command.name}`;
  // Fish counts no arguments: it offers what any of them may be.
  const offered = command.arguments.map(({ completes }) => completes).filter((each) => each !== undefined);
  return [
    ...[...command.flags, ...common].map((flag) => line(isIt, flagWords(flag))),
    ...offered.map((completes) => line(isIt, completes === "file" ? "-F" : `-a ${text(completes.join(" "))}`)),
  ];
}

function line(condition: string, rest: string): string {
  return `complete -c mtg -n ${text(condition)} ${rest}`;
}

function flagWords(flag: FlagWords): string {
  const { name, short, docs } = flag;
  return `${short === undefined ? "" : `-s ${short} `}-l ${name} ${valueWords(flag)}-d ${text(docs)}`;
}

function valueWords(flag: FlagWords): string {
  if (flag.value === undefined) return "";
  // -r: a value must follow; -x: and it is no file.
  if (!needsValue(flag)) return "";
  return flag.completes === "file" ? "-r -F " : `-x ${choiceWords(flag.completes)}`;
}

function choiceWords(completes: Completion | undefined): string {
  return completes === undefined || completes === "file" ? "" : `-a ${text(completes.join(" "))} `;
}

/** In single quotes only these two mean something. */
function text(words: string): string {
  return `'${words.replaceAll(/[\\']/g, "\\$&")}'`;
}
