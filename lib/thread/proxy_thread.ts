/** What one thread of the service does, be it a worker or the only one: listens, serves, and ends in order. */
import { equal } from "@std/assert/equal";
import type { Address } from "../address.ts";
import type { Config } from "../config/config.ts";
import { eachOf, type EventSink } from "../events/event.ts";
import { logEvents, type LogFormat, setLogLevel } from "../metrics/log.ts";
import type { Listener } from "../net/listener.ts";
import { systemClock } from "../net/system_clock.ts";
import type { ProxyOptions } from "../proxy/options.ts";
import { Proxy } from "../proxy/proxy.ts";
import { listenOn } from "./bind_to.ts";
import { buildProxyOptions, frontOf } from "./build_proxy.ts";
import { outliveFaults } from "./faults.ts";
import { checkFront, isOwnConnection } from "./front_check.ts";
import { Network, sameNetwork } from "./network.ts";
import type { Settings } from "./settings.ts";
import { type SharedBuffers, SharedState } from "./shared_state.ts";

/** Goes to a worker as a message, so it holds nothing but data. */
export interface ThreadOptions extends Settings {
  readonly logFormat: LogFormat;
  readonly shared: SharedBuffers;
  /** Which of `workers` it is, from 0. */
  readonly worker: number;
  readonly workers: number;
  readonly listen: readonly Address[];
  /** What other threads of this proxy listen on. */
  readonly elsewhere: readonly Address[];
  /** Whether it looks for the fronted site, at start and when it becomes another; one of all threads does. */
  readonly checksFront: boolean;
}

export class ProxyThread implements AsyncDisposable {
  readonly #options: ThreadOptions;
  readonly #listeners: readonly Listener[];
  readonly #clock = systemClock;
  readonly #events: EventSink;
  readonly #proxy: Proxy;
  #network: Network;
  #config: Config;
  readonly #guard: Disposable;
  readonly #stopping = new AbortController();
  /** All that is going on and ends when it stops listening. */
  readonly #tasks = new Set<Promise<void>>();

  private constructor(options: ThreadOptions, listeners: readonly Listener[]) {
    const { config, shared, worker, workers } = options;
    this.#options = options;
    this.#listeners = listeners;
    this.#config = config;
    const clock = this.#clock;
    const events = this.#events = eachOf(
      new SharedState(config, shared, worker).counters,
      logEvents(clock, { threads: workers }),
    );
    this.#guard = outliveFaults(events);
    this.#network = new Network(config, { clock: this.#clock, events: this.#events });
    const proxyOptions = this.#proxyOptions(options);
    const proxy = this.#proxy = new Proxy(proxyOptions);
    for (const listener of listeners) this.#begin(listener.acceptInto(proxy, { clock, events }));
    if (options.checksFront) this.#checkFront(proxyOptions);
  }

  /** @throws {Error} If it cannot listen on all addresses; then it listens on none. */
  static async start(options: ThreadOptions): Promise<ProxyThread> {
    const reusePort = options.workers > 1;
    const listeners = await listenOn(options.listen, { reusePort });
    return new ProxyThread(options, [...listeners.values()]);
  }

  /** What it listens on; port 0 has become the real one. */
  get bound(): readonly Address[] {
    return this.#listeners.map((listener) => listener.address);
  }

  /** Serves new clients by `settings`; whoever is served already is not disturbed. */
  apply(settings: Settings): void {
    const { config } = settings;
    const before = frontOf(this.#config);
    setLogLevel(config.logLevel);
    if (!sameNetwork(config, this.#config)) {
      this.#retire(this.#network);
      this.#network = new Network(config, { clock: this.#clock, events: this.#events });
    }
    this.#config = config;
    const proxyOptions = this.#proxyOptions(settings);
    this.#proxy.reconfigure(proxyOptions);
    if (this.#options.checksFront && !equal(proxyOptions.front, before)) this.#checkFront(proxyOptions);
  }

  /** As a `Service` does. */
  async stop(graceMs: number, onClosed: () => void): Promise<void> {
    this.#stopListening();
    await Promise.all(this.#tasks);
    onClosed();
    await this.#proxy.drain(graceMs);
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    await this.#proxy[Symbol.asyncDispose]();
    await Promise.all(this.#tasks);
    this.#network[Symbol.dispose]();
    this.#guard[Symbol.dispose]();
  }

  #proxyOptions(settings: Settings): ProxyOptions {
    const { config } = settings;
    const { shared: buffers, worker, workers, elsewhere } = this.#options;
    const bound = [...this.bound, ...elsewhere];
    const own = { bound, public: publicAddresses(config, bound) };
    return buildProxyOptions(settings, {
      clock: this.#clock,
      events: this.#events,
      isOwn: (dialed) => isOwnConnection(dialed, own),
      // Of the same memory: limits and lifetimes may be others now.
      shared: new SharedState(config, buffers, worker),
      network: this.#network,
      workers,
    });
  }

  #checkFront(options: ProxyOptions): void {
    this.#begin(checkFront(options, this.#stopping.signal));
  }

  /** Lets what is being dialed by it come to its end before it is gone. */
  #retire(network: Network): void {
    const over = this.#clock.sleep(network.lingersMs, this.#stopping.signal).catch(() => {});
    this.#begin(over.then(() => network[Symbol.dispose]()));
  }

  #begin(work: Promise<void>): void {
    const task = work.finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  #stopListening(): void {
    for (const listener of this.#listeners) listener[Symbol.dispose]();
    this.#stopping.abort();
  }
}

function publicAddresses(
  { publicIpv4, publicIpv6, publicPort }: Config,
  bound: readonly Address[],
): readonly Address[] {
  const ports = publicPort === undefined
    ? bound.flatMap((address) => address.kind === "tcp" ? [address.port] : [])
    : [publicPort];
  const hosts = [publicIpv4, publicIpv6].filter((host) => host !== undefined);
  return hosts.flatMap((host) => ports.map((port): Address => ({ kind: "tcp", host, port })));
}
