import type { Clock } from "../clock.ts";

/** When something that fails is no longer asked, and when it is asked again. */
export interface BreakerOptions {
  /** Failures in a row that open the breaker. */
  readonly openThreshold: number;
  /** Open for so long, then one connection tries. */
  readonly halfOpenTimeoutMs: number;
  /** Failures that are older do not count. */
  readonly resetFailuresTimeoutMs: number;
}

type State =
  /** `failuresAtMs`: those in a row that still count, oldest first. */
  | { readonly kind: "closed"; readonly failuresAtMs: number[] }
  /** Half-open from `dueMs` on. */
  | { readonly kind: "open"; readonly dueMs: number; trial: Permit | undefined };

/**
 * Leave to try. Whoever has it says how the attempt went; disposed without that, it was as if there had been none. Only the
 * first word counts.
 */
export interface Permit extends Disposable {
  /** Gives whether this has closed the breaker. */
  succeeded(): boolean;
  /** Gives whether this has opened the breaker that was closed. */
  failed(): boolean;
}

/**
 * Leaves out what keeps failing.
 *
 * ```text
 *          openThreshold failures in a row           halfOpenTimeoutMs later
 *  closed ─────────────────────────────────▶ open ───────────────────────────▶ half-open: one at a time tries
 *    ▲                                        ▲                                  │   │
 *    │                                        └──────────── it failed ───────────┘   │
 *    └──────────────────────────────────── it succeeded ─────────────────────────────┘
 * ```
 */
export class CircuitBreaker {
  readonly #options: BreakerOptions;
  readonly #clock: Clock;
  #state: State = { kind: "closed", failuresAtMs: [] };

  /** @throws {RangeError} If an option is not positive. */
  constructor(options: BreakerOptions, clock: Clock) {
    for (const [name, value] of Object.entries(options)) {
      if (!(value > 0)) throw new RangeError(`A circuit breaker needs a positive ${name}, not ${value}`);
    }
    this.#options = options;
    this.#clock = clock;
  }

  /** When an open breaker lets the next one try, by `Clock.elapsedMs()`; `undefined` if it is closed. */
  get dueMs(): number | undefined {
    return this.#state.kind === "open" ? this.#state.dueMs : undefined;
  }

  /** Whether `tryPass()` would give a permit. */
  get isReady(): boolean {
    const state = this.#state;
    return state.kind === "closed" || (state.trial === undefined && this.#clock.elapsedMs() >= state.dueMs);
  }

  /** `undefined` while the breaker is open, and while another tries whether it is over. */
  tryPass(): Permit | undefined {
    return this.isReady ? this.pass() : undefined;
  }

  /** Even if the breaker is open, which counts as a try whether it is over. For those who have nothing else. */
  pass(): Permit {
    const state = this.#state;
    const permit = this.#permit(state.kind === "open");
    if (state.kind === "open") state.trial ??= permit;
    return permit;
  }

  #permit(isTrial: boolean): Permit {
    let isOver = false;
    const end = () => {
      if (isOver) return false;
      isOver = true;
      if (this.#state.kind === "open" && this.#state.trial === permit) this.#state.trial = undefined;
      return true;
    };
    const permit: Permit = {
      succeeded: () => end() && this.#close(),
      failed: () => end() && this.#addFailure(isTrial),
      [Symbol.dispose]: () => void end(),
    };
    return permit;
  }

  #close(): boolean {
    const wasOpen = this.#state.kind === "open";
    this.#state = { kind: "closed", failuresAtMs: [] };
    return wasOpen;
  }

  /** Those that began while it was closed and end while it is open tell nothing new. */
  #addFailure(isTrial: boolean): boolean {
    const state = this.#state;
    const nowMs = this.#clock.elapsedMs();
    if (state.kind === "open") {
      if (isTrial) this.#state = this.#opened(nowMs, state.trial);
      return false;
    }
    const { failuresAtMs } = state;
    failuresAtMs.push(nowMs);
    while (nowMs - failuresAtMs[0]! > this.#options.resetFailuresTimeoutMs) failuresAtMs.shift();
    if (failuresAtMs.length < this.#options.openThreshold) return false;
    this.#state = this.#opened(nowMs);
    return true;
  }

  #opened(nowMs: number, trial?: Permit): State {
    return { kind: "open", dueMs: nowMs + this.#options.halfOpenTimeoutMs, trial };
  }
}
