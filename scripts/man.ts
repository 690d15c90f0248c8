// deno-lint-ignore-file no-console
/**
 * The manual page `mtg.1`, made from the table of commands: `deno run -R scripts/man.ts 2026-11-24 > mtg.1`, with the date of
 * the version.
 */
import manifest from "../deno.json" with { type: "json" };
import { tableOf } from "../lib/cli/completions.ts";
import { commands } from "../lib/cli/mod.ts";
import { type ArgumentWords, type CommandTable, type CommandWords, type FlagWords } from "../lib/shells/words.ts";

export interface ManualOf {
  readonly version: string;
  readonly date: Date;
}

/** Columns of a line of source, which is what `mandoc -T lint` asks for. */
const width = 78;

/** The page in the macros of mdoc(7). */
export function manualPage(table: CommandTable, { version, date }: ManualOf): string {
  const day = date.toLocaleDateString("en-US", { month: "long", day: "numeric", year: "numeric", timeZone: "UTC" });
  return [
    '.\\" Made by scripts/man.ts from the table of commands.',
    `.Dd ${day}`,
    ".Dt MTG 1",
    `.Os mtg ${version}`,
    ".Sh NAME",
    ".Nm mtg",
    ".Nd a proxy for Telegram's clients that looks like a web site",
    ".Sh SYNOPSIS",
    ".Nm",
    ".Ar command",
    ".Op Ar flags",
    ".Op Ar arguments",
    ".Nm",
    ".Cm help",
    ".Op Ar command",
    ...table.topFlags.flatMap((flag) => [".Nm", `.Fl Fl ${flag.name}`]),
    ".Sh DESCRIPTION",
    ".Nm",
    ...prose(
      "serves MTProto to Telegram's clients that show its secret, and shows a web site to everybody else. A short flag may " +
        "have its value tied to it, as in -p443, a long one with an equals sign.",
    ),
    ".Sh COMMANDS",
    ...table.commands.flatMap(commandLines),
    ".Pp",
    ...prose("Every command has"),
    ".Bl -tag -width Ds",
    ...table.commonFlags.flatMap(flagLines),
    ".El",
    ".Sh ENVIRONMENT",
    ...prose(
      "Every key of a configuration has a variable, MTG_ and its name in capitals, which goes before the file: " +
        "network.timeout.tcp is MTG_NETWORK_TIMEOUT_TCP.",
    ),
    ".Sh EXIT STATUS",
    ...prose("0 if all went well, 1 if something failed, 2 if the command line or the configuration is wrong."),
    ".Sh EXAMPLES",
    ...prose("A secret for a configuration, and a proxy that is run with it:"),
    ".Bd -literal -offset indent",
    "mtg generate-secret www.example.com",
    "mtg run config.toml",
    ".Ed",
    "",
  ].join("\n");
}

function commandLines(command: CommandWords): readonly string[] {
  const list = [...command.arguments.flatMap(argumentLines), ...command.flags.flatMap(flagLines)];
  return [
    `.Ss ${command.name}`,
    ...docsLines(command.docs),
    ...list.length === 0 ? [] : [".Bl -tag -width Ds", ...list, ".El"],
  ];
}

/** Lines that are indented stay as they are. */
function docsLines(docs: string): readonly string[] {
  const [text = "", ...listed] = docs.split(/\n(?= {2})/);
  return [...prose(text), ...listed.length === 0 ? [] : [".Bd -literal", ...listed.map(literal), ".Ed"]];
}

function argumentLines({ name, docs }: ArgumentWords): readonly string[] {
  return [`.It ${valueMacro(name)}`, ...prose(`${docs[0]?.toUpperCase()}${docs.slice(1)}.`)];
}

function flagLines({ name, short, value, docs }: FlagWords): readonly string[] {
  const words = [...short === undefined ? [] : [`Fl ${short} ,`], `Fl Fl ${literal(name)}`];
  return [`.It ${words.join(" ")}${value === undefined ? "" : ` ${valueMacro(value)}`}`, ...prose(docs)];
}

function valueMacro(name: string): string {
  const macro = `Ar ${literal(name.replaceAll(/[[\]<>]/g, ""))}`;
  return name.startsWith("[") ? `Op ${macro}` : macro;
}

/** Text as lines of source: each sentence begins one, as the program that sets it wants to know where sentences end. */
function prose(text: string): readonly string[] {
  return text.replaceAll("\n", " ").split(/(?<=[.:?])\s+(?=[A-Z])/).flatMap((sentence) => {
    const lines: string[] = [""];
    for (const word of sentence.split(/\s+/).map(escaped)) {
      const last = lines.length - 1;
      const longer = `${lines[last]} ${word}`.trim();
      if (longer.length <= width) lines[last] = longer;
      else lines.push(word);
    }
    return lines.map(guarded);
  });
}

function literal(text: string): string {
  return guarded(escaped(text));
}

/** Signs that can be copied from what is shown, and letters that not every program reads as UTF-8. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("~", "\\(ti").replaceAll("^", "\\(ha")
    .replaceAll(
      /[^\x20-\x7e]/gu,
      (letter) => `\\[u${letter.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}]`,
    );
}

/** A dot or an apostrophe in front would be a macro. */
function guarded(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

if (import.meta.main) {
  const [text = ""] = Deno.args;
  const date = new Date(text);
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(date.getTime())) {
    console.error("expected the date of the version, as in: scripts/man.ts 2026-11-24");
    Deno.exit(2);
  }
  console.log(manualPage(tableOf(commands), { version: manifest.version, date }).trimEnd());
}
