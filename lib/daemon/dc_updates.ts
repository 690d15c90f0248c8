/** Keeps up with the addresses that Telegram names for clients since this program was made (`auto-update`). */
import { type Address, formatAddress } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { randomInteger, type RandomSource, systemRandom } from "../crypto/random.ts";
import { messageOf } from "../errors.ts";
import { HttpClient } from "../http/http_client.ts";
import { log, logEvents } from "../metrics/log.ts";
import { systemClock } from "../net/system_clock.ts";
import { StateDirectory } from "../state/state_directory.ts";
import type { DcUpdates } from "../telegram/addresses.ts";
import { directAddresses, parseProxyConfig } from "../telegram/proxy_config.ts";
import { Network } from "../thread/network.ts";
import { KeptLists } from "./kept_lists.ts";

/** Telegram's lists, one for each family of addresses. */
export const dcLists: readonly string[] = [
  "https://core.telegram.org/getProxyConfig",
  "https://core.telegram.org/getProxyConfigV6",
];

const hourMs = 3_600_000;
/** After a failure, doubled with each further one up to an hour. */
const firstPauseMs = 60_000;
/** Pauses are up to so much longer, so that proxies that were started together do not ask together. */
const jitter = 0.1;
/** The lists have some 20 lines. */
const maxBytes = 256 * 1024;

export interface DcUpdatesOptions {
  /** The way to Telegram: through the SOCKS proxies if there are any. */
  readonly http: Pick<HttpClient, "get">;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Where each good answer is kept, for the next start. */
  readonly state: Pick<StateDirectory, "read" | "write">;
  /** Told what all lists together add to the addresses built in, whenever that has changed. */
  readonly onUpdate: (addresses: DcUpdates) => void;
  /** @default {standard error} */
  readonly log?: typeof log;
}

/** Does what `keepUpdated()` does, by the ways to Telegram that a configuration names. */
export async function keepDcsUpdated(
  config: Config,
  onUpdate: (addresses: DcUpdates) => void,
  signal: AbortSignal,
): Promise<void> {
  const clock = systemClock;
  using network = new Network(config, { clock, events: logEvents(clock) });
  using http = new HttpClient({ dialer: network.downloads, clock, timeoutMs: config.network.timeout.httpMs });
  const state = new StateDirectory(config.state.directory);
  await keepUpdated({ http, clock, random: systemRandom, state, onUpdate }, signal);
}

/**
 * Takes what an earlier start has kept, then asks for each list at once and every hour, or sooner after a failure, until `signal`
 * aborts. A list that does not come, or is not as it should be, leaves in force what it said before. Never rejects.
 */
export async function keepUpdated(options: DcUpdatesOptions, signal: AbortSignal): Promise<void> {
  const { state, clock, log: write = log } = options;
  const updates = new Updates(options);
  const kept = new KeptLists(state, { clock, log: write });
  await Promise.all(dcLists.map((url) => follow(url, { updates, kept }, options, signal)));
}

interface Known {
  readonly updates: Updates;
  readonly kept: KeptLists;
}

async function follow(
  url: string,
  { updates, kept }: Known,
  options: DcUpdatesOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, log: write = log } = options;
  let old = await kept.read(url);
  for (let failures = 0; !signal.aborted;) {
    try {
      const { addresses, age } = old ?? {};
      old = undefined;
      if (addresses !== undefined) updates.take(url, addresses, age);
      const fresh = await download(url, options, signal);
      updates.take(url, fresh.addresses);
      failures = 0;
      await kept.write(url, fresh.text);
    } catch (error) {
      if (signal.aborted) return;
      // Once, until it comes again: it may be out of reach for weeks.
      if (failures++ === 0) write("warning", `cannot update the addresses of data centres: ${messageOf(error)}`);
    }
    const pauseMs = failures === 0 ? hourMs : Math.min(hourMs, firstPauseMs * 2 ** (failures - 1));
    await clock.sleep(pauseMs + randomInteger(random, 0, pauseMs * jitter), signal).catch(() => {});
  }
}

interface Download {
  readonly text: string;
  readonly addresses: DcUpdates;
}

async function download(url: string, { http }: DcUpdatesOptions, signal: AbortSignal): Promise<Download> {
  const { status, text } = await http.get(url, { signal, maxBytes });
  if (status !== 200) throw new Error(`${url}: the server answered with status ${status}`);
  const parsed = parseProxyConfig(text);
  if (!parsed.ok) throw new Error(`${url}: ${parsed.problem}`);
  return { text, addresses: directAddresses(parsed.config) };
}

/** The last good answer of each list. */
class Updates {
  readonly #options: DcUpdatesOptions;
  readonly #lists = new Map<string, DcUpdates>();
  #known = "";

  constructor(options: DcUpdatesOptions) {
    this.#options = options;
  }

  /** `age` is how long ago the list said so, in words; `undefined` for now. */
  take(url: string, list: DcUpdates, age?: string): void {
    this.#lists.set(url, list);
    const all = new Map<number, readonly Address[]>();
    for (const each of dcLists) {
      for (const [dc, addresses] of this.#lists.get(each) ?? []) all.set(dc, [...all.get(dc) ?? [], ...addresses]);
    }
    const text = describe(all);
    if (text === this.#known) return;
    this.#known = text;
    this.#tell(all, text, age);
  }

  #tell(all: DcUpdates, text: string, age: string | undefined): void {
    const { log: write = log, onUpdate } = this.#options;
    const when = age === undefined ? "names further addresses" : `named further addresses ${age} ago`;
    write("info", `Telegram ${when}: ${text === "" ? "none any more" : text}`);
    onUpdate(all);
  }
}

/** Equal for equal addresses, whatever the order in which a list has them. */
function describe(updates: DcUpdates): string {
  return [...updates].map(([dc, addresses]) =>
    `data centre ${dc} at ${addresses.map(formatAddress).toSorted().join(", ")}`
  ).join("; ");
}
