/**
 * What the program asks of Deno, in one table: tasks, compiled programs, tests and README take it from here
 * (`scripts/permissions.ts` makes flags of it). Whatever needs more extends this table and nothing else.
 */

export interface Permission {
  readonly kind: "net" | "read" | "env" | "write";
  /** What of it; all, if there are none. */
  readonly values: readonly string[];
  /** Markdown. */
  readonly reason: string;
}

/**
 * Where anything may be written, and Unix sockets may be: `mtg-data` where the program was started, and the places of a service
 * and a container.
 */
export const writableDirectories: readonly string[] = ["mtg-data", "/var/lib/mtg", "/data", "/run/mtg"];

export const permissions: readonly Permission[] = [
  { kind: "net", values: [], reason: "clients, Telegram, the fronted site, SOCKS5 proxies, names" },
  { kind: "read", values: [], reason: "the configuration, wherever it is; never `/proc` and `/sys`, see below" },
  { kind: "env", values: ["MTG_*"], reason: "keys of the configuration" },
  {
    kind: "env",
    values: ["SECRET", "SECRET_COUNT", "TAG", "WORKERS", "HTTP_PORT", "MTP_*"],
    reason: "the variables of older containers",
  },
  { kind: "write", values: writableDirectories, reason: "state, and Unix sockets" },
];

/** What to say of a path elsewhere. */
export const writableOnly = `mtg may write files and use sockets in ${listOf(writableDirectories)} only`;

function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
