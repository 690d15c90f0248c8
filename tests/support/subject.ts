/**
 * What is tested as a process of its own: the sources, or the executable that TEST_BINARY names (`deno task test:binary`).
 *
 * An executable takes no flags of Deno: it has its permissions compiled in, so those that a test gives are for the sources alone.
 */
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
const given = Deno.env.get("TEST_BINARY") ?? "";

/** `undefined` where the sources are tested. */
export const binary: string | undefined = given === "" ? undefined : Deno.realPathSync(given);

/** The program, and its arguments, that runs `mtg` with these. */
export function mtgCommand(args: readonly string[], permissions: readonly string[]): readonly [string, ...string[]] {
  if (binary !== undefined) return [binary, ...args];
  return [Deno.execPath(), "run", "--quiet", "--no-check", "--no-prompt", ...permissions, main, ...args];
}

/** A folder of its own where sockets may be: anywhere for the sources, which are given the permission, else in `mtg-data`. */
export function makeSocketFolder(): string {
  if (binary === undefined) return Deno.makeTempDirSync();
  Deno.mkdirSync("mtg-data", { recursive: true });
  return Deno.makeTempDirSync({ dir: Deno.realPathSync("mtg-data") });
}

/** Deno ended no write under way when its socket was closed before it was 2.9, so a runtime as old keeps such sessions. */
export const endsStalledWrites: boolean = await (async () => {
  if (binary === undefined) return true;
  const { stdout } = await new Deno.Command(binary, { args: ["--version"] }).output();
  const [, major, minor] = /\bdeno (\d+)\.(\d+)/i.exec(new TextDecoder().decode(stdout)) ?? [];
  return Number(major) > 2 || Number(minor) >= 9;
})();
