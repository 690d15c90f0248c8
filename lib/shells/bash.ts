/** Completion for bash, 3.2 and later, without the package bash-completion. */
import {
  type CommandTable,
  type CommandWords,
  type Completion,
  firstWords,
  type FlagWords,
  groups,
  needsValue,
  quoted,
  secondWords,
  spellings,
} from "./words.ts";

export function bashScript(table: CommandTable): string {
  const first = firstWords(table).map(({ word }) => word);
  const top = [...table.topFlags, ...table.commonFlags].flatMap(spellings);
  return `# bash completion for mtg, made by: mtg completions bash

# Words that begin as the one under the cursor
_mtg_words() {
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

_mtg_files() {
  local file
  COMPREPLY=()
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$cur")
}

_mtg() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} at=1 flags='' valued='' tied=0 own=0 only=0 word
  COMPREPLY=()
  # Bash takes --flag=value for three words.
  if [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]} tied=1; fi
  if [[ $cur == = ]]; then cur='' tied=1; fi
  if [[ \${COMP_WORDS[1]} == help && $COMP_CWORD -gt 1 ]]; then at=2; fi
  if [[ $COMP_CWORD -eq $at ]]; then
    _mtg_words ${quoted(first.join(" "))}
    if [[ $at -eq 1 && $cur == -* ]]; then _mtg_words ${quoted(top.join(" "))}; fi
    return
  fi
${groups(table.commands).map((group) => groupLines(table.commands, group)).join("\n")}
  if [[ $at -eq 2 ]]; then return; fi
  # What the command is, and what the flag before the cursor wants
  local command=\${COMP_WORDS[1]}
  case " ${groups(table.commands).join(" ")} " in
    *" $command "*) command+=" \${COMP_WORDS[2]}" at=2 ;;
  esac
  case "$command" in
${table.commands.map((command) => flagLines(command, table.commonFlags)).join("\n")}
    *) return ;;
  esac
  if [[ $own -eq 1 ]]; then return; fi
  # Which of the command's arguments the cursor is at: words that are neither flags nor their values come before
  local index=0 i
  for ((i = at + 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $only -eq 0 && $word == -- ]]; then only=1
    elif [[ $only -eq 0 && $word == -?* ]]; then
      if [[ \${COMP_WORDS[i + 1]} == = ]]; then i=$((i + 2))
      elif [[ " $valued " == *" $word "* ]]; then i=$((i + 1)); fi
    else index=$((index + 1)); fi
  done
  if [[ $only -eq 0 && $cur == -* ]]; then
    _mtg_words "$flags"
    return
  fi
  case "$command/$index" in
${table.commands.flatMap(argumentLines).join("\n")}
  esac
}

complete -F _mtg mtg`;
}

function groupLines(commands: readonly CommandWords[], group: string): string {
  const words = secondWords(commands, group).map(({ word }) => word);
  return `  if [[ \${COMP_WORDS[at]} == ${group} && $COMP_CWORD -eq $((at + 1)) ]]; then
    _mtg_words ${quoted(words.join(" "))}
    return
  fi`;
}

function flagLines(command: CommandWords, common: readonly FlagWords[]): string {
  const flags = [...command.flags, ...common];
  const valued = flags.filter(({ value }) => value !== undefined);
  const cases = valued.map((flag) => {
    // Where the value may be left out and is not tied to the flag, an argument may stand as well.
    const own = needsValue(flag) ? " own=1" : " own=$tied";
    return `        ${spellings(flag).join(" | ")})${actionOf(flag.completes)}${own} ;;`;
  });
  const lookAtFlag = cases.length === 0 ? [] : ['      case "$prev" in', ...cases, "      esac"];
  return [
    `    ${quoted(command.name)})`,
    `      flags=${quoted(flags.flatMap(spellings).join(" "))}`,
    `      valued=${quoted(valued.filter(needsValue).flatMap(spellings).join(" "))}`,
    ...lookAtFlag,
    "      ;;",
  ].join("\n");
}

function argumentLines({ name, arguments: all }: CommandWords): readonly string[] {
  return all.flatMap(({ completes }, index) =>
    completes === undefined ? [] : [`    ${quoted(`${name}/${index}`)})${actionOf(completes)} ;;`]
  );
}

function actionOf(completes: Completion | undefined): string {
  if (completes === undefined) return "";
  return completes === "file" ? " _mtg_files;" : ` _mtg_words ${quoted(completes.join(" "))};`;
}
