import type { Config } from "../config/config.ts";
import { containerVariables, hasContainerVariables } from "../config/container_env.ts";
import { type Env, envName, given } from "../config/env.ts";
import type { ConfigWarning } from "../config/layers.ts";
import { type ConfigSources, loadConfig, type LoadedConfig } from "../config/parse.ts";
import { ConfigError } from "../errors.ts";
import { writableOnly } from "../permissions.ts";
import { type Argument, usageError } from "./command.ts";
import { containerFile, type FreshSecret, loadContainer } from "./container.ts";
import type { Environment } from "./environment.ts";

/** The argument of every command that wants a configuration. */
export const configArgument: Argument = {
  name: "[<config.toml>]",
  completes: "file",
  docs: "the configuration, a directory with config.toml in it, or - for standard input; or variables alone",
};

export interface LoadedFile extends LoadedConfig {
  /** Where it was read; `undefined` where no file was. */
  readonly file: string | undefined;
}

/**
 * Reads the configuration at `path`, or standard input if that is `-`, and the environment over it. A directory has it as
 * `config.toml`. The environment is all of it without a path, or where the container has no file: then `fresh` makes the secret
 * that nobody gives.
 *
 * @throws {ConfigError} If it cannot be used.
 */
export async function loadConfigFile(
  path: string | undefined,
  environment: Environment,
  fresh?: FreshSecret,
): Promise<LoadedFile> {
  const env = (name: string) => environment.env(name);
  if (path === "-") {
    const text = await environment.readStandardInput();
    return { ...loadConfig({ file: { name: "(standard input)", text }, env }), file: undefined };
  }
  const file = path === undefined ? undefined : await readFile(path, environment);
  if (file !== undefined) {
    const loaded = loadConfig({ file, env });
    return { ...loaded, warnings: [...loaded.warnings, ...idleVariables(path, env)], file: file.name };
  }
  const isContainer = path !== undefined || (!isGiven("secret", env) && hasContainerVariables(env));
  if (isContainer) return { ...await loadContainer(environment, fresh), file: undefined };
  if (!hasConfig(environment)) {
    throw usageError(
      "there is no configuration: give a file, - for standard input, or MTG_SECRET and MTG_BIND_TO in the environment " +
        "(which Deno reads with --allow-env=MTG_*)",
    );
  }
  const loaded = loadConfig({ env });
  return { ...loaded, warnings: [...loaded.warnings, ...idleVariables(path, env)], file: undefined };
}

/** Whether variables alone give a configuration, be it a wrong one. */
export function hasConfig(environment: Environment): boolean {
  const env = (name: string) => environment.env(name);
  return isGiven("secret", env) || isGiven("bind-to", env) || hasContainerVariables(env);
}

/** Who has both means something by each. */
function idleVariables(path: string | undefined, env: Env): readonly ConfigWarning[] {
  const names = path === undefined || path === containerFile ? containerVariables(env) : [];
  if (names.length === 0) return [];
  const why = path === undefined
    ? "MTG_ variables are the whole configuration"
    : `there is ${containerFile}; MTG_ variables go before it`;
  return [{ kind: "environment", path: "", message: `${names.join(", ")}: without effect, since ${why}` }];
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
  return given(env, envName(key)) !== undefined;
}

/** `undefined` if the container has none. */
async function readFile(path: string, environment: Environment): Promise<ConfigSources["file"]> {
  try {
    return { name: path, text: await environment.readFile(path) };
  } catch (error) {
    if (error instanceof Deno.errors.IsADirectory) return await readIn(path, environment);
    if (error instanceof Deno.errors.NotFound && path === containerFile) return undefined;
    // Which Deno takes for a part of /proc.
    const hint = path === "/dev/stdin" ? "; write - for standard input" : "";
    throw unreadable(path, explain(error, "--allow-read") + hint);
  }
}

async function readIn(directory: string, environment: Environment): Promise<ConfigSources["file"]> {
  const name = `${directory.replace(/\/+$/, "")}/config.toml`;
  try {
    return { name, text: await environment.readFile(name) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw unreadable(name, explain(error, "--allow-read"));
    throw unreadable(
      directory,
      "it is a directory without config.toml in it (Docker makes one where the file to be mounted does not exist)",
    );
  }
}

function unreadable(path: string, reason: string): ConfigError {
  return new ConfigError(`cannot read ${path}: ${reason}`, { path: "", file: path });
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
