/**
 * `mtg doctor`: looks at a configuration and what surrounds it. Exit codes: 1 if anything is wrong, 0 if there are but warnings.
 *
 * A configuration with mistakes is a finding like any other, so it is reported on standard output and gives 1; 2 stays for what
 * lets nothing be looked at, such as a file that cannot be read. With `--json`:
 *
 * ```json
 * {
 *   "verdict": "bad",
 *   "counts": { "good": 20, "warning": 2, "bad": 1, "note": 5 },
 *   "groups": [
 *     {
 *       "id": "clock",
 *       "title": "Clock",
 *       "checks": [{ "id": "offset", "verdict": "bad", "seen": "the clock is 90 s ahead …", "advice": "let the system …" }]
 *     }
 *   ]
 * }
 * ```
 *
 * `verdict` is `good`, `warning` or `bad`; that of a check may be `note` too: nothing to judge, or it could not be looked at.
 * `advice` is absent where there is nothing to do. The ids stay from version to version, the texts do not.
 */
import { refuseConfig } from "../doctor/config_checks.ts";
import { type Group, worstOf } from "../doctor/report.ts";
import { ConfigError } from "../errors.ts";
import type { Command } from "./command.ts";
import { configArgument, loadConfigFile, type LoadedFile } from "./config_file.ts";
import { countsOf, groupText, summaryText } from "./doctor_text.ts";
import type { Environment } from "./environment.ts";

export const doctor: Command = {
  name: "doctor",
  summary: "find out what keeps a proxy from working well",
  docs:
    "Looks at the configuration, the clock, the ways to Telegram, the fronted site, names, the port and the limits of the\n" +
    "system, and says of each what was seen and what to do. It asks time servers, Telegram, the fronted site and, unless\n" +
    "public-ipv4 and public-ipv6 are set, two services that tell this machine's address; it changes nothing. It takes\n" +
    "12 seconds at most. Limits of the system can be read only under deno run -A; otherwise it says how to look. The exit\n" +
    "code is 1 if anything is wrong, 0 if there are but warnings.",
  arguments: [configArgument],
  flags: [{ name: "json", docs: "Print one JSON object, when all is done." }],
  run: async (input, environment) => {
    const tell = input.has("json") ? () => {} : (group: Group) => environment.print(`${groupText(group)}\n`);
    const groups: Group[] = [];
    for await (const group of examination(input.arguments[0], environment)) {
      groups.push(group);
      tell(group);
    }
    environment.print(input.has("json") ? jsonOf(groups) : summaryText(groups));
    return worstOf(groups) === "bad" ? 1 : 0;
  },
};

async function* examination(path: string | undefined, environment: Environment): AsyncGenerator<Group> {
  const loaded = await load(path, environment);
  if (loaded instanceof ConfigError) {
    yield refuseConfig(loaded.message.split("\n"));
    return;
  }
  const { config, warnings } = loaded;
  yield* environment.examine({ config, warnings, file: loaded.file ?? nameOf(path) });
}

/** The configuration, or what is wrong inside it. @throws {ConfigError} If there is none to look into. */
async function load(path: string | undefined, environment: Environment): Promise<LoadedFile | ConfigError> {
  try {
    return await loadConfigFile(path, environment);
  } catch (error) {
    // A mistake is that of a key, or has a line.
    const isMistake = error instanceof ConfigError && (error.path !== "" || error.line !== undefined);
    if (!isMistake) throw error;
    return error;
  }
}

/** Where the configuration is from that is no file. */
function nameOf(path: string | undefined): string {
  return path === "-" ? "standard input" : "the environment";
}

function jsonOf(groups: readonly Group[]): string {
  return JSON.stringify({ verdict: worstOf(groups), counts: countsOf(groups), groups }, undefined, 2);
}
