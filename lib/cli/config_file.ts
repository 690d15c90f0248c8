import type { Config } from "../config/config.ts";
import { parseConfig } from "../config/parse.ts";
import { ConfigError } from "../errors.ts";
import type { Argument } from "./command.ts";
import type { Environment } from "./environment.ts";

/** The argument of every command that wants a configuration. */
export const configArgument: Argument = {
  name: "<config.toml>",
  docs: "the configuration, or - to read it from standard input",
};

/** Reads the configuration at `path`, or standard input if that is `-`. @throws {ConfigError} If it cannot be used. */
export async function readConfigFile(path: string, environment: Environment): Promise<Config> {
  if (path === "-") return parseConfig(await environment.readStandardInput(), { file: "(standard input)" });
  return parseConfig(await readText(path, environment), { file: path });
}

async function readText(path: string, environment: Environment): Promise<string> {
  try {
    return await environment.readFile(path);
  } catch (error) {
    throw new ConfigError(`cannot read ${path}: ${explain(error, "--allow-read")}`, { path: "", file: path });
  }
}

/** Why a file cannot be read or written, in words of our own for what happens most. */
export function explain(error: unknown, permission: string): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file or directory";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  if (error instanceof Deno.errors.NotCapable) return `Deno was started without the permission for it, ${permission}`;
  if (error instanceof Deno.errors.PermissionDenied) return "the system does not permit it";
  return error instanceof Error ? error.message : String(error);
}
