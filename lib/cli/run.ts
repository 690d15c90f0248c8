import type { Address } from "../address.ts";
import type { Config } from "../config/config.ts";
import type { LoadedConfig } from "../config/parse.ts";
import type { ReloadSource } from "../daemon/serve.ts";
import { messageOf } from "../errors.ts";
import type { PublicAddresses } from "../http/public_address.ts";
import type { Command, Flag } from "./command.ts";
import { configArgument, loadConfigFile } from "./config_file.ts";
import { FreshSecret } from "./container.ts";
import type { Environment } from "./environment.ts";
import { linkTargets, linkText, noTargetHint, unknownFamilies } from "./links.ts";
import { RunningNote } from "./running.ts";
import { refuseSocketsElsewhere } from "./sockets.ts";

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
    const [path] = input.arguments;
    const fresh = new FreshSecret(environment);
    const load = async () => {
      const loaded = await loadConfigFile(path, environment, fresh);
      refuseSocketsElsewhere(loaded);
      return loaded;
    };
    const loaded = await load();
    const reload = path === "-" ? undefined : { load, file: loaded.file };
    return await serveWithLinks(loaded, environment, { links: !input.has("no-links"), reload });
  },
};

/**
 * Serves until told to stop; `links` prints them as soon as the proxy listens, or as soon after that as its public address is
 * known, and again when they have become others. Gives the exit code.
 */
export async function serveWithLinks(
  { config, warnings }: LoadedConfig,
  environment: Environment,
  { links, reload }: { readonly links: boolean; readonly reload?: ReloadSource | undefined },
): Promise<number> {
  const ended = new AbortController();
  let printing = Promise.resolve("");
  const note = new RunningNote(environment);
  let noting = Promise.resolve();
  const onServing = (now: Config, bound: readonly Address[]): void => {
    noting = noting.then(() => note.write(now, bound));
    if (!links) return;
    printing = printing.then((last) => printLinks(now, bound, last, { environment, signal: ended.signal }));
  };
  try {
    await environment.serve(config, {
      warnings: warnings.map(({ message }) => message),
      onServing,
      ...(reload === undefined ? {} : { reload }),
    });
  } finally {
    ended.abort();
    await Promise.all([printing, noting]);
    await note.remove();
  }
  return 0;
}

/**
 * Prints the links, or what keeps them from being known, unless that is the same as `last`; gives it. Asks others only where no
 * link is known. Never rejects.
 */
async function printLinks(
  config: Config,
  bound: readonly Address[],
  last: string,
  { environment, signal }: { readonly environment: Environment; readonly signal: AbortSignal },
): Promise<string> {
  let targets = linkTargets(config, bound);
  const wanted = targets.length > 0 ? [] : unknownFamilies(config, bound);
  if (wanted.length > 0) {
    const detected = await environment.detectAddresses(config, wanted, signal).catch(unknown);
    if (signal.aborted) return last;
    for (const problem of detected.problems) environment.printError(`mtg: ${problem}`);
    targets = linkTargets(config, bound, {}, detected);
  }
  const text = targets.length > 0 ? linkText(config.secret, targets) : `mtg: ${noTargetHint(config, bound)}`;
  if (text === last) return last;
  try {
    if (targets.length > 0) environment.print(text);
    else environment.printError(text);
  } catch (error) {
    // Whoever is served does not need them.
    environment.printError(`mtg: cannot print the links: ${messageOf(error)}`);
  }
  return text;
}

function unknown(error: unknown): PublicAddresses {
  return { problems: [messageOf(error)] };
}
