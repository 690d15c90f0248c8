import type { Config } from "../config/config.ts";
import { bad, type Check, good, type Group, warning } from "./report.ts";

const title = "Configuration";

/** What the parser remarked about a configuration that can be used. */
export interface Remark {
  /** Where and what, such as `config.toml:3:1: domain-fronting-port has become …`. */
  readonly text: string;
}

/** A configuration that can be used. */
export function checkConfig(config: Config, file: string, remarks: readonly Remark[]): Group {
  return {
    id: "config",
    title,
    checks: [
      good("valid", `${file} can be used: every key is known, and every value is right`),
      ...remarks.map(({ text }, index) =>
        warning(`remark-${index + 1}`, text, "change it now: a later version may no longer take it")
      ),
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
