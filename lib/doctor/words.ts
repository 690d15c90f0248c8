/** Turns of phrase that several groups of checks need. */
import { messageOf } from "../errors.ts";

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly string[]): string {
  const last = items.at(-1) ?? "";
  return items.length < 2 ? last : `${items.slice(0, -1).join(", ")} and ${last}`;
}

/** `0.012 s`, `1.5 s`, `90 s`: as exact as it is of interest. */
export function seconds(ms: number): string {
  const value = Math.abs(ms) / 1000;
  return `${value >= 10 ? Math.round(value) : Number(value.toFixed(value >= 1 ? 1 : 3))} s`;
}

/** `28,232`; what is as large as the kernel can count is no limit. */
export function grouped(count: number): string {
  return count > Number.MAX_SAFE_INTEGER ? "no limit" : count.toLocaleString("en-US");
}

/** Why something failed, without the system's number for it. */
export function reason(error: unknown): string {
  return messageOf(error).replaceAll(/ \(os error \d+\)/g, "");
}
