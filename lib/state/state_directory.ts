/** Files that outlive a restart. Only the main thread has them: workers may write nothing. */
import { messageOf } from "../errors.ts";
import { writableOnly } from "../permissions.ts";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Nobody takes so long to write one. */
const leftoverAfterMs = 60_000;
/** Of file systems that have no links: not permitted, or not supported. */
const noLinks = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

/** Something cannot be kept, or read again; the message names the key of the configuration, the file and the reason. */
export class StateError extends Error {
  override readonly name = "StateError";
}

/**
 * The directory of `state.directory`. It is made when the first file is written; it and its files are nobody else's to read
 * (modes 700 and 600). Files are written whole or not at all.
 */
export class StateDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Where the file `name` is. */
  pathOf(name: string): string {
    return `${this.path}/${name}`;
  }

  /** What the file `name` holds; `undefined` if there is none. @throws {StateError} */
  async read(name: string): Promise<string | undefined> {
    try {
      return await Deno.readTextFile(this.pathOf(name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw this.#explain("read", name, error);
    }
  }

  /** Whoever reads it meanwhile gets the old text or the new one, and so does the next start after a power cut. @throws {StateError} */
  async write(name: string, text: string): Promise<void> {
    await this.#place(name, text, (fresh, path) => Deno.rename(fresh, path));
  }

  /**
   * Writes it unless it is there already, as another start may have done in the same moment; gives what is there then.
   *
   * @throws {StateError}
   */
  async create(name: string, text: string): Promise<string> {
    try {
      await this.#place(name, text, linkOrRename);
      return text;
    } catch (error) {
      const isThere = error instanceof StateError && error.cause instanceof Deno.errors.AlreadyExists;
      const there = isThere ? await this.read(name) : undefined;
      // A link that leads nowhere is there, and holds nothing.
      if (there === undefined) throw error;
      return there;
    }
  }

  /** Nothing is wrong if it is not there. @throws {StateError} */
  async remove(name: string): Promise<void> {
    try {
      await removeIfThere(this.pathOf(name));
    } catch (error) {
      throw this.#explain("remove", name, error);
    }
  }

  /** Whether it has been made. */
  async exists(): Promise<boolean> {
    try {
      return (await Deno.stat(this.path)).isDirectory;
    } catch {
      return false;
    }
  }

  /** Writes a file of its own and has `move` bring it to its place. */
  async #place(name: string, text: string, move: (from: string, to: string) => Promise<void>): Promise<void> {
    const path = this.pathOf(name);
    const fresh = `${path}.${crypto.randomUUID()}`;
    try {
      await Deno.mkdir(this.path, { recursive: true, mode: 0o700 });
      await this.#removeLeftovers(name);
      try {
        await writeThrough(fresh, text);
        await move(fresh, path);
      } finally {
        await removeIfThere(fresh);
      }
    } catch (error) {
      throw this.#explain("write", name, error);
    }
  }

  /** What a start that was killed in the middle has left; if that cannot be done, it stays. */
  async #removeLeftovers(name: string): Promise<void> {
    try {
      for await (const entry of Deno.readDir(this.path)) {
        if (!entry.name.startsWith(`${name}.`) || !uuid.test(entry.name.slice(name.length + 1))) continue;
        const { mtime } = await Deno.lstat(this.pathOf(entry.name));
        if (mtime !== null && Date.now() - mtime.getTime() > leftoverAfterMs) {
          await Deno.remove(this.pathOf(entry.name));
        }
      }
    } catch {
      // Another start is at it, or Deno may not look there.
    }
  }

  #explain(verb: string, name: string, error: unknown): StateError {
    const subject = `state.directory = ${JSON.stringify(this.path)}: cannot ${verb} ${name}`;
    return new StateError(`${subject}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Only the first gets to `to`, but where the file system has no links. @throws {Deno.errors.AlreadyExists} */
async function linkOrRename(from: string, to: string): Promise<void> {
  try {
    await Deno.link(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && noLinks.includes(String(error.code)))) throw error;
    await Deno.rename(from, to);
  }
}

/** All of it is on the disk when this resolves. */
async function writeThrough(path: string, text: string): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
  await file.syncData();
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) return `Deno does not permit it; ${writableOnly}`;
  if (error instanceof Deno.errors.PermissionDenied) {
    return `the system does not permit it to this user; ${writableOnly}`;
  }
  return messageOf(error);
}
