/** What a command is, and how its flags and arguments are read: strictly, so that no mistyped flag passes unnoticed. */
import { parseArgs } from "@std/cli/parse-args";
import { nearest } from "../config/nearest.ts";
import { hideSecrets, showValue } from "../config/show.ts";
import { ConfigError } from "../errors.ts";
import type { ArgumentWords, CommandWords, FlagWords } from "../shells/words.ts";
import type { Environment } from "./environment.ts";

export interface Flag extends FlagWords {
  /** Makes the value one that may be left out: tells whether the argument that follows is the value. */
  readonly isValue?: (next: string) => boolean;
}

export type Argument = ArgumentWords;

export interface Command extends CommandWords {
  readonly arguments: readonly Argument[];
  readonly flags: readonly Flag[];
  /** Gives the exit code. */
  run(input: Input, environment: Environment): Promise<number>;
}

/** What was typed after a command. */
export interface Input {
  /** As many as the command has arguments; those left out are `undefined`. */
  readonly arguments: readonly (string | undefined)[];
  /** Whether a flag without a value was given. */
  has(flag: string): boolean;
  /** The last value given for a flag. */
  value(flag: string): string | undefined;
  /** All values given for a flag, in order. */
  values(flag: string): readonly string[];
}

/** Every command has it. */
export const helpFlag: Flag = { name: "help", short: "h", docs: "Show this help." };

/** A mistake on the command line. */
export function usageError(message: string): ConfigError {
  return new ConfigError(message, { path: "" });
}

/** Whether help was asked for, which goes before whatever else may be wrong. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).some((arg) => arg === "--help" || arg === "-h");
}

/**
 * Reads what follows the name of `command`.
 *
 * @throws {ConfigError} If a flag is unknown, lacks its value or takes none, or if arguments are missing or too many.
 */
export function readInput(command: Command, given: readonly string[]): Input {
  const flags = [...command.flags, helpFlag];
  const valued = flags.filter((flag) => flag.value !== undefined);
  const plain = flags.filter((flag) => flag.value === undefined);
  const args = expandLetters(flags, given);
  refuseValues(plain, args);
  const unknown: string[] = [];
  const parsed: Record<string, unknown> = parseArgs(joinValues(valued, args), {
    string: [...valued.map((flag) => flag.name), "_"],
    boolean: plain.map((flag) => flag.name),
    collect: valued.map((flag) => flag.name),
    unknown: (arg: string, key?: string) => key === undefined || (unknown.push(nameFlag(arg, key)), false),
  });
  const [first] = unknown;
  if (first !== undefined) throw unknownFlag(first, command.flags);
  const values = new Map(valued.map((flag) => [flag.name, valuesOf(flag, parsed[flag.name])]));
  return {
    arguments: readArguments(command, (parsed["_"] as readonly unknown[]).map(String)),
    has: (flag) => parsed[flag] === true,
    value: (flag) => values.get(flag)?.at(-1),
    values: (flag) => values.get(flag) ?? [],
  };
}

/** A value of a flag that is not right. */
export function wrongValue(flag: string, value: string, expected: string): ConfigError {
  return usageError(`--${flag} = ${showValue(value, false)}: ${expected}`);
}

/** A mistyped flag, with the nearest one there is. */
export function unknownFlag(name: string, flags: readonly Flag[]): ConfigError {
  const known = [...flags, helpFlag].flatMap((flag) =>
    flag.short === undefined ? [`--${flag.name}`] : [`--${flag.name}`, `-${flag.short}`]
  );
  return usageError(`unknown flag ${hideSecrets(name)}: the nearest known one is ${nearest(name, known)}`);
}

function nameFlag(arg: string, key: string): string {
  return arg.startsWith("--") ? `--${arg.slice(2).split("=")[0]}` : `-${key}`;
}

/** `--debug=false` is understood, `--debug=maybe` not. */
function refuseValues(plain: readonly Flag[], args: readonly string[]): void {
  for (const arg of args) {
    if (arg === "--") return;
    const [, name, value] = /^--([^=]+)=(.*)$/.exec(arg) ?? [];
    if (value === "true" || value === "false") continue;
    if (plain.some((flag) => flag.name === name)) throw usageError(`--${name} takes no value`);
  }
}

/** Letters as the flags that they stand for: `-dc5` is `--debug --concurrency=5`. Those of no flag stay. */
function expandLetters(flags: readonly Flag[], args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  const before = end < 0 ? args : args.slice(0, end);
  return [...before.flatMap((arg) => /^-[a-z]/i.test(arg) ? expand(flags, arg) : [arg]), ...args.slice(before.length)];
}

function expand(flags: readonly Flag[], arg: string): readonly string[] {
  const expanded: string[] = [];
  for (let at = 1; at < arg.length; at++) {
    const flag = flags.find(({ short }) => short === arg[at]);
    const rest = arg.slice(at + 1);
    if (flag === undefined) return [...expanded, `-${arg[at]}`];
    const takesRest = rest.startsWith("=") || (rest !== "" && flag.value !== undefined);
    if (takesRest) return [...expanded, `--${flag.name}=${rest.replace(/^=/, "")}`];
    expanded.push(`--${flag.name}`);
  }
  return expanded;
}

/** Ties values to their flags with `=` where that would otherwise go wrong: `--dc-override -2=…`, and values that may be left out. */
function joinValues(valued: readonly Flag[], args: readonly string[]): string[] {
  const joined: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--") return [...joined, ...args.slice(index)];
    const next = args[index + 1] ?? "";
    const flag = valued.find(({ name }) => arg === `--${name}`);
    if (flag !== undefined && (flag.isValue?.(next) ?? /^-\d/.test(next))) joined.push(`${arg}=${args[++index]}`);
    else joined.push(flag?.isValue === undefined ? arg : `${arg}=`);
  }
  return joined;
}

/** An empty text is a value that was left out. */
function valuesOf(flag: Flag, given: unknown): readonly string[] {
  const values = Array.isArray(given) ? given.map(String) : [];
  if (flag.isValue === undefined && values.includes("")) {
    throw usageError(`--${flag.name} needs a value: --${flag.name} ${flag.value}`);
  }
  return values;
}

function readArguments(command: Command, given: readonly string[]): readonly (string | undefined)[] {
  const missing = command.arguments.slice(given.length).find((argument) => !argument.name.startsWith("["));
  if (missing !== undefined) throw usageError(`${command.name} needs ${missing.name}: ${missing.docs}`);
  const extra = given[command.arguments.length];
  if (extra !== undefined) {
    throw usageError(`${command.name} does not take ${showValue(extra, false)} as well`);
  }
  return command.arguments.map((_, index) => given[index]);
}
