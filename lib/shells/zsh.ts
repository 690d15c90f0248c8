/** Completion for zsh, by its functions `_describe` and `_arguments`. */
import {
  type ArgumentWords,
  type CommandTable,
  type CommandWords,
  type Completion,
  firstWords,
  type FlagWords,
  groups,
  needsValue,
  type NextWord,
  quoted,
  secondWords,
  spellings,
} from "./words.ts";

export function zshScript(table: CommandTable): string {
  const { commands, topFlags, commonFlags } = table;
  return `#compdef mtg
# zsh completion for mtg, made by: mtg completions zsh

_mtg() {
  local curcontext="$curcontext" command
  local -a next
  # As if the words after help stood alone
  if [[ $words[2] == help ]] && (( CURRENT > 2 )); then
    shift words
    (( CURRENT-- ))
    local helping=1
  fi
  if (( CURRENT == 2 )); then
    if [[ $words[2] == -* && -z $helping ]]; then
      _arguments -S ${[...topFlags, ...commonFlags].flatMap(specsOf).join(" ")}
      return
    fi
    next=(
${nextLines(firstWords(table))}
    )
    _describe -t commands 'mtg command' next
    return
  fi
${groups(commands).map((group) => groupLines(commands, group)).join("\n")}
  if [[ -n $helping ]]; then return 1; fi
  command=$words[2]
  shift words
  (( CURRENT-- ))
  if [[ ${groups(commands).map((group) => `$command == ${group}`).join(" || ")} ]]; then
    command+=" $words[2]"
    shift words
    (( CURRENT-- ))
  fi
  case $command in
${commands.map((command) => commandLines(command, commonFlags)).join("\n")}
  esac
}

# Read as a file of $fpath it is the function's body, else it is told to zsh.
if [[ $funcstack[1] == _mtg ]]; then _mtg "$@"; else compdef _mtg mtg; fi`;
}

function groupLines(commands: readonly CommandWords[], group: string): string {
  return `  if [[ $words[2] == ${group} ]] && (( CURRENT == 3 )); then
    next=(
${nextLines(secondWords(commands, group))}
    )
    _describe -t commands 'mtg ${group} command' next
    return
  fi`;
}

function nextLines(words: readonly NextWord[]): string {
  return words.map(({ word, docs }) => `      ${quoted(`${word}:${docs}`)}`).join("\n");
}

function commandLines(command: CommandWords, common: readonly FlagWords[]): string {
  const specs = [...[...command.flags, ...common].flatMap(specsOf), ...command.arguments.map(argumentSpec)];
  return [
    `    ${quoted(command.name)})`,
    `      _arguments -s -S \\`,
    specs.map((spec) => `        ${spec}`).join(" \\\n"),
    "      ;;",
  ].join("\n");
}

/** `*-p+[docs]:port: ` for each way to write it: `*`, as a flag may be given again; `+` and `=`, as its value may be tied to it. */
function specsOf(flag: FlagWords): readonly string[] {
  const { value, completes, docs } = flag;
  const after = value === undefined ? "" : `${needsValue(flag) ? "" : ":"}:${plain(value)}:${actionOf(completes)}`;
  return spellings(flag).map((spelling) => {
    const tie = value === undefined ? "" : spelling.startsWith("--") ? "=" : "+";
    const all = value === undefined ? `(${spellings(flag).join(" ")})` : "*";
    return quoted(`${all}${spelling}${tie}[${escaped(docs)}]${after}`);
  });
}

function argumentSpec({ name, completes }: ArgumentWords, index: number): string {
  return quoted(`${index + 1}:${name.startsWith("[") ? ":" : ""}${plain(name)}:${actionOf(completes)}`);
}

/** One space completes nothing, and only shows what is wanted. */
function actionOf(completes: Completion | undefined): string {
  if (completes === undefined) return " ";
  return completes === "file" ? "_files" : `(${completes.join(" ")})`;
}

/** The name of a value, without its brackets and what else `_arguments` reads. */
function plain(name: string): string {
  return name.replaceAll(/[<>[\]]/g, "").replaceAll(":", "\\:");
}

function escaped(docs: string): string {
  return docs.replaceAll(/[\\[\]:]/g, "\\$&");
}
