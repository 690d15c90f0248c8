/**
 * The sources as a few files of JavaScript, in a folder of their own: what a program is compiled from.
 *
 * Embedded as they are, 180 modules and the packages that they name, tests and documentation of those included, made a program
 * larger by 6.2 MB and took 10 MB more memory to start; bundled it is 0.4 MB and 2 MB. Parts that are loaded when they are
 * wanted stay files of their own.
 */
import { run } from "./run.ts";

export interface Bundle extends AsyncDisposable {
  readonly version: string;
  /** What it was made from, with `+` if there were changes; `undefined` outside a repository. */
  readonly commit: string | undefined;
  /** Features that programs need. */
  readonly unstable: readonly string[];
  readonly folder: string;
  /** Files in `folder`. */
  readonly main: string;
  /** Modules that are loaded by URL, which nothing imports. */
  readonly workers: readonly string[];
  /** Packages of which there is code inside, as deno.lock names them: `qrcode@1.5.4`. */
  readonly packages: ReadonlySet<string>;
  /** What deno.json asks for itself, by the same names; not all of it is inside. */
  readonly direct: ReadonlySet<string>;
}

const root = new URL("../../", import.meta.url);

interface Manifest {
  readonly version: string;
  readonly imports: Readonly<Record<string, string>>;
  readonly unstable: readonly string[];
}

/**
 * Leaves the project's own folder as it is; disposing removes the other one. `toldCommit` is for where there is no repository.
 *
 * @throws {Error} If it cannot be bundled.
 */
export async function bundle(toldCommit?: string): Promise<Bundle> {
  const stage = await Deno.makeTempDir({ prefix: "mtg-compile-" });
  const dispose = () => Deno.remove(stage, { recursive: true });
  try {
    const manifest: Manifest = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
    const commit = await commitHere() ?? toldCommit;
    await copySources(stage);
    const { version, imports, unstable } = manifest;
    // `mtg --version` reads it from here.
    await Deno.writeTextFile(`${stage}/deno.json`, JSON.stringify({ version, imports, unstable, commit }));
    // `new URL("./worker.ts", import.meta.url)` leads to the folder of the bundle, wherever it stood in the sources.
    await Deno.writeTextFile(`${stage}/worker.ts`, 'import "./lib/workers/worker.ts";\n');
    const folder = `${stage}/bundle`;
    const how = ["--quiet", "--platform=deno", "--code-splitting", "--minify", "--sourcemap=external"];
    const args = ["bundle", ...how, "--outdir", folder, "main.ts", "worker.ts"];
    const { ok, text } = await run(Deno.execPath(), args, { cwd: stage });
    if (!ok) throw new Error(`deno bundle failed: ${text}`);
    const packages = await packagesIn(folder);
    await Deno.writeTextFile(`${folder}/worker.ts`, 'import "./worker.js";\n');
    const files = { folder, main: "main.js", workers: ["worker.ts"] };
    const direct = new Set(
      Object.values(imports).map((specifier) => /^npm:(@?[^@]+@[^/]+)/.exec(specifier)?.[1] ?? ""),
    );
    return { version, commit, unstable, packages, direct, ...files, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function copySources(to: string): Promise<void> {
  for (const file of ["main.ts", "deno.lock"]) await Deno.copyFile(new URL(file, root), `${to}/${file}`);
  await copyFolder(new URL("lib/", root), `${to}/lib`);
}

async function copyFolder(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(new URL(`${name}/`, from), `${to}/${name}`);
    else await Deno.copyFile(new URL(name, from), `${to}/${name}`);
  }
}

async function commitHere(): Promise<string | undefined> {
  try {
    const git = (...args: readonly string[]) => run("git", args, { cwd: decodeURIComponent(root.pathname) });
    const head = await git("rev-parse", "--short=12", "HEAD");
    if (!head.ok) return undefined;
    const changes = await git("status", "--porcelain", "--untracked-files=no");
    return `${head.text.trim()}${changes.ok && changes.text === "" ? "" : "+"}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** By the source maps, which name each file that code has come from; they are not embedded. */
async function packagesIn(folder: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".map")) continue;
    const { sources }: { readonly sources: readonly string[] } = JSON.parse(
      await Deno.readTextFile(`${folder}/${name}`),
    );
    for (const source of sources) {
      const [, id, version] = /\/npm\/[^/]+\/((?:@[^/]+\/)?[^/]+)\/(\d[^/]*)\//.exec(source) ?? [];
      if (id !== undefined) found.add(`${id}@${version}`);
    }
    await Deno.remove(`${folder}/${name}`);
  }
  return found;
}
