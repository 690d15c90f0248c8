/** Runs what `mtg completions` prints in the shells themselves. */
import { commands } from "../../lib/cli/mod.ts";
import { tableOf } from "../../lib/cli/completions.ts";
import type { CommandTable } from "../../lib/shells/words.ts";

export const table: CommandTable = tableOf(commands);

/** Whether a program can be started; tests of a shell that is not there are skipped, and say so in their names. */
export function isInstalled(program: string, argument = "--version"): boolean {
  try {
    return new Deno.Command(program, { args: [argument], stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What stands before the cursor, and the words that are offered. */
export type Offer = readonly [string, readonly string[]];

/** Where fish and zsh offer the same; `files` are those of the stage, as the shell writes them. */
export function commonOffers(files: readonly string[]): readonly Offer[] {
  return [
    ["conf", ["config"]],
    ["ru", ["run"]],
    ["--", ["--help", "--version"]],
    ["config ", ["check", "schema"]],
    ["help gen", ["generate-secret"]],
    ["help config ", ["check", "schema"]],
    ["help run ", []],
    ["config check con", files],
    ["config check --", ["--help"]],
    ["config schema con", []],
    ["nope ", []],
    ["run con", files],
    ["run --no-links con", files],
    ["run --n", ["--no-links"]],
    ["completions ", ["bash", "fish", "zsh"]],
    ["generate-secret --kind ", ["secured", "simple", "tls"]],
    ["generate-secret con", []],
    ["simple-run --log-level w", ["warning"]],
    ["simple-run --dns con", []],
    ["access -p 443 con", files],
    ["access config.toml --he", ["--help", "--hex"]],
  ];
}

/** A directory with two files, whose names want care, and the script under `name`. */
export class Stage implements AsyncDisposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async make(name: string, script: string): Promise<Stage> {
    const directory = await Deno.makeTempDir();
    for (const file of ["config.toml", "con figured*.toml"]) await Deno.writeTextFile(`${directory}/${file}`, "");
    await Deno.writeTextFile(`${directory}/${name}`, `${script}\n`);
    return new Stage(directory);
  }

  /** Gives the lines on standard output. @throws {Error} If anything goes to standard error, or the exit code is not 0. */
  async run(program: string, args: readonly string[]): Promise<readonly string[]> {
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      cwd: this.directory,
      env: { HOME: this.directory, XDG_CONFIG_HOME: this.directory, XDG_DATA_HOME: this.directory, TERM: "dumb" },
      stdin: "null",
    }).output();
    const [out = "", errors = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    if (code !== 0 || errors !== "") throw new Error(`${program} ended with ${code}: ${errors}`);
    return out.split("\n").filter((line) => line !== "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory, { recursive: true });
  }
}
