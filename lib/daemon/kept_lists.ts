/**
 * Telegram's lists of addresses over a restart, as they came, behind a line that says when:
 *
 * ```text
 * # 2026-11-24T12:00:00.000Z https://core.telegram.org/getProxyConfig
 * proxy_for 203 192.0.2.1:443;
 * ```
 */
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { log } from "../metrics/log.ts";
import type { StateDirectory } from "../state/state_directory.ts";
import type { DcUpdates } from "../telegram/addresses.ts";
import { directAddresses, parseProxyConfig } from "../telegram/proxy_config.ts";

const minuteMs = 60_000;

export interface KeptList {
  readonly addresses: DcUpdates;
  /** How long ago it came: `3 hours`. */
  readonly age: string;
}

interface Parts {
  readonly clock: Pick<Clock, "nowMs">;
  readonly log: typeof log;
}

/** Says once in the log why nothing can be kept, and then does without. */
export class KeptLists {
  readonly #state: Pick<StateDirectory, "read" | "write">;
  readonly #parts: Parts;
  #isTold = false;

  constructor(state: Pick<StateDirectory, "read" | "write">, parts: Parts) {
    this.#state = state;
    this.#parts = parts;
  }

  /** What came last from `url`; `undefined` if nothing is kept, or it is not as it should be. Never rejects. */
  async read(url: string): Promise<KeptList | undefined> {
    const { log, clock } = this.#parts;
    const name = fileOf(url);
    try {
      const text = await this.#state.read(name);
      if (text === undefined) return undefined;
      const saidMs = Date.parse(/^# (\S+)/.exec(text)?.[1] ?? "");
      if (Number.isNaN(saidMs)) throw new Error(`${name}: expected a time in the first line`);
      const parsed = parseProxyConfig(text);
      if (!parsed.ok) throw new Error(`${name}: ${parsed.problem}`);
      return { addresses: directAddresses(parsed.config), age: inWords(clock.nowMs() - saidMs) };
    } catch (error) {
      log("warning", `what an earlier start has kept is not used: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Never rejects. */
  async write(url: string, text: string): Promise<void> {
    const { log, clock } = this.#parts;
    try {
      await this.#state.write(fileOf(url), `# ${new Date(clock.nowMs()).toISOString()} ${url}\n${text}`);
      this.#isTold = false;
    } catch (error) {
      if (!this.#isTold) log("info", `addresses of data centres are in memory only: ${messageOf(error)}`);
      this.#isTold = true;
    }
  }
}

/** `getProxyConfig.txt`. */
function fileOf(url: string): string {
  return `${url.slice(url.lastIndexOf("/") + 1)}.txt`;
}

function inWords(ms: number): string {
  const minutes = Math.max(0, Math.round(ms / minuteMs));
  if (minutes < 120) return `${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
}
