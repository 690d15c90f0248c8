/** What `mtg doctor` finds, as values. */

/**
 * - `good`
 * - `warning`: it works, but not as well as it could, or is easy to detect
 * - `bad`: clients or strangers do not get what they should
 * - `note`: nothing to judge, or it could not be looked at
 */
export type Verdict = "good" | "warning" | "bad" | "note";

/** One thing that was looked at. */
export interface Check {
  /** Names it within its group, for programs; stays the same from version to version. */
  readonly id: string;
  readonly verdict: Verdict;
  /** What was seen. */
  readonly seen: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** Checks that belong together, in order. */
export interface Group {
  readonly id: string;
  readonly title: string;
  readonly checks: readonly Check[];
}

export function good(id: string, seen: string): Check {
  return { id, verdict: "good", seen };
}

export function warning(id: string, seen: string, advice: string): Check {
  return { id, verdict: "warning", seen, advice };
}

export function bad(id: string, seen: string, advice: string): Check {
  return { id, verdict: "bad", seen, advice };
}

export function note(id: string, seen: string, advice?: string): Check {
  return { id, verdict: "note", seen, ...advice === undefined ? {} : { advice } };
}

/** The worst verdict of all; what could not be looked at does not count. */
export function worstOf(groups: readonly Group[]): "good" | "warning" | "bad" {
  const verdicts = groups.flatMap(({ checks }) => checks.map(({ verdict }) => verdict));
  return verdicts.includes("bad") ? "bad" : verdicts.includes("warning") ? "warning" : "good";
}
