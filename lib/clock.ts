/** Time as an argument, so that every timeout can be tested without waiting for it. */
export interface Clock {
  /** Milliseconds since the Unix epoch, which an operator or a time server may set back or forth. */
  nowMs(): number;
  /** Milliseconds since some moment in the past; only ever moves on, with the time that passes. For deadlines. */
  elapsedMs(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
