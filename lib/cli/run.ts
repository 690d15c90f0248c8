import type { Address } from "../address.ts";
import type { Config } from "../config/config.ts";
import type { Command, Flag } from "./command.ts";
import { configArgument, readConfigFile } from "./config_file.ts";
import type { Environment } from "./environment.ts";
import { linkTargets, linkText, noTargetHint } from "./links.ts";

export const noLinksFlag: Flag = { name: "no-links", docs: "Do not print the links, which hold the secret." };

export const run: Command = {
  name: "run",
  summary: "run a proxy with a configuration",
  docs:
    "Listens, prints the links for Telegram's clients to standard output, and serves until SIGINT or SIGTERM. Then it\n" +
    "stops listening and lets sessions finish for as long as grace says; a second signal ends it at once.\n" +
    "The log goes to standard error.",
  arguments: [configArgument],
  flags: [noLinksFlag],
  run: async (input, environment) => {
    const config = await readConfigFile(input.arguments[0], environment);
    return await serveWithLinks(config, environment, { links: !input.has("no-links") });
  },
};

/** Serves until told to stop; `links` prints them as soon as the proxy listens. Gives the exit code. */
export async function serveWithLinks(
  config: Config,
  environment: Environment,
  { links }: { readonly links: boolean },
): Promise<number> {
  const onListening = (bound: readonly Address[]): void => {
    const targets = linkTargets(config, bound);
    if (targets.length > 0) environment.print(linkText(config.secret, targets));
    else environment.printError(`mtg: ${noTargetHint(bound)}`);
  };
  await environment.serve(config, links ? { onListening } : {});
  return 0;
}
