/** The proxy as a service: decides how many threads serve, and ends them in order when it is told to. */
import { type Address, formatAddress } from "../address.ts";
import type { Config } from "../config/config.ts";
import type { LoadedConfig } from "../config/parse.ts";
import { log, type LogFormat, startLogging } from "../metrics/log.ts";
import type { Service } from "../thread/service.ts";
import { Operator } from "./operator.ts";
import { onEndSignal, onReloadSignal, ReloadRequests } from "./signals.ts";

export interface ServeOptions {
  /** What the author of the configuration should know, though it can be used. */
  readonly warnings?: readonly string[];
  /** Told once all sockets listen, and again whenever another configuration was taken over; port 0 has become the real one. */
  readonly onServing?: (config: Config, bound: readonly Address[]) => void;
  /** How to read the configuration again; without it, it stays. */
  readonly reload?: ReloadSource;
}

export interface ReloadSource {
  /** Rejects, with a line for each mistake, if it cannot be used. */
  readonly load: () => Promise<LoadedConfig>;
  /** Where it stands, if that is a file. */
  readonly file: string | undefined;
}

/**
 * Serves until a signal asks to end, then lets sessions finish for `grace` and resolves.
 *
 * @throws {Error} If it cannot listen on one of `bind-to` (then nothing listens), or cannot go on.
 */
export async function serve(config: Config, options: ServeOptions = {}): Promise<void> {
  const logFormat = config.debug || Deno.stderr.isTerminal() ? "text" : "json";
  startLogging(config.logLevel, logFormat);
  for (const warning of options.warnings ?? []) log("warning", warning);
  const reloads = new ReloadRequests();
  using _hangups = onReloadSignal(() => reloads.ask());
  await using service = await startService(config, logFormat);
  const ending = Promise.withResolvers<string>();
  using _signals = onEndSignal(ending.resolve);
  log("info", `listening on ${service.bound.map(formatAddress).join(", ")}`);
  options.onServing?.(config, service.bound);
  await using operator = new Operator(config, service, options);
  reloads.goTo(() => operator.reload());

  const signal = await Promise.race([ending.promise, service.broken]);
  await operator.stop();
  const { graceMs } = operator.config;
  await service.stop(graceMs, () => {
    log("info", `${signal}: ${service.counts.open} clients have ${graceMs / 1000} s to finish`);
  });
  logSummary(service);
}

/** Loads no more than it needs: a supervisor does without the proxy, a proxy without the supervisor. */
async function startService(config: Config, logFormat: LogFormat): Promise<Service> {
  const workers = workersFor(config, { cores: navigator.hardwareConcurrency, os: Deno.build.os });
  if (typeof config.workers === "number" && config.workers > workers) {
    log("warning", `workers = ${config.workers}, but one serves: several need Linux, and a TCP address in bind-to`);
  }
  if (workers > 1 || config.isolate) {
    const { Supervisor } = await import("../workers/supervisor.ts");
    return await Supervisor.start({ config, logFormat, workers });
  }
  const { OneThread } = await import("../thread/one_thread.ts");
  return await OneThread.start({ config, logFormat });
}

/** How many threads serve: only Linux shares out the clients of a port among several listeners, and of a Unix socket none does. */
export function workersFor(
  { workers, bindTo }: Pick<Config, "workers" | "bindTo">,
  system: { readonly cores: number; readonly os: typeof Deno.build.os },
): number {
  if (system.os !== "linux" || bindTo.every((address) => address.kind === "unix")) return 1;
  return workers === "auto" ? system.cores : workers;
}

function logSummary({ counts, replaced }: Service): void {
  const { served, refused, limited, upBytes, downBytes } = counts;
  log(
    "info",
    `${served} clients were served, ${upBytes} bytes up and ${downBytes} down, strangers' included; ${refused} were refused, ` +
      `${limited} had no room; ${replaced} workers were replaced`,
    { served, upBytes, downBytes, refused, limited, replaced },
  );
}
