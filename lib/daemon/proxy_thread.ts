/** What one thread of the service does, be it a worker or the only one: listens, serves, and ends in order. */
import type { Address } from "../address.ts";
import type { Config } from "../config/config.ts";
import { eachOf } from "../events/event.ts";
import { logEvents, type LogFormat } from "../metrics/log.ts";
import type { Listener } from "../net/listener.ts";
import { systemClock } from "../net/system_clock.ts";
import { Proxy } from "../proxy/proxy.ts";
import { listenOn } from "./bind_to.ts";
import { buildProxyOptions } from "./build_proxy.ts";
import { outliveFaults } from "./faults.ts";
import { checkFront, isOwnConnection } from "./front_check.ts";
import { type SharedBuffers, SharedState } from "./shared_state.ts";

/** Goes to a worker as a message, so it holds nothing but data. */
export interface ThreadOptions {
  readonly config: Config;
  readonly logFormat: LogFormat;
  readonly shared: SharedBuffers;
  /** Which of `workers` it is, from 0. */
  readonly worker: number;
  readonly workers: number;
  readonly listen: readonly Address[];
  /** What other threads of this proxy listen on. */
  readonly elsewhere: readonly Address[];
  /** Whether it looks for the fronted site; one of all threads does, at start. */
  readonly checksFront: boolean;
}

export class ProxyThread implements AsyncDisposable {
  readonly #proxy: Proxy;
  readonly #listeners: readonly Listener[];
  readonly #guard: Disposable;
  readonly #stopping = new AbortController();
  /** All that ends when it stops listening. */
  readonly #tasks: readonly Promise<void>[];

  private constructor(options: ThreadOptions, listeners: readonly Listener[]) {
    const { config, worker, workers } = options;
    this.#listeners = listeners;
    const shared = new SharedState(config, options.shared, worker);
    const clock = systemClock;
    const events = eachOf(shared.counters, logEvents(clock, { threads: workers }));
    this.#guard = outliveFaults(events);
    const bound = [...this.bound, ...options.elsewhere];
    const own = { bound, public: publicAddresses(config, bound) };
    const isOwn: typeof proxyOptions.isOwn = (dialed) => isOwnConnection(dialed, own);
    const proxyOptions = buildProxyOptions(config, { clock, events, isOwn, shared, workers });
    const proxy = this.#proxy = new Proxy(proxyOptions);
    this.#tasks = [
      ...listeners.map((listener) => listener.acceptInto(proxy, { clock, events })),
      ...options.checksFront ? [checkFront(proxyOptions, this.#stopping.signal)] : [],
    ];
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
    this.#guard[Symbol.dispose]();
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
