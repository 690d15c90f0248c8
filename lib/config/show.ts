/** Keys and values in messages: short, and never a secret. */
import { parseSecret } from "../policy/secret.ts";
import type { Path } from "./values.ts";

const hidden = "(hidden)";
const longestShown = 100;

/** A value as it would stand in the file, but short. `confidential` ones, and secrets that stand at a wrong place, are hidden. */
export function showValue(raw: unknown, confidential: boolean): string {
  if (confidential) return hidden;
  // Each text by itself, and then what stands in the keys of tables.
  const hideUsers = (_key: string, value: unknown) => typeof value === "string" ? hideUser(value) : value;
  const json = typeof raw === "number" ? String(raw) : JSON.stringify(raw, hideUsers) ?? String(raw);
  const text = hideKeys(json.replace(/((?:[a-z][a-z0-9+.-]*:\/\/)?)[^\s"]*@/gi, `$1${hidden}@`));
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}

/** A value in TOML, whole; `confidential` ones and users of URLs are hidden. */
export function showToml(raw: unknown, confidential: boolean): string {
  if (confidential) return hidden;
  if (Array.isArray(raw)) return `[${raw.map((item) => showToml(item, false)).join(", ")}]`;
  if (typeof raw !== "object" || raw === null || raw instanceof Date) {
    return hideSecrets(typeof raw === "string" ? JSON.stringify(hideUser(raw)) : String(raw));
  }
  const pairs = Object.entries(raw).map(([key, value]) => `${showPath([key])} = ${showToml(value, false)}`);
  return `{ ${pairs.join(", ")} }`;
}

/**
 * `text` with everything in it that is, or may once have been meant as, a secret replaced; so are user and password of a URL,
 * also of one that is written wrong.
 */
export function hideSecrets(text: string): string {
  return hideKeys(hideUser(text));
}

/** A URL, or what may have been meant as one, without user and password. */
function hideUser(text: string): string {
  return text
    .replace(/^("?[a-z][a-z0-9+.-]*:\/\/|"?).*@/is, `$1${hidden}@`)
    // Without a host behind it, what looks like a port may be the password.
    .replace(/(:\/\/[^:/?#@[\]"\s]*:)(?!\d{1,5}(?:[/?#"]|$))[^"]+/g, `$1${hidden}`);
}

function hideKeys(text: string): string {
  return text
    .replace(/(-{0,2})([A-Za-z0-9+/_-]{22,}={0,2})/g, (run, dashes: string, rest: string) => {
      if (isSecret(rest)) return dashes + hidden;
      return isSecret(run) ? hidden : run;
    })
    .replace(/[0-9a-f]{30,}/gi, hidden)
    .replace(/[A-Za-z0-9+_-]{22,}/g, (run) => /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d/.test(run) ? hidden : run);
}

/** Names of keys and of variables may have the length of a secret; none in 10^8 of those looks like one. */
const name = /^(?:[a-z]+(?:-[a-z]+)+|[A-Z]+(?:_[A-Z]+)+)$/;

function isSecret(text: string): boolean {
  if (name.test(text)) return false;
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
