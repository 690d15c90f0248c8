/** What is to be said about the clock once the check is through. */
import { aheadOrBehind, telegram, type TimeAnswer } from "./clock.ts";
import type { Step } from "./step.ts";

/** More than that is worth a warning even where the proxy takes it. */
const tolerableMs = 30_000;
const setClock = "Set the clock of this machine, best by a time server (NTP), and try again.";

/**
 * @param times What others say of this machine's clock; Telegram is the one to be believed.
 * @param correctedMs How much ahead it had to be taken for so that the proxy answered; 0 if not at all.
 * @returns `undefined` if nothing is known.
 */
export function judgeClock(
  times: readonly TimeAnswer[],
  correctedMs: number,
): Omit<Step, "step" | "ms"> | undefined {
  const best = times.find(({ from }) => from === telegram);
  const others = times.filter((time) => time !== best);
  const aheadMs = best?.aheadMs ?? others[0]?.aheadMs;
  if (aheadMs === undefined) return undefined;
  const by = best?.from ?? others.map(({ from }) => from).join(", ");
  if (correctedMs !== 0 && best !== undefined && isNearer(best.aheadMs, correctedMs)) {
    return {
      outcome: "failed",
      code: "proxy-clock-off",
      aheadMs: best.aheadMs,
      detail: `the clock of the proxy is ${
        aheadOrBehind(best.aheadMs - correctedMs)
      }; that of this machine is right by Telegram`,
      cause:
        "The proxy takes only clients whose time is its own, to keep replayed greetings out, so nobody can connect.",
      remedy: "Whoever runs the proxy should set the clock of its machine, best by a time server (NTP).",
    };
  }
  if (correctedMs !== 0 && best === undefined) {
    return {
      outcome: "failed",
      code: "clocks-differ",
      detail: `the clock of this machine is ${aheadOrBehind(correctedMs)} by the one of ${by}`,
      cause:
        "One of them is wrong. The proxy takes only clients whose time is its own, to keep replayed greetings out.",
      remedy:
        "Look at the clock of this machine, and set it, best by a time server (NTP). If it is right, whoever runs the " +
        "proxy should set the other one.",
    };
  }
  if (correctedMs !== 0) {
    return {
      outcome: "failed",
      code: "clock-off",
      aheadMs,
      detail: `the clock of this machine is ${aheadOrBehind(aheadMs)}, by ${by}`,
      cause:
        "The proxy takes only clients whose time is right, to keep replayed greetings out. Boards without a battery " +
        "for their clock start with a wrong time.",
      remedy: setClock,
    };
  }
  if (Math.abs(aheadMs) <= tolerableMs) {
    const off = Math.abs(aheadMs) < 1_500 ? "right" : aheadOrBehind(aheadMs);
    return { outcome: "ok", code: "clock-right", aheadMs, detail: `the clock of this machine is ${off}, by ${by}` };
  }
  return {
    outcome: "warning",
    code: "clock-differs",
    aheadMs,
    detail: `the clock of this machine is ${aheadOrBehind(aheadMs)}, by ${by}`,
    cause: "This proxy takes it; others tolerate 3 s.",
    remedy: setClock,
  };
}

/** Whether the clock of this machine is nearer to the truth than what it was corrected to. */
function isNearer(aheadMs: number, correctedMs: number): boolean {
  return Math.abs(aheadMs) < Math.abs(aheadMs - correctedMs);
}
