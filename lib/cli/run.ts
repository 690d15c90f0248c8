import type { Address } from "../address.ts";
import type { Config } from "../config/config.ts";
import { messageOf } from "../errors.ts";
import type { PublicAddresses } from "../net/public_address.ts";
import type { Command, Flag } from "./command.ts";
import { configArgument, readConfigFile } from "./config_file.ts";
import type { Environment } from "./environment.ts";
import { linkTargets, linkText, noTargetHint, unknownFamilies } from "./links.ts";

export const noLinksFlag: Flag = { name: "no-links", docs: "Do not print the links, which hold the secret." };

export const run: Command = {
  name: "run",
  summary: "run a proxy with a configuration",
  docs:
    "Listens, prints the links for Telegram's clients to standard output, and serves until SIGINT or SIGTERM. Then it\n" +
    "stops listening and lets sessions finish for as long as grace says; a second signal ends it at once. Where neither\n" +
    "the configuration nor bind-to tells the public address, two services in the internet are asked for it meanwhile.\n" +
    "The log goes to standard error.",
  arguments: [configArgument],
  flags: [noLinksFlag],
  run: async (input, environment) => {
    const config = await readConfigFile(input.arguments[0], environment);
    return await serveWithLinks(config, environment, { links: !input.has("no-links") });
  },
};

/**
 * Serves until told to stop; `links` prints them as soon as the proxy listens, or as soon after that as its public address is
 * known. Gives the exit code.
 */
export async function serveWithLinks(
  config: Config,
  environment: Environment,
  { links }: { readonly links: boolean },
): Promise<number> {
  if (!links) {
    await environment.serve(config, {});
    return 0;
  }
  const ended = new AbortController();
  let printing = Promise.resolve();
  const onListening = (bound: readonly Address[]): void => {
    printing = printLinks(config, bound, environment, ended.signal);
  };
  try {
    await environment.serve(config, { onListening });
  } finally {
    ended.abort();
    await printing;
  }
  return 0;
}

/** Prints the links or what keeps them from being known; asks others only where no link is known. Never rejects. */
async function printLinks(
  config: Config,
  bound: readonly Address[],
  environment: Environment,
  signal: AbortSignal,
): Promise<void> {
  let targets = linkTargets(config, bound);
  const wanted = targets.length > 0 ? [] : unknownFamilies(config, bound);
  if (wanted.length > 0) {
    const detected = await environment.detectAddresses(config, wanted, signal).catch(unknown);
    if (signal.aborted) return;
    for (const problem of detected.problems) environment.printError(`mtg: ${problem}`);
    targets = linkTargets(config, bound, {}, detected);
  }
  if (targets.length > 0) environment.print(linkText(config.secret, targets));
  else environment.printError(`mtg: ${noTargetHint(bound)}`);
}

function unknown(error: unknown): PublicAddresses {
  return { problems: [messageOf(error)] };
}
