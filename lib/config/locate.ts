/**
 * Where in a TOML text each key stands. The TOML parser gives values without their places, and a message about a wrong
 * value is worth much more with one.
 *
 * The text has been parsed before, so this walk may take its syntax for granted.
 */
import type { Path, Step } from "./values.ts";

/** Line and column count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * Gives the place of a key, of an element of an array, or of a table's header; of the nearest enclosing one if `path`
 * itself stands nowhere.
 */
export function locateKeys(toml: string): (path: Path) => Place | undefined {
  const walk = new KeyWalk(toml);
  walk.run();
  return (path) => {
    for (let length = path.length; length > 0; length--) {
      const offset = walk.offsets.get(keyOf(path.slice(0, length)));
      if (offset !== undefined) return placeOf(toml, offset);
    }
    return undefined;
  };
}

function keyOf(path: Path): string {
  return JSON.stringify(path);
}

function placeOf(toml: string, offset: number): Place {
  const lines = toml.slice(0, offset).split("\n");
  return { line: lines.length, column: (lines.at(-1) ?? "").length + 1 };
}

const blank = /(?:[\s\uFEFF]|#[^\n]*)*/y;
const spaces = /[ \t]*/y;
const bareKey = /[^\s.="'\]]+/y;
const quoted = /"""(?:[^\\]|\\[^])*?"{3,5}|'''[^]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y;
const bareValue = /[^,\]}\n#]+/y;

class KeyWalk {
  readonly offsets = new Map<string, number>();
  readonly #text: string;
  /** For each array of tables, which of its elements is being filled. */
  readonly #elements = new Map<string, number>();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): void {
    let table: Path = [];
    for (this.#take(blank); this.#at < this.#text.length; this.#take(blank)) {
      const before = this.#at;
      if (this.#peek() === "[") table = this.#header();
      else this.#pair(table);
      if (this.#at === before) this.#at++;
    }
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #take(what: RegExp): string {
    what.lastIndex = this.#at;
    const found = what.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #note(path: Path, offset: number): void {
    const key = keyOf(path);
    if (!this.offsets.has(key)) this.offsets.set(key, offset);
  }

  /** `[a.b]` or `[[a.b]]`; gives the path of the table that the following pairs go to. */
  #header(): Path {
    const offset = this.#at;
    const brackets = this.#text.startsWith("[[", offset) ? 2 : 1;
    this.#at += brackets;
    const keys = this.#key();
    this.#at += brackets;
    const path: Step[] = [];
    for (const [index, key] of keys.entries()) {
      path.push(key);
      this.#note(path, offset);
      const array = keyOf(path);
      let element = this.#elements.get(array);
      if (brackets === 2 && index === keys.length - 1) {
        element = element === undefined ? 0 : element + 1;
        this.#elements.set(array, element);
      }
      if (element !== undefined) path.push(element);
    }
    this.#note(path, offset);
    return path;
  }

  /** `a.b = value` */
  #pair(table: Path): void {
    const offset = this.#at;
    const keys = this.#key();
    const path = [...table, ...keys];
    for (let length = table.length + 1; length <= path.length; length++) this.#note(path.slice(0, length), offset);
    if (this.#peek() === "=") this.#at++;
    this.#take(spaces);
    this.#value(path);
  }

  /** A key with its dots, up to what follows it. */
  #key(): string[] {
    const parts: string[] = [];
    for (;;) {
      this.#take(spaces);
      const text = this.#take(quoted);
      parts.push(text === "" ? this.#take(bareKey) : unquote(text));
      this.#take(spaces);
      if (this.#peek() !== ".") return parts;
      this.#at++;
    }
  }

  #value(path: Path): void {
    const first = this.#peek();
    if (first === "[") this.#list("]", (index) => this.#element([...path, index]));
    else if (first === "{") this.#list("}", () => this.#pair(path));
    else if (this.#take(quoted) === "") this.#take(bareValue);
  }

  #element(path: Path): void {
    this.#note(path, this.#at);
    this.#value(path);
  }

  /** What stands between an opening bracket and `end`, with commas between. */
  #list(end: string, item: (index: number) => void): void {
    this.#at++;
    for (let index = 0; this.#at < this.#text.length; index++) {
      this.#take(blank);
      if (this.#peek() === end) break;
      const before = this.#at;
      item(index);
      this.#take(blank);
      if (this.#peek() === "," || this.#at === before) this.#at++;
    }
    this.#at++;
  }
}

/** The key that a quoted one means; escapes that JSON lacks stay as they are, and only the place is then less exact. */
function unquote(text: string): string {
  if (text.startsWith("'")) return text.slice(1, -1);
  try {
    return String(JSON.parse(text));
  } catch {
    return text.slice(1, -1);
  }
}
