/** What doctor finds, for people. */
import { type Check, type Group, type Verdict, worstOf } from "../doctor/report.ts";
import { wrap } from "./wrap.ts";

const marks: Readonly<Record<Verdict, string>> = { good: "✅", warning: "⚠️", bad: "❌", note: "ℹ️" };

/** A group with its heading. Advice that several checks in a row share stands once, below the last of them. */
export function groupText({ title, checks }: Group): string {
  const lines = checks.flatMap((check, index) => [
    ...wrap(`${marks[check.verdict]} ${check.seen}`, "  ", "     "),
    ...check.advice === undefined || checks[index + 1]?.advice === check.advice
      ? []
      : wrap(`→ ${check.advice}`, "     ", "       "),
  ]);
  return [title, ...lines].join("\n");
}

/** The last line. */
export function summaryText(groups: readonly Group[]): string {
  const { bad, warning, note } = countsOf(groups);
  const unread = note === 0 ? "" : `; ${count(note, "remark")}`;
  switch (worstOf(groups)) {
    case "good":
      return `All that was looked at is right${unread}.`;
    case "warning":
      return `It works, with ${count(warning, "warning")}${unread}.`;
    case "bad":
      return `${count(bad, "fault")} and ${count(warning, "warning")}${unread}.`;
  }
}

export function countsOf(groups: readonly Group[]): Readonly<Record<Verdict, number>> {
  const counts = { good: 0, warning: 0, bad: 0, note: 0 };
  for (const { verdict } of groups.flatMap(({ checks }): readonly Check[] => checks)) counts[verdict]++;
  return counts;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
