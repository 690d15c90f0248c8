import type { EffectiveValue } from "../config/parse.ts";
import { configSchema as schemaOfConfig } from "../config/schema.ts";
import { showToml } from "../config/show.ts";
import type { Command } from "./command.ts";
import { configArgument, loadConfigFile, printWarnings } from "./config_file.ts";
import { refuseSocketsElsewhere } from "./sockets.ts";

export const configCheck: Command = {
  name: "config check",
  summary: "check a configuration, and show what holds and why",
  docs:
    "Says all that is wrong with a configuration, or prints every key with the value that holds and where it comes\n" +
    "from: the file and line, an MTG_ variable, or the default. Secrets and passwords are hidden. Warnings go to\n" +
    "standard error. The exit code is 0 if the configuration can be used, else 2.",
  arguments: [configArgument],
  flags: [],
  run: async (input, environment) => {
    const loaded = await loadConfigFile(input.arguments[0], environment);
    refuseSocketsElsewhere(loaded);
    const { values, warnings } = loaded;
    environment.print(listing(values));
    printWarnings(warnings, environment);
    return 0;
  },
};

export const configSchema: Command = {
  name: "config schema",
  summary: "print the JSON Schema of configurations, for editors",
  docs:
    "Prints JSON Schema (draft 2020-12) of configuration files. An editor with a TOML language server, such as taplo,\n" +
    "completes and checks keys with it, given this as the first line of the file:  #:schema ./mtg.schema.json",
  arguments: [],
  flags: [],
  run: (_input, environment) => {
    environment.print(JSON.stringify(schemaOfConfig(), undefined, 2));
    return Promise.resolve(0);
  },
};

const remarks = {
  key: "",
  deprecated: ", deprecated",
  unsupported: ", which Deno cannot set",
  later: ", not in this version yet",
};
/** Longer values push their remark to the right. */
const widestColumn = 60;

function listing(values: readonly EffectiveValue[]): string {
  const rows = values.map(({ key, kind, raw, confidential, from }) =>
    raw === undefined
      ? [`#${key} =`, "not set"]
      : [`${key} = ${showToml(raw, confidential)}`, `${from}${remarks[kind]}`]
  );
  const width = Math.max(...rows.map(([left = ""]) => left.length <= widestColumn ? left.length : 0));
  return rows.map(([left = "", right]) => `${left.padEnd(width)}  # ${right}`).join("\n");
}
