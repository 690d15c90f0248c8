/**
 * What a running proxy leaves word of, for `mtg healthcheck`: a file of the configuration may have been changed since it was read,
 * and a secret may be in no file at all.
 *
 * ```toml
 * secret = "…"
 * bind-to = ["0.0.0.0:443"]
 * allow-fallback-on-unknown-dc = false
 * ```
 */
import { type Address, formatAddress } from "../address.ts";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/parse.ts";
import { writableDirectories } from "../permissions.ts";
import { formatSecret } from "../policy/secret.ts";
import { stateDirectoryOf } from "./container.ts";
import type { Environment, StateFiles } from "./environment.ts";

const runningFile = "running.toml";
/** Where a service and a container may write even if they keep no state. */
const runDirectory = "/run/mtg";

interface Kept {
  readonly files: StateFiles;
  readonly text: string;
}

/** Of one proxy. It goes where there is a directory for it already, and nowhere else; nothing here ever rejects. */
export class RunningNote {
  readonly #environment: Pick<Environment, "state">;
  #kept: Kept | undefined;

  constructor(environment: Pick<Environment, "state">) {
    this.#environment = environment;
  }

  /** In place of what it has left before, be it that this cannot be written now. */
  async write(config: Config, bound: readonly Address[]): Promise<void> {
    const before = this.#kept;
    await this.#place(config, noteOf(config, bound));
    if (before !== undefined && before.files.path !== this.#kept?.files.path) await removeOwn(before);
  }

  /** Unless another proxy has left its own since. */
  async remove(): Promise<void> {
    if (this.#kept !== undefined) await removeOwn(this.#kept);
  }

  async #place(config: Config, text: string): Promise<void> {
    this.#kept = undefined;
    for (const directory of new Set([config.state.directory, runDirectory])) {
      const files = this.#environment.state(directory);
      if (!await files.exists()) continue;
      try {
        await files.write(runningFile, text);
        this.#kept = { files, text };
        return;
      } catch {
        // It belongs to another user, or is full: there is one more, and the proxy serves without.
      }
    }
  }
}

async function removeOwn({ files, text }: Kept): Promise<void> {
  try {
    if (await files.read(runningFile) === text) await files.remove(runningFile);
  } catch {
    // What stays leads to nobody, who does not serve.
  }
}

export interface Running {
  /** `undefined` where no proxy has left word. */
  readonly config: Config | undefined;
  /** Places where there may be word that this user may not read. */
  readonly unreadable: readonly string[];
}

/**
 * What a proxy on this machine has left word of: the first in the directory of state that variables name, `mtg-data` here, and the
 * places of a service and a container.
 *
 * @throws {ConfigError} If its word makes no sense.
 */
export async function readRunning(environment: Environment): Promise<Running> {
  const unreadable: string[] = [];
  for (const directory of new Set([stateDirectoryOf(environment), ...writableDirectories])) {
    const files = environment.state(directory);
    const text = await files.read(runningFile).catch(() => void unreadable.push(files.pathOf(runningFile)));
    if (text === undefined) continue;
    return { config: loadConfig({ file: { name: files.pathOf(runningFile), text } }).config, unreadable };
  }
  return { config: undefined, unreadable };
}

function noteOf({ secret, allowFallbackOnUnknownDc }: Config, bound: readonly Address[]): string {
  return [
    "# What is served now; mtg healthcheck asks by it.",
    `secret = ${JSON.stringify(formatSecret(secret, "hex"))}`,
    `bind-to = ${JSON.stringify(bound.map(formatAddress))}`,
    `allow-fallback-on-unknown-dc = ${allowFallbackOnUnknownDc}`,
    "",
  ].join("\n");
}
