/** Files that outlive a restart. Only the main thread has them: workers may write nothing. */
import { messageOf } from "../errors.ts";
import { writableOnly } from "../permissions.ts";

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

  /** Whoever reads it meanwhile gets the old text or the new one. @throws {StateError} */
  async write(name: string, text: string): Promise<void> {
    const path = this.pathOf(name);
    const fresh = `${path}.new`;
    try {
      await Deno.mkdir(this.path, { recursive: true, mode: 0o700 });
      // One that an earlier process has left may have another mode.
      await removeIfThere(fresh);
      await Deno.writeTextFile(fresh, text, { createNew: true, mode: 0o600 });
      await Deno.rename(fresh, path);
    } catch (error) {
      throw this.#explain("write", name, error);
    }
  }

  #explain(verb: string, name: string, error: unknown): StateError {
    const subject = `state.directory = ${JSON.stringify(this.path)}: cannot ${verb} ${name}`;
    return new StateError(`${subject}: ${reasonOf(error)}`, { cause: error });
  }
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
