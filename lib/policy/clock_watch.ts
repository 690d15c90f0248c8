/** Tells by what clients with the right secret take for the time that the clock of this machine is off. */

/** Clients that agree on another time before it counts. */
const clientsAtLeast = 5;
/** For one client whose time is right there have to be so many. */
const clientsForEachRight = 5;
const windowMs = 10 * 60_000;
/** Clients that are off by the same; a phone may be a minute off by itself. */
const sameWithinMs = 60_000;
const pauseMs = 60 * 60_000;
/** Clients remembered; where there are more, those seen longest ago are forgotten. */
const clientsAtMost = 64;

export interface ClockSuspicion {
  /** How far the clients are ahead of this machine; negative if they are behind. */
  readonly offsetSeconds: number;
  /** How many addresses of clients say so. */
  readonly clients: number;
}

interface Seen {
  readonly atMs: number;
  readonly offsetMs: number;
}

/**
 * Counts hellos that were signed with the secret. One client with a wrong clock is its own fault; where several are off by the
 * same and next to none are right, it is this machine that is. Says so once an hour at most.
 *
 * Each worker watches by itself. It is no more than a hint: the signature does not cover the time, so whoever has recorded hellos
 * and holds five addresses can feign it.
 *
 * Times are those of a clock that only moves on (`Clock.elapsedMs()`), since the other one is what is in doubt.
 */
export class ClockWatch {
  /** By address, those seen last at the end. */
  readonly #off = new Map<string, Seen>();
  /** Hellos whose time was right: in this window, which began at `#sinceMs`, and in the one before. */
  #right = 0;
  #rightBefore = 0;
  #sinceMs = 0;
  #toldMs = -Infinity;

  /** A hello whose time is within the tolerance. */
  right(): void {
    this.#right++;
  }

  /** A hello of `client` (its address, without port) whose time is beyond it, by `offsetMs` ahead of ours. */
  off(client: string, offsetMs: number, elapsedMs: number): ClockSuspicion | undefined {
    this.#moveWindow(elapsedMs);
    this.#off.delete(client);
    this.#off.set(client, { atMs: elapsedMs, offsetMs });
    for (const [oldest, { atMs }] of this.#off) {
      if (this.#off.size <= clientsAtMost && elapsedMs - atMs <= windowMs) break;
      this.#off.delete(oldest);
    }
    const same = [...this.#off.values()].map((seen) => seen.offsetMs).filter((other) =>
      Math.abs(other - offsetMs) <= sameWithinMs
    );
    if (same.length < clientsAtLeast || same.length < clientsForEachRight * (this.#right + this.#rightBefore)) return;
    if (elapsedMs - this.#toldMs < pauseMs) return;
    this.#toldMs = elapsedMs;
    const median = same.sort((a, b) => a - b)[same.length >> 1]!;
    return { offsetSeconds: Math.round(median / 1_000), clients: same.length };
  }

  #moveWindow(elapsedMs: number): void {
    const passed = elapsedMs - this.#sinceMs;
    if (passed < windowMs) return;
    this.#rightBefore = passed < 2 * windowMs ? this.#right : 0;
    this.#right = 0;
    this.#sinceMs = elapsedMs;
  }
}
