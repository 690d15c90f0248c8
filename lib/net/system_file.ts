/** A file of the system, such as those under `/proc`. @throws {Error} If there is none, or Deno may not read it. */
export async function readSystemFile(path: string): Promise<string> {
  return await Deno.readTextFile(path);
}

/** The operating system: `linux`, `darwin`, `windows`, … */
export const operatingSystem: string = Deno.build.os;
