/** What a stand-in web site saw and did, in order. */
import { Watchers } from "./watchers.ts";

/**
 * - `open`, `closed`: the connection began and was given up
 * - `data`: so many bytes were read
 * - `fin-in`: the other end said that no more would come
 * - `sent`: so many bytes were written
 * - `fin-out`: the site said that no more would come
 * - `reset-in`, `reset-out`: the connection was torn down by the other end, or by the site
 */
export type SiteEventKind = "open" | "data" | "fin-in" | "sent" | "fin-out" | "reset-in" | "reset-out" | "closed";

export interface SiteEvent {
  /** Counts from 0. */
  readonly connection: number;
  readonly kind: SiteEventKind;
  /** Of `data` and `sent`; 0 otherwise. */
  readonly bytes: number;
}

/** Grows as things happen; `until()` waits for one of them. */
export class SiteLog {
  readonly #events: SiteEvent[] = [];
  readonly #watchers = new Watchers();

  get events(): readonly SiteEvent[] {
    return this.#events;
  }

  add(connection: number, kind: SiteEventKind, bytes = 0): void {
    this.#events.push({ connection, kind, bytes });
    this.#watchers.notify();
  }

  /** The kinds of one connection's events; pieces of one run of data count once. */
  order(connection = 0): readonly SiteEventKind[] {
    const kinds = this.#events.filter((event) => event.connection === connection).map(({ kind }) => kind);
    return kinds.filter((kind, index) => kind !== kinds[index - 1]);
  }

  /** Resolves once a connection has seen `kind`. @throws {Error} If that takes longer than `timeoutMs`. */
  async until(kind: SiteEventKind, { connection = 0, timeoutMs = 5_000 } = {}): Promise<void> {
    const isSo = () => this.#events.some((event) => event.connection === connection && event.kind === kind);
    const late = () =>
      `The site saw no ${kind} on connection ${connection} in ${timeoutMs} ms: ${this.order(connection)}`;
    await this.#watchers.until(isSo, timeoutMs, late);
  }
}
