/** What lookups brought, for as long as it holds. Times are milliseconds of a clock that only moves on. */
import type { Lookup } from "./source.ts";

const namesAtMost = 1_000;
const ttlAtLeastMs = 1_000;
const ttlAtMostMs = 3_600_000;
/** For those who do not say how long it holds: the system. */
const ttlUnsaidMs = 60_000;
const noneAtMostMs = 30_000;
/** So long nobody is asked again about a name of which nobody could say anything. */
const failureMs = 2_000;
/** So long after their time addresses may still be given where nobody says anything newer (RFC 8767). */
const staleAtMostMs = 24 * 3_600_000;

/** Addresses that were true once: until `freshUntilMs`. */
export interface Known {
  readonly addresses: readonly string[];
  readonly freshUntilMs: number;
}

/** What is to be told of a name now. */
export type Cached =
  /** Nothing new needs to be asked for. */
  | { readonly kind: "addresses"; readonly addresses: readonly string[] }
  | { readonly kind: "none"; readonly reason: string }
  /** Ask; or do without, if there are `stale` addresses and nobody answers. */
  | { readonly kind: "ask"; readonly stale: Known | undefined };

interface Entry {
  readonly known: Known | undefined;
  /** Why there are no addresses, or none that are fresh. */
  readonly reason: string;
  /** Until then nobody is asked again. */
  readonly untilMs: number;
}

export class DnsCache {
  /** By name, those first that were asked about longest ago. */
  readonly #entries = new Map<string, Entry>();

  get(name: string, nowMs: number): Cached {
    const entry = this.#entries.get(name);
    if (entry === undefined) return { kind: "ask", stale: undefined };
    const known = entry.known !== undefined && nowMs < entry.known.freshUntilMs + staleAtMostMs
      ? entry.known
      : undefined;
    if (nowMs >= entry.untilMs) return { kind: "ask", stale: known };
    return known === undefined
      ? { kind: "none", reason: entry.reason }
      : { kind: "addresses", addresses: known.addresses };
  }

  /** Someone has answered. */
  learn(name: string, lookup: Lookup, nowMs: number): void {
    const ttlMs = Math.max(lookup.ttlMs ?? ttlUnsaidMs, ttlAtLeastMs);
    if (lookup.kind === "none") {
      const untilMs = nowMs + Math.min(ttlMs, noneAtMostMs);
      return this.#put(name, { known: undefined, reason: lookup.reason, untilMs });
    }
    const untilMs = nowMs + Math.min(ttlMs, ttlAtMostMs);
    this.#put(name, { known: { addresses: lookup.addresses, freshUntilMs: untilMs }, reason: "", untilMs });
  }

  /** Nobody has, for that `reason`; what was known before is kept. */
  fail(name: string, reason: string, nowMs: number): void {
    this.#put(name, { known: this.#entries.get(name)?.known, reason, untilMs: nowMs + failureMs });
  }

  #put(name: string, entry: Entry): void {
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    if (this.#entries.size <= namesAtMost) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
