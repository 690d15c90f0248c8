import type { Config } from "../config/config.ts";
import type { ConfigWarning, WarningKind } from "../config/layers.ts";
import { bad, type Check, good, type Group, warning } from "./report.ts";

const title = "Configuration";

const advice: Readonly<Record<WarningKind, string>> = {
  deprecated: "rename it: a later version may refuse it",
  later: "take it out, or wait for the version that has it",
  unsupported: "set it in the system, or take it out",
  environment: "take the variable away, if it is not meant for the proxy",
};

/** A configuration that can be used. */
export function checkConfig(config: Config, file: string, warnings: readonly ConfigWarning[]): Group {
  return {
    id: "config",
    title,
    checks: [
      good("valid", `${file} can be used: every key is known, and every value is right`),
      ...warnings.map(({ kind, message }, index) => warning(`${kind}-${index + 1}`, message, advice[kind])),
      checkSecret(config),
    ],
  };
}

/** One that cannot: `problems` are the lines of the parser's message. */
export function refuseConfig(problems: readonly string[]): Group {
  const advice = "correct it, then let doctor look at the rest";
  return {
    id: "config",
    title,
    checks: problems.map((problem, index) => bad(`problem-${index + 1}`, problem, advice)),
  };
}

function checkSecret({ secret }: Config): Check {
  if (secret.kind === "tls") return good("secret", `the secret is for fake TLS: it looks like HTTPS to ${secret.host}`);
  return warning(
    "secret",
    `the secret is of the kind "${secret.kind}", whose traffic looks like nothing in particular: many censors block that`,
    'make one for fake TLS with "mtg generate-secret www.example.com"',
  );
}
