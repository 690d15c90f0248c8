/** Takes over a configuration that has changed, whole or not at all. */
import type { Config } from "../config/config.ts";
import { type ConfigDiff, diffConfigs } from "../config/diff.ts";
import type { LoadedConfig } from "../config/parse.ts";
import { messageOf } from "../errors.ts";
import { log } from "../metrics/log.ts";

export interface ReloaderOptions {
  /** What the service runs by. */
  readonly config: Config;
  /** Rejects, with a line for each mistake, if it cannot be used. */
  readonly load: () => Promise<LoadedConfig>;
  /** Whether the service may reach the fronted site of a configuration. */
  readonly mayFront: (config: Config) => boolean;
  /** Has the service take it over. */
  readonly apply: (config: Config) => Promise<void>;
}

/** Why the configuration is read again: somebody asked for it, or something in its directory has changed. */
export type ReloadCause = "SIGHUP" | "file";

const readAgain = "the configuration was read again";

export class Reloader {
  readonly #options: ReloaderOptions;
  #config: Config;
  #last: Promise<void> = Promise.resolve();
  /** What is known; another change in the file's directory does not say it again. */
  #said = `${readAgain}; nothing has changed`;

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
    const { config, changed, needRestart } = this.#diff(loaded.config);
    if (changed.length > 0) await this.#options.apply(config);
    this.#config = config;
    const stays = needRestart.length > 0 ? `stays until the proxy is started anew: ${needRestart.join(", ")}` : "";
    const level = stays === "" ? "info" : "warning";
    if (changed.length === 0) return this.#say(level, `${readAgain}; ${stays || "nothing has changed"}`, isAsked);
    const news = [`taken over for new clients: ${changed.join(", ")}`, ...stays === "" ? [] : [stays]];
    log(level, `${readAgain}; ${news.join("; ")}`);
    for (const { message } of loaded.warnings) log("warning", message);
    this.#said = `${readAgain}; ${stays || "nothing has changed"}`;
  }

  #diff(next: Config): ConfigDiff {
    const diff = diffConfigs(this.#config, next);
    if (this.#options.mayFront(next)) return diff;
    const isOfFront = (key: string) => key.startsWith("domain-fronting.");
    return {
      config: { ...diff.config, domainFronting: this.#config.domainFronting },
      changed: diff.changed.filter((key) => !isOfFront(key)),
      needRestart: [...diff.needRestart, ...diff.changed.filter(isOfFront)],
    };
  }

  #say(level: "info" | "warning" | "error", text: string, isAsked: boolean): void {
    if (!isAsked && text === this.#said) return;
    this.#said = text;
    log(level, text);
  }
}
