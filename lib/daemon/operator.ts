/** What changes the settings of a service while it serves: a configuration that is read again, news from Telegram. */
import type { Config } from "../config/config.ts";
import { log } from "../metrics/log.ts";
import { Background } from "./background.ts";
import { Reloader } from "./reload.ts";
import type { ServeOptions } from "./serve.ts";
import type { Service } from "./service.ts";
import type { Settings } from "./settings.ts";
import { onReloadSignal } from "./signals.ts";
import { watchFile } from "./watch.ts";

export class Operator implements AsyncDisposable {
  readonly #service: Service;
  readonly #options: ServeOptions;
  #settings: Settings;
  readonly #signals: Disposable;
  #isStopped = false;
  readonly #watching: Background;

  constructor(config: Config, service: Service, options: ServeOptions) {
    this.#service = service;
    this.#options = options;
    this.#settings = { config, dcUpdates: new Map() };
    const { reload } = options;
    const reloader = reload && new Reloader({ config, load: reload.load, apply: (next) => this.#takeOver(next) });
    this.#signals = onReloadSignal(() => {
      if (this.#isStopped) return;
      if (reloader !== undefined) return void reloader.reload("SIGHUP");
      log("warning", "SIGHUP: there is no configuration that could be read again");
    });
    this.#watching = new Background(async (signal) => {
      if (reload?.file === undefined || reloader === undefined) return;
      const onPolling = (reason: string) =>
        log(
          "info",
          `watch-config: the file is looked at every two seconds, since its directory cannot be watched: ${reason}`,
        );
      await watchFile(reload.file, { onChange: () => reloader.reload("file"), onPolling, signal });
    });
    this.#switchTasks();
  }

  /** As it is now. */
  get config(): Config {
    return this.#settings.config;
  }

  /** Changes nothing any more; a SIGHUP is still heard, because it would end the process otherwise. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#watching.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#signals[Symbol.dispose]();
  }

  async #takeOver(config: Config): Promise<void> {
    await this.#apply({ config });
    this.#options.onServing?.(config, this.#service.bound);
    this.#switchTasks();
  }

  async #apply(changes: Partial<Settings>): Promise<void> {
    this.#settings = { ...this.#settings, ...changes };
    await this.#service.apply(this.#settings);
  }

  #switchTasks(): void {
    if (this.config.watchConfig) this.#watching.start();
    else void this.#watching.stop();
  }
}
