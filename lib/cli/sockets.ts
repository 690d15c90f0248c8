/** Unix sockets need a permission for their path, which is given when the program starts, or has been compiled in. */
import type { LoadedConfig } from "../config/parse.ts";
import { ConfigError } from "../errors.ts";
import { writableOnly } from "../permissions.ts";

/** A path, by the key that says so. */
interface Socket {
  readonly key: string;
  readonly path: string;
}

/** @throws {ConfigError} If a Unix socket of the configuration is where Deno lets nobody write, a line for each. */
export function refuseSocketsElsewhere(
  { config, values }: LoadedConfig,
  mayUse: (path: string) => boolean = isPermitted,
): void {
  const sockets: Socket[] = config.bindTo.flatMap((address) =>
    address.kind === "unix" ? [{ key: "bind-to", path: address.path }] : []
  );
  const front = config.domainFronting.unixPath;
  if (front !== undefined) sockets.push({ key: "domain-fronting.host", path: front });
  const refused = sockets.filter(({ path }) => !mayUse(path));
  const [first] = refused;
  if (first === undefined) return;
  const lines = refused.map(({ key, path }) => {
    const from = values.find((value) => value.key === key)?.from ?? key;
    return `${from}: ${key} = "unix:${path}": ${elsewhere(path)}`;
  });
  throw new ConfigError(lines.join("\n"), { path: first.key });
}

/** What is wrong with a path where nothing may be written, and what would be right. */
export function elsewhere(path: string): string {
  const other = Deno.build.standalone ? "" : `, unless Deno is started with --allow-write=${path}`;
  return `${writableOnly}${other}`;
}

function isPermitted(path: string): boolean {
  return (["read", "write"] as const).every((name) => Deno.permissions.querySync({ name, path }).state === "granted");
}
