import type { Command } from "./command.ts";
import { configArgument, loadConfigFile } from "./config_file.ts";

export const healthcheck: Command = {
  name: "healthcheck",
  summary: "ask the running proxy whether it serves",
  docs:
    "Greets the proxy that runs on this machine with this configuration as a client would, at every address of bind-to,\n" +
    "and says in one line whether it answers. It takes 3 seconds at most and asks nobody else, Telegram neither. The\n" +
    "exit code is 0 if it serves, 1 if not, 2 if the configuration cannot be used.",
  arguments: [configArgument],
  flags: [],
  run: async (input, environment) => {
    const { config } = await loadConfigFile(input.arguments[0], environment);
    const { isServing, text } = await environment.askHealth(config);
    if (isServing) environment.print(text);
    else environment.printError(`mtg: ${text}`);
    return isServing ? 0 : 1;
  },
};
