/** Help, all of it made from the table of commands. */
import { type Command, type Flag, helpFlag } from "./command.ts";

/** Flags that stand in place of a command. */
export const topFlags: readonly Flag[] = [
  { name: "version", short: "v", docs: "Show the versions of mtg and of Deno." },
];

export function helpOfAll(commands: readonly Command[]): string {
  return [
    "mtg is a proxy for Telegram's clients that looks like a web site.",
    "",
    "Usage: mtg <command> [<flags>] [<arguments>]",
    "",
    "Commands:",
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    "",
    "Flags:",
    ...flagLines(topFlags),
    "",
    "First steps:",
    ...columns([
      ["mtg generate-secret www.example.com", "make a secret, which goes into config.toml"],
      ["mtg run config.toml", "run the proxy"],
    ]),
    '"mtg <command> --help" tells more about each command.',
  ].join("\n");
}

export function helpOf(command: Command): string {
  const names = command.arguments.map(({ name }) => ` ${name}`).join("");
  const given = command.arguments.length === 0
    ? []
    : ["", "Arguments:", ...columns(command.arguments.map(({ name, docs }) => [name, docs]))];
  return [
    `Usage: mtg ${command.name} [<flags>]${names}`,
    "",
    command.docs,
    ...given,
    "",
    "Flags:",
    ...flagLines(command.flags),
  ].join("\n");
}

function flagLines(flags: readonly Flag[]): readonly string[] {
  return columns([...flags, helpFlag].map(({ name, short, value, docs }) => [
    `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`,
    docs,
  ]));
}

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
