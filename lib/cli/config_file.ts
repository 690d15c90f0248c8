import type { Config } from "../config/config.ts";
import { type Env, envName } from "../config/env.ts";
import type { ConfigWarning } from "../config/layers.ts";
import { loadConfig, type LoadedConfig } from "../config/parse.ts";
import { ConfigError } from "../errors.ts";
import { writableOnly } from "../permissions.ts";
import { type Argument, usageError } from "./command.ts";
import type { Environment } from "./environment.ts";

/** The argument of every command that wants a configuration. */
export const configArgument: Argument = {
  name: "[<config.toml>]",
  completes: "file",
  docs: "the configuration, or - to read it from standard input; without it, MTG_ variables are all of it",
};

/**
 * Reads the configuration at `path`, or standard input if that is `-`, and the environment over it; the environment alone without
 * a path.
 *
 * @throws {ConfigError} If it cannot be used.
 */
export async function loadConfigFile(path: string | undefined, environment: Environment): Promise<LoadedConfig> {
  const env = (name: string) => environment.env(name);
  if (path === undefined && !isGiven("secret", env) && !isGiven("bind-to", env)) {
    throw usageError(
      "there is no configuration: give a file, - for standard input, or MTG_SECRET and MTG_BIND_TO in the environment " +
        "(which Deno reads with --allow-env=MTG_*)",
    );
  }
  if (path === undefined) return loadConfig({ env });
  if (path === "-") {
    return loadConfig({ file: { name: "(standard input)", text: await environment.readStandardInput() }, env });
  }
  return loadConfig({ file: { name: path, text: await readText(path, environment) }, env });
}

/** As `loadConfigFile()`; its warnings go to standard error. */
export async function readConfigFile(path: string | undefined, environment: Environment): Promise<Config> {
  const { config, warnings } = await loadConfigFile(path, environment);
  printWarnings(warnings, environment);
  return config;
}

export function printWarnings(warnings: readonly ConfigWarning[], environment: Environment): void {
  for (const { message } of warnings) environment.printError(`mtg: warning: ${message}`);
}

function isGiven(key: string, env: Env): boolean {
  return (env(envName(key)) ?? "") !== "";
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
  if (error instanceof Deno.errors.NotCapable) return lackOf(permission);
  if (error instanceof Deno.errors.PermissionDenied) return "the system does not permit it";
  return error instanceof Error ? error.message : String(error);
}

/** A compiled program has its permissions for good. */
function lackOf(permission: string): string {
  if (!Deno.build.standalone) return `Deno was started without the permission for it, ${permission}`;
  return permission === "--allow-write" ? writableOnly : "Deno lets no program read that unless it may do everything";
}
