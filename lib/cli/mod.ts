/** The command line: a table of commands, one file each, and the exit codes. */
import manifest from "../../deno.json" with { type: "json" };
import { nearest } from "../config/nearest.ts";
import { hideSecrets } from "../config/show.ts";
import { ConfigError, messageOf } from "../errors.ts";
import { access } from "./access.ts";
import { check } from "./check.ts";
import { asksForHelp, type Command, readInput, unknownFlag, usageError } from "./command.ts";
import { completionsOf } from "./completions.ts";
import { configCheck, configSchema } from "./config.ts";
import { doctor } from "./doctor.ts";
import { denoEnvironment, type Environment } from "./environment.ts";
import { generateSecret } from "./generate_secret.ts";
import { healthcheck } from "./healthcheck.ts";
import { helpOf, helpOfAll, topFlags } from "./help.ts";
import { run } from "./run.ts";
import { simpleRun } from "./simple_run.ts";

/** In the order of help. */
export const commands: readonly Command[] = [
  run,
  simpleRun,
  generateSecret,
  access,
  doctor,
  check,
  healthcheck,
  configCheck,
  configSchema,
  completionsOf(() => commands),
];

/** What `main()` gives back. */
export const exitCodes = { ok: 0, failed: 1, wrongUsage: 2 } as const;

/** Does what `args` say and gives the exit code; never throws. */
export async function main(
  args: readonly string[],
  environment: Environment = denoEnvironment,
): Promise<number> {
  try {
    return await dispatch(args, environment);
  } catch (error) {
    const message = messageOf(error);
    for (const line of message.split("\n")) environment.printError(`mtg: ${line}`);
    return error instanceof ConfigError ? exitCodes.wrongUsage : exitCodes.failed;
  }
}

async function dispatch(args: readonly string[], environment: Environment): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined) {
    environment.printError(helpOfAll(commands));
    return exitCodes.wrongUsage;
  }
  if (first === "help" || first === "--help" || first === "-h") return help(rest, environment);
  if (first === "version" || first === "--version" || first === "-v") {
    environment.print(versionText());
    return exitCodes.ok;
  }
  if (first.startsWith("-")) throw unknownFlag(first, topFlags);
  if (asksForHelp(rest)) return help(args.slice(0, find(args)?.words ?? 1), environment);
  const { command, words } = find(args) ?? refuse(args);
  return await command.run(readInput(command, args.slice(words)), environment);
}

function versionText(): string {
  // Compiled programs have the commit there too (scripts/compile.ts).
  const { version, commit }: { readonly version: string; readonly commit?: string } = manifest;
  const made = commit === undefined ? "" : `commit ${commit}, `;
  return `mtg ${version} (${made}deno ${Deno.version.deno}, ${Deno.build.target})`;
}

/** Of the command that `words` name, or of all that begin with them. */
function help(words: readonly string[], environment: Environment): number {
  const [group] = words;
  const inGroup = words.length > 1 ? [] : commands.filter(({ name }) => name.startsWith(`${group} `));
  const named = find(words)?.command;
  const meant = named === undefined ? inGroup : [named];
  if (group !== undefined && meant.length === 0) return refuse(words);
  environment.print(group === undefined ? helpOfAll(commands) : meant.map(helpOf).join("\n\n"));
  return exitCodes.ok;
}

/** The command whose name `args` begin with, and how many words that is. */
function find(args: readonly string[]): { readonly command: Command; readonly words: number } | undefined {
  for (const command of commands) {
    const names = command.name.split(" ");
    if (names.every((name, index) => args[index] === name)) return { command, words: names.length };
  }
  return undefined;
}

function refuse(args: readonly string[]): never {
  const names = commands.map(({ name }) => name);
  const [first = "", second = ""] = args;
  const isGroup = names.some((name) => name.startsWith(`${first} `));
  const given = isGroup ? `${first} ${second}`.trim() : first;
  const suggestion = isGroup && second === ""
    ? `expected one of ${names.filter((name) => name.startsWith(`${first} `)).join(", ")}`
    : `the nearest known one is ${nearest(given, names)}`;
  throw usageError(`unknown command ${JSON.stringify(hideSecrets(given))}: ${suggestion}`);
}
