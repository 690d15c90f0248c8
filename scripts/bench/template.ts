/** Commands and configurations with `{placeholders}` in them. */

/** The secret of the run. */
export interface BenchSecret {
  /** 16 bytes in hex. */
  readonly key: string;
  readonly host: string;
}

/** The secret as it stands in links: `ee`, key and host in hex. */
export function secretText({ key, host }: BenchSecret): string {
  return `ee${key}${new TextEncoder().encode(host).toHex()}`;
}

/** What can stand in a command or a configuration for where the data centre is. */
export const dcPlaceholders: readonly string[] = ["{dc}", "{dc-host}", "{dc-port}"];

/** What the placeholders stand for, of a subject that listens on `port` of 127.0.0.1; `dc` is `HOST:PORT`. */
export function placeholdersOf(port: number, dc: string, secret: BenchSecret): Record<string, string> {
  const colon = dc.lastIndexOf(":");
  return {
    bind: `127.0.0.1:${port}`,
    "bind-host": "127.0.0.1",
    port: String(port),
    secret: secretText(secret),
    "secret-key": secret.key,
    host: secret.host,
    dc,
    "dc-host": dc.slice(0, colon),
    "dc-port": dc.slice(colon + 1),
  };
}

/** `text` with the placeholders that `values` knows filled in; other braces stay. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{([a-z-]+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** The words of a command line; quotes of either kind keep spaces together. */
export function splitCommand(text: string): string[] {
  return Array.from(
    text.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g),
    ([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );
}
