/** The proxy as a service: listens, serves, and ends in order when it is told to. */
import { type Address, formatAddress } from "../address.ts";
import type { Config } from "../config/config.ts";
import { messageOf } from "../errors.ts";
import { log, logEvents, startLogging } from "../metrics/log.ts";
import { Listener } from "../net/listener.ts";
import { systemClock } from "../net/system_clock.ts";
import { Proxy } from "../proxy/proxy.ts";
import { buildProxyOptions } from "./build_proxy.ts";
import { outliveFaults } from "./faults.ts";
import { checkFront, isOwnConnection } from "./front_check.ts";
import { onEndSignal } from "./signals.ts";

export interface ServeOptions {
  /** Told once all sockets listen; port 0 has become the real one. */
  readonly onListening?: (bound: readonly Address[]) => void;
}

/**
 * Serves until a signal asks to end, then lets sessions finish for `grace` and resolves.
 *
 * @throws {Error} If it cannot listen on one of `bind-to`; then nothing listens.
 */
export async function serve(config: Config, options: ServeOptions = {}): Promise<void> {
  startLogging(config.logLevel, config.debug || Deno.stderr.isTerminal() ? "text" : "json");
  const clock = systemClock;
  const events = logEvents(clock);
  using _guard = outliveFaults(events);
  using stack = new DisposableStack();
  const listeners: Listener[] = [];
  for (const address of config.bindTo) listeners.push(stack.use(await listen(address)));
  const bound = listeners.map((listener) => listener.address);

  const own = { bound, public: publicAddresses(config, bound) };
  const proxyOptions = buildProxyOptions(config, { clock, events, isOwn: (dialed) => isOwnConnection(dialed, own) });
  await using proxy = new Proxy(proxyOptions);
  const ending = Promise.withResolvers<string>();
  using _signals = onEndSignal(ending.resolve);
  const accepting = listeners.map((listener) => listener.acceptInto((conn) => proxy.serve(conn), { clock, events }));
  log("info", `listening on ${bound.map(formatAddress).join(", ")}`);
  options.onListening?.(bound);
  const stopChecking = new AbortController();
  const checking = checkFront(proxyOptions, stopChecking.signal);

  const signal = await ending.promise;
  stack.dispose();
  stopChecking.abort();
  await Promise.all([...accepting, checking]);
  log("info", `${signal}: ${proxy.connections} clients have ${config.graceMs / 1000} s to finish`);
  await proxy.drain(config.graceMs);
}

async function listen(address: Address): Promise<Listener> {
  try {
    return await Listener.open(address);
  } catch (error) {
    throw new Error(`bind-to: ${messageOf(error)}`, { cause: error });
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
