/** The configuration where there is no file: what older proxies' images take from variables, and a secret that is kept. */
import { containerLayers, keptSecretLayer } from "../config/container_env.ts";
import { envLayer } from "../config/env.ts";
import { lookUp } from "../config/field.ts";
import { allFields } from "../config/fields.ts";
import type { Layer } from "../config/layers.ts";
import { type LoadedConfig, loadLayers } from "../config/parse.ts";
import { stateDirectory } from "../config/special_values.ts";
import { ConfigError, messageOf } from "../errors.ts";
import { defaultFrontedHost } from "../policy/proxy_link.ts";
import { formatSecret } from "../policy/secret.ts";
import type { Environment, StateFiles } from "./environment.ts";
import { randomSecret } from "./generate_secret.ts";

/** Where the configuration is in the container, if there is one. */
export const containerFile = "/config.toml";
/** In the directory of state; the Alpine image of Telegram's own proxy has the same name for it. */
const secretFile = "secret";
const defaultDirectory = "mtg-data";

/**
 * What the variables of the container say, and `MTG_*` over it. Where they give no secret, it is the one that is kept; where none
 * is, `fresh` makes one.
 *
 * @throws {ConfigError} If they cannot be used, or there is no secret and nobody to make one.
 */
export async function loadContainer(environment: Environment, fresh: FreshSecret | undefined): Promise<LoadedConfig> {
  const env = (name: string) => environment.env(name);
  const { layers, givesSecret } = containerLayers(env);
  const above = envLayer(env, allFields);
  const isGiven = givesSecret || lookUp(above.table, ["secret"]) !== undefined;
  const secret = isGiven ? [] : [await keptSecret(environment.state(directoryOf(above)), fresh)];
  return loadLayers([...layers, ...secret, above]);
}

/** Where state is kept, as far as variables say. @throws {ConfigError} If they say something wrong. */
export function stateDirectoryOf(environment: Environment): string {
  return directoryOf(envLayer((name) => environment.env(name), allFields));
}

function directoryOf({ table, source }: Layer): string {
  const path = ["state", "directory"];
  const raw = lookUp(table, path) ?? defaultDirectory;
  const parsed = stateDirectory(raw);
  if (parsed.ok) return parsed.value;
  const message = `${source.name(path)} = ${JSON.stringify(raw)}: ${parsed.expected}`;
  throw new ConfigError(message, { path: path.join(".") });
}

async function keptSecret(state: StateFiles, fresh: FreshSecret | undefined): Promise<Layer> {
  const file = state.pathOf(secretFile);
  const kept = await state.read(secretFile) ?? await fresh?.make(state);
  if (kept !== undefined) return keptSecretLayer(kept, file);
  throw new ConfigError(
    `there is no secret yet: give one by SECRET, or let "mtg run" make one and keep it in ${file}`,
    { path: "secret" },
  );
}

/** Makes one secret at most, which holds until the program ends even where it cannot be kept. */
export class FreshSecret {
  readonly #environment: Environment;
  #made: string | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  async make(state: StateFiles): Promise<string> {
    return this.#made ??= await this.#make(state);
  }

  async #make(state: StateFiles): Promise<string> {
    const host = defaultFrontedHost();
    const secret = formatSecret(randomSecret("tls", host), "base64");
    const say = (text: string) => this.#environment.printError(`mtg: made a secret for ${host}, ${text}`);
    try {
      const kept = (await state.create(secretFile, `${secret}\n`)).trim();
      if (kept !== secret) return kept;
      say(`and keep it in ${state.pathOf(secretFile)}; one for a host of your own hides more: SECRET`);
    } catch (error) {
      say(`which is in memory only, so that the next start makes another: ${messageOf(error)}`);
    }
    return secret;
  }
}
