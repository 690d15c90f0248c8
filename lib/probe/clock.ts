/** Whether the clock of this machine is right, by what others say. */
import { type Deadline, openWithin } from "../relay/aborts.ts";

/** Somebody who knows the time. */
export interface TimeSource {
  /** For people: `the site www.example.com`. */
  readonly name: string;
  /** How far this machine is ahead of it, in milliseconds; negative if it is behind. */
  ask(signal: AbortSignal): Promise<number>;
}

/** The site that a proxy shows to strangers, asked at the address of the proxy. */
export const siteBehind = "the site behind the proxy";

/** A data centre, asked through the proxy. */
export const telegram = "Telegram";

export interface TimeAnswer {
  readonly from: string;
  /** How far this machine is ahead of the source; negative if it is behind. */
  readonly aheadMs: number;
}

/** Answers that are no farther apart agree: those in HTTP are whole seconds, and some time on their way. */
const agreeWithinMs = 5_000;
/** The strictest proxies tolerate 3 s: what is off by less is not worth a try. */
const worthTryingMs = 2_000;
const triesAtMost = 2;

/** Asks all at once; whoever does not answer is left out. */
export async function askTime(
  sources: readonly TimeSource[],
  deadline: Deadline,
): Promise<readonly TimeAnswer[]> {
  const answers = await Promise.all(sources.map(async ({ name, ask }) => {
    try {
      return [{ from: name, aheadMs: Math.round(await openWithin(deadline, ask)) }];
    } catch {
      deadline.parent?.throwIfAborted();
      return [];
    }
  }));
  return answers.flat();
}

/** By how much the clock may be wrong that is worth a try with a corrected time: what most agree on comes first. */
export function corrections(answers: readonly TimeAnswer[]): readonly number[] {
  const groups: number[][] = [];
  for (const { aheadMs } of answers) {
    const group = groups.find(([first]) => Math.abs(first! - aheadMs) <= agreeWithinMs);
    if (group === undefined) groups.push([aheadMs]);
    else group.push(aheadMs);
  }
  return groups.sort((a, b) => b.length - a.length)
    .map(([first]) => first!)
    .filter((aheadMs) => Math.abs(aheadMs) >= worthTryingMs)
    .slice(0, triesAtMost);
}

/** Whether all answers say that the clock is right, and there is one. */
export function isRight(answers: readonly TimeAnswer[]): boolean {
  return answers.length > 0 && answers.every(({ aheadMs }) => Math.abs(aheadMs) <= agreeWithinMs);
}

/** `3 s`, `5 min`, `2 h`, `361 days`: of a duration as much as matters. */
function duration(ms: number): string {
  const seconds = Math.abs(ms) / 1_000;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 2 * 3_600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3_600) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** `5 min behind`. */
export function aheadOrBehind(aheadMs: number): string {
  return `${duration(aheadMs)} ${aheadMs < 0 ? "behind" : "ahead"}`;
}
