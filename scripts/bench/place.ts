/** Where a run takes place, and what its machine has. */

/**
 * How a subject comes to dial the stand-in data centre: Telegram's own addresses are local to a network namespace, or the
 * subject is told another address.
 */
export type Place = "namespace" | "override";

/** What the command line is read against. */
export interface Surroundings {
  readonly place: Place;
  /** How many descriptors a process may have. */
  readonly descriptors: number;
  /** The path of an installed program. */
  find(program: string): string | undefined;
  /** The text of a file. */
  read(path: string): string;
}

/** This machine's. */
export function surroundings(place: Place): Surroundings {
  return {
    place,
    descriptors: descriptorLimit(Deno.readTextFileSync("/proc/self/limits")),
    find: findProgram,
    read: (path) => Deno.readTextFileSync(path),
  };
}

/** The hard limit in the text of `/proc/PID/limits`: Deno raises its own to that, and what it starts inherits it. */
export function descriptorLimit(limits: string): number {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1] ?? "";
  return hard === "unlimited" ? Infinity : Number(hard);
}

/** Packages put daemons where a user's `PATH` does not lead. */
const systemDirectory = "/usr/sbin";

function findProgram(program: string): string | undefined {
  const directories = [...(Deno.env.get("PATH") ?? "").split(":"), systemDirectory];
  return directories.map((directory) => `${directory}/${program}`).find(isFile);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
