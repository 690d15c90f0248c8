import type { Address } from "../address.ts";
import type { Config } from "../config/config.ts";
import type { Counts } from "../metrics/counters.ts";
import type { Settings } from "./settings.ts";

/** A proxy that serves, by one thread or by several. */
export interface Service extends AsyncDisposable {
  /** What it listens on; port 0 has become the real one. */
  readonly bound: readonly Address[];
  readonly counts: Counts;
  /** Workers that have died and were replaced. */
  readonly replaced: number;
  /** Rejects when it cannot go on. */
  readonly broken: Promise<never>;
  /** Whether its threads may reach the fronted site of a configuration: what files a worker may use is settled at its start. */
  mayFront(config: Config): boolean;
  /** Serves new clients by `settings`; resolves when every thread does. */
  apply(settings: Settings): Promise<void>;
  /** Stops listening, calls `onClosed` when nobody can come any more, and resolves when sessions have ended or `graceMs` is over. */
  stop(graceMs: number, onClosed: () => void): Promise<void>;
}
