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

/** Of one proxy. It goes where there is a directory for it already, and nowhere else; nothing here ever rejects. */
export class RunningNote {
  readonly #environment: Environment;
  #kept: { readonly files: StateFiles; readonly text: string } | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** In place of what was there. */
  async write(config: Config, bound: readonly Address[]): Promise<void> {
    const text = noteOf(config, bound);
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

  /** Unless another proxy has left its own since. */
  async remove(): Promise<void> {
    if (this.#kept === undefined) return;
    const { files, text } = this.#kept;
    try {
      if (await files.read(runningFile) === text) await files.remove(runningFile);
    } catch {
      // What stays leads to nobody, who does not serve.
    }
  }
}

export interface Running {
  /** `undefined` where no proxy has left word. */
  readonly config: Config | undefined;
  /** Places where there may be word that this user may not read. */
  readonly unreadable: readonly string[];
}

/** What the proxy that was started last on this machine serves. @throws {ConfigError} If its word makes no sense. */
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
