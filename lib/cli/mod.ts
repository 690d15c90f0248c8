/** The command line: a table of commands, one file each, and the exit codes. */
import manifest from "../../deno.json" with { type: "json" };
import { nearest } from "../config/nearest.ts";
import { hideSecrets } from "../config/show.ts";
import { ConfigError, messageOf } from "../errors.ts";
import { access } from "./access.ts";
import { check } from "./check.ts";
import { asksForHelp, type Command, readInput, unknownFlag, usageError } from "./command.ts";
import { doctor } from "./doctor.ts";
import { denoEnvironment, type Environment } from "./environment.ts";
import { generateSecret } from "./generate_secret.ts";
import { helpOf, helpOfAll, topFlags } from "./help.ts";
import { run } from "./run.ts";
import { simpleRun } from "./simple_run.ts";

const commands: readonly Command[] = [run, simpleRun, generateSecret, access, doctor, check];

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
  if (first === "help" || first === "--help" || first === "-h") return help(rest[0], environment);
  if (first === "version" || first === "--version" || first === "-v") {
    environment.print(`mtg ${manifest.version} (deno ${Deno.version.deno}, ${Deno.build.target})`);
    return exitCodes.ok;
  }
  if (first.startsWith("-")) throw unknownFlag(first, topFlags);
  const command = find(first);
  if (asksForHelp(rest)) return help(command.name, environment);
  return await command.run(readInput(command, rest), environment);
}

function help(name: string | undefined, environment: Environment): number {
  environment.print(name === undefined ? helpOfAll(commands) : helpOf(find(name)));
  return exitCodes.ok;
}

function find(name: string): Command {
  const command = commands.find((known) => known.name === name);
  if (command !== undefined) return command;
  const suggestion = nearest(name, commands.map((known) => known.name));
  throw usageError(`unknown command ${JSON.stringify(hideSecrets(name))}: the nearest known one is ${suggestion}`);
}
