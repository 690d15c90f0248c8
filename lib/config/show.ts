/** Keys and values in messages: short, and never a secret. */
import { parseSecret } from "../policy/secret.ts";
import type { Path } from "./values.ts";

const hidden = "(hidden)";
const longestShown = 100;

/** A value as it would stand in the file. `confidential` ones, and secrets that stand at a wrong place, are hidden. */
export function showValue(raw: unknown, confidential: boolean): string {
  if (confidential) return hidden;
  const text = hideSecrets(typeof raw === "number" ? String(raw) : JSON.stringify(raw) ?? String(raw));
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}

/**
 * `text` with everything in it that is, or may once have been meant as, a secret replaced; so are user and password of a URL,
 * also of one that is written wrong.
 */
export function hideSecrets(text: string): string {
  return text
    .replace(/^("?[a-z][a-z0-9+.-]*:\/\/|"?).*@/is, `$1${hidden}@`)
    // Without a host behind it, what looks like a port may be the password.
    .replace(/(:\/\/[^:/?#@[\]"\s]*:)(?!\d{1,5}(?:[/?#"]|$))[^"]+/g, `$1${hidden}`)
    .replace(/(-{0,2})([A-Za-z0-9+/_-]{22,}={0,2})/g, (run, dashes: string, rest: string) => {
      if (isSecret(rest)) return dashes + hidden;
      return isSecret(run) ? hidden : run;
    })
    .replace(/[0-9a-f]{30,}/gi, hidden);
}

function isSecret(text: string): boolean {
  try {
    return parseSecret(text).key.length > 0;
  } catch {
    return false;
  }
}

/** A path as a dotted key, such as `network.timeout.tcp` or `users[1].name`. */
export function showPath(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    const key = /^[A-Za-z0-9_-]+$/.test(step) ? step : JSON.stringify(step);
    return text === "" ? key : `${text}.${key}`;
  }, "");
}
