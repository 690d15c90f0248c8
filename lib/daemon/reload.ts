/** Takes over a configuration that has changed, whole or not at all. */
import type { Config } from "../config/config.ts";
import { diffConfigs } from "../config/diff.ts";
import type { LoadedConfig } from "../config/parse.ts";
import { messageOf } from "../errors.ts";
import { log } from "../metrics/log.ts";

export interface ReloaderOptions {
  /** What the service runs by. */
  readonly config: Config;
  /** Rejects, with a line for each mistake, if it cannot be used. */
  readonly load: () => Promise<LoadedConfig>;
  /** Has the service take it over. */
  readonly apply: (config: Config) => Promise<void>;
}

/** Why the configuration is read again: somebody asked for it, or something in its directory has changed. */
export type ReloadCause = "SIGHUP" | "file";

const nothingNew = "the configuration was read again; nothing has changed";

export class Reloader {
  readonly #options: ReloaderOptions;
  #config: Config;
  #last: Promise<void> = Promise.resolve();
  /** What was said last; another change in the file's directory does not say it again. */
  #said = nothingNew;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  /** Never rejects; one at a time. Whatever is wrong goes to the log, and then all stays as it was. */
  reload(cause: ReloadCause): Promise<void> {
    return this.#last = this.#last.then(() => this.#reload(cause === "SIGHUP")).catch((error) => {
      log("error", `the configuration was not taken over: ${messageOf(error)}`);
    });
  }

  async #reload(isAsked: boolean): Promise<void> {
    let loaded: LoadedConfig;
    try {
      loaded = await this.#options.load();
    } catch (error) {
      const mistakes = messageOf(error).split("\n").join("; ");
      return this.#say(
        "error",
        `the configuration stays as it was, since what is there now is wrong: ${mistakes}`,
        isAsked,
      );
    }
    const { config, changed, needRestart } = diffConfigs(this.#config, loaded.config);
    if (changed.length > 0) await this.#options.apply(config);
    this.#config = config;
    const said: string[] = [];
    if (changed.length > 0) said.push(`taken over for new clients: ${changed.join(", ")}`);
    if (needRestart.length > 0) said.push(`stays until the proxy is started anew: ${needRestart.join(", ")}`);
    const text = said.length === 0 ? nothingNew : `the configuration was read again; ${said.join("; ")}`;
    this.#say(needRestart.length > 0 ? "warning" : "info", text, isAsked || changed.length > 0);
    if (changed.length > 0) { for (const { message } of loaded.warnings) log("warning", message); }
  }

  #say(level: "info" | "warning" | "error", text: string, isNews: boolean): void {
    if (!isNews && text === this.#said) return;
    this.#said = text;
    log(level, text);
  }
}
