/** What a check finds out, step by step. */

/** A warning keeps nobody from connecting; a failure does. */
export type Outcome = "ok" | "warning" | "failed";

export interface Step {
  readonly step: "name" | "tcp" | "fake-tls" | "telegram" | "clock";
  readonly outcome: Outcome;
  /** What was found, as a word for programs; `causes.ts`, `check_link.ts` and `clock_verdict.ts` have them all. */
  readonly code: string;
  /** What it took. */
  readonly ms: number;
  /** What was found, for people. */
  readonly detail: string;
  /** Of a step of TCP: what was connected to. */
  readonly address?: string;
  /** Of a step of Telegram: which data centre was asked. */
  readonly dc?: number;
  /** Of the clock: how much this machine's is ahead of the right time, as far as that is known; negative if it is behind. */
  readonly aheadMs?: number;
  /** Unless all is well: why it is so, most likely. */
  readonly cause?: string;
  /** What can be done about it. */
  readonly remedy?: string;
}

/** Whether nothing has failed. */
export function allWell(steps: readonly Step[]): boolean {
  return steps.every(({ outcome }) => outcome !== "failed");
}
