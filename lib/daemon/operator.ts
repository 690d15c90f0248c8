/** What changes the settings of a service while it serves: a configuration that is read again, news from Telegram. */
import type { Config } from "../config/config.ts";
import { log } from "../metrics/log.ts";
import { sameNetwork } from "../thread/network.ts";
import type { Service } from "../thread/service.ts";
import type { Settings } from "../thread/settings.ts";
import { Background } from "./background.ts";
import { Reloader } from "./reload.ts";
import type { ServeOptions } from "./serve.ts";
import { watchFile } from "./watch.ts";

export class Operator implements AsyncDisposable {
  readonly #service: Service;
  readonly #options: ServeOptions;
  #settings: Settings;
  readonly #reloader: Reloader | undefined;
  #isStopped = false;
  readonly #watching: Background;
  readonly #updating: Background;

  constructor(config: Config, service: Service, options: ServeOptions) {
    this.#service = service;
    this.#options = options;
    this.#settings = { config, dcUpdates: new Map() };
    const { reload } = options;
    const reloader = this.#reloader = reload &&
      new Reloader({
        config,
        load: reload.load,
        mayFront: (next) => service.mayFront(next),
        apply: (next) => this.#takeOver(next),
      });
    this.#watching = new Background(async (signal) => {
      if (reload?.file === undefined || reloader === undefined) return;
      const onPolling = (reason: string) =>
        log(
          "info",
          `watch-config: the file is looked at every two seconds, for its directory cannot be watched: ${reason}`,
        );
      await watchFile(reload.file, { onChange: () => reloader.reload("file"), onPolling, signal });
    });
    this.#updating = new Background((signal) => this.#keepUpdated(signal));
    this.#switchTasks();
  }

  /** As it is now. */
  get config(): Config {
    return this.#settings.config;
  }

  /** Somebody wants the configuration to be read again. */
  reload(): void {
    if (this.#isStopped) return;
    if (this.#reloader !== undefined) return void this.#reloader.reload("SIGHUP");
    log("warning", "SIGHUP: there is no configuration that could be read again");
  }

  /** Changes nothing any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#watching.stop(), this.#updating.stop()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #takeOver(config: Config): Promise<void> {
    const before = this.config;
    await this.#apply({ config });
    this.#options.onServing?.(config, this.#service.bound);
    // It goes by the ways that there were when it began.
    if (!sameNetwork(before, config)) await this.#updating.stop();
    this.#switchTasks();
  }

  async #apply(changes: Partial<Settings>): Promise<void> {
    this.#settings = { ...this.#settings, ...changes };
    await this.#service.apply(this.#settings);
  }

  /** Those run that the configuration wants; one that ends the watching does so by what that has seen, so nobody waits for it. */
  #switchTasks(): void {
    if (this.#isStopped) return;
    if (this.config.watchConfig) this.#watching.start();
    else void this.#watching.stop();
    if (this.config.autoUpdate) this.#updating.start();
    else void this.#updating.stop();
  }

  /** `auto-update`, loaded where it is wanted; what Telegram has named stays in force when this ends. */
  async #keepUpdated(signal: AbortSignal): Promise<void> {
    const { keepDcsUpdated } = await import("./dc_updates.ts");
    await keepDcsUpdated(this.config, (dcUpdates) => void this.#apply({ dcUpdates }), signal);
  }
}
