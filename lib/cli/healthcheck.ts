import type { Config } from "../config/config.ts";
import type { Command } from "./command.ts";
import { configArgument, hasConfig, loadConfigFile } from "./config_file.ts";
import { containerFile } from "./container.ts";
import type { Environment } from "./environment.ts";
import { readRunning } from "./running.ts";

export const healthcheck: Command = {
  name: "healthcheck",
  summary: "ask the running proxy whether it serves",
  docs:
    "Greets the proxy that runs on this machine as a client would, at every address that it listens on, and says in one\n" +
    "line whether it answers. Without a configuration, or with that of a container, it is asked by what it has said of\n" +
    "itself in its directory of state when it started, or else in /run/mtg. It takes 3 seconds at most and asks nobody\n" +
    "else, Telegram neither. The exit code is 0 if it serves, 1 if not, 2 if the configuration cannot be used.",
  arguments: [configArgument],
  flags: [],
  run: async (input, environment) => {
    const config = await configOf(input.arguments[0], environment);
    const { isServing, text } = typeof config === "string"
      ? { isServing: false, text: config }
      : await environment.askHealth(config);
    if (isServing) environment.print(text);
    else environment.printError(`mtg: ${text}`);
    return isServing ? 0 : 1;
  },
};

/** What to ask by, or in a line why nobody knows. */
async function configOf(path: string | undefined, environment: Environment): Promise<Config | string> {
  if (path !== undefined && path !== containerFile) return (await loadConfigFile(path, environment)).config;
  const { config, unreadable } = await readRunning(environment);
  if (config !== undefined) return config;
  if (path !== undefined || hasConfig(environment)) return (await loadConfigFile(path, environment)).config;
  const hint = unreadable.length === 0 ? "" : `, or this user may not read it (${unreadable.join(", ")})`;
  return `no proxy has left word that it runs${hint}; give its configuration`;
}
