/** What shells complete of a command line: the table of commands as data, without what commands do. */

/** What a value is: the name of a file, or one of some words. */
export type Completion = "file" | readonly string[];

export interface FlagWords {
  /** Without its dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** What help calls the value, such as `<duration>`, or `[<file>]` if it may be left out; without it the flag takes none. */
  readonly value?: string;
  /** What the value may be; without it nobody can tell. */
  readonly completes?: Completion;
  readonly docs: string;
}

export interface ArgumentWords {
  /** As help shows it: `<secret>`, or `[<config.toml>]` if it may be left out. */
  readonly name: string;
  readonly completes?: Completion;
  readonly docs: string;
}

export interface CommandWords {
  /** A word, or two of them such as `config check`. */
  readonly name: string;
  /** A line for the list of commands. */
  readonly summary: string;
  /** What more there is to know. */
  readonly docs: string;
  readonly arguments: readonly ArgumentWords[];
  readonly flags: readonly FlagWords[];
}

export interface CommandTable {
  readonly commands: readonly CommandWords[];
  /** Flags in place of a command, with words that mean the same as one of them, such as `version`. */
  readonly topFlags: readonly FlagWords[];
  /** What every command has besides its own flags. */
  readonly commonFlags: readonly FlagWords[];
}

/** A word that can come next. */
export interface NextWord {
  readonly word: string;
  readonly docs: string;
}

/** First words of a command line that name commands, each once. */
export function firstWords({ commands }: CommandTable): readonly NextWord[] {
  const words = new Map<string, string>();
  for (const { name, summary } of commands) {
    const [first = name] = name.split(" ");
    words.set(first, first === name ? summary : secondWords(commands, first).map(({ docs }) => docs).join("; "));
  }
  return [
    ...[...words].map(([word, docs]) => ({ word, docs })),
    { word: "help", docs: "show help" },
    { word: "version", docs: "show versions" },
  ];
}

/** The first words that want a second one. */
export function groups(commands: readonly CommandWords[]): readonly string[] {
  return [...new Set(commands.flatMap(({ name }) => name.includes(" ") ? [name.split(" ")[0] ?? ""] : []))];
}

export function secondWords(commands: readonly CommandWords[], group: string): readonly NextWord[] {
  const prefix = `${group} `;
  return commands.filter(({ name }) => name.startsWith(prefix))
    .map(({ name, summary }) => ({ word: name.slice(prefix.length), docs: summary }));
}

/** All that can be typed for a flag: `--port`, `-p`. */
export function spellings({ name, short }: FlagWords): readonly string[] {
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
}

/** Whether a flag must have a value, so that the word after it is none of the command's arguments. */
export function needsValue({ value }: FlagWords): boolean {
  return value !== undefined && !value.startsWith("[");
}
/** A text as one word of a POSIX shell, whatever it holds. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
