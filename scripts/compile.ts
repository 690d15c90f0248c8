// deno-lint-ignore-file no-console
/**
 * `deno task compile`: one program for each target, `dist/mtg-VERSION-TARGET[.exe]`, with SHA256SUMS and a list of what is inside
 * (CycloneDX). `--here` makes that of this machine alone, `--out DIRECTORY` puts all elsewhere, `--commit HASH` says what it is
 * made from where there is no repository.
 *
 * Deno embeds its runtime, which it downloads for each target; one that cannot be had is skipped and named, and the exit code
 * is 1. `DENORT_BIN` is a runtime that is there already, for this machine's target; `COMPILE_DENO` the Deno that goes with it.
 */
import { parseArgs } from "@std/cli/parse-args";
import { type Bundle, bundle } from "./compile/bundle.ts";
import { run } from "./compile/run.ts";
import { bomOf } from "./compile/sbom.ts";
import { permissionFlags } from "./permissions.ts";
import { v8Flags } from "./runtime.ts";

const targets = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

const compiler = Deno.env.get("COMPILE_DENO") ?? Deno.execPath();
const ownRuntime = Deno.env.get("DENORT_BIN");

async function main(): Promise<number> {
  const { here, out, commit } = parseArgs(Deno.args, {
    boolean: ["here"],
    string: ["out", "commit"],
    default: { out: "dist", commit: "" },
    unknown: (arg: string) => {
      misuse(`unknown argument ${arg}: expected --here, --out DIRECTORY, --commit HASH or nothing`);
    },
  });

  if (!/^([0-9a-f]{12,64}\+?)?$/.test(commit)) {
    misuse(`--commit ${commit}: expected 12 or more hex digits, and + for local changes`);
  }
  const toldCommit = commit === "" ? undefined : commit.replace(/^(.{12})[0-9a-f]*/, "$1");
  await using program = await bundle(toldCommit);
  await Deno.mkdir(out, { recursive: true });
  const flags = await knownFlags(v8Flags);
  const made: string[] = [];
  const skipped: string[] = [];
  for (const target of here ? [Deno.build.target] : targets) {
    const name = `mtg-${program.version}-${target}${target.includes("windows") ? ".exe" : ""}`;
    const problem = await compile(program, target, `${out}/${name}`, flags);
    if (problem === undefined) made.push(name);
    else skipped.push(target);
    console.log(
      problem === undefined ? `${name}: ${await sizesOf(`${out}/${name}`)}` : `${target}: skipped: ${problem}`,
    );
  }
  if (made.length > 0) {
    const bom = `mtg-${program.version}.cdx.json`;
    const text = JSON.stringify(await bomOf(program, await versionOf(compiler)), undefined, 2);
    await Deno.writeTextFile(`${out}/${bom}`, `${text}\n`);
    await Deno.writeTextFile(`${out}/SHA256SUMS`, await sumsOf(out, [...made, bom]));
  }
  console.log(`${made.length} made in ${out}, of mtg ${program.version} at ${program.commit ?? "no commit"}`);
  if (skipped.length > 0) console.error(`not made: ${skipped.join(", ")}`);
  return skipped.length === 0 ? 0 : 1;
}

function misuse(text: string): never {
  console.error(text);
  Deno.exit(2);
}

/** Gives what keeps it from being made. */
async function compile(
  program: Bundle,
  target: string,
  to: string,
  v8: readonly string[],
): Promise<string | undefined> {
  if (ownRuntime !== undefined && target !== Deno.build.target) {
    return `DENORT_BIN is a runtime for ${Deno.build.target}`;
  }
  if (ownRuntime !== undefined && !exists(ownRuntime)) return `DENORT_BIN=${ownRuntime}: there is no such file`;
  const flags = [
    // All that it runs is in the bundle: it reads no deno.json, and no package is embedded as such.
    ...["--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-check"],
    ...program.unstable.map((feature) => `--unstable-${feature}`),
    // Never asks on a terminal, and writes no cache beside what it was told.
    ...["--no-prompt", "--no-code-cache"],
    ...v8.length > 0 ? [`--v8-flags=${v8.join(",")}`] : [],
    ...permissionFlags(),
  ];
  const included = program.workers.flatMap((worker) => ["--include", worker]);
  // Made beside its place, so that none that is half made can be taken for whole.
  const half = await Deno.realPath(to.slice(0, to.lastIndexOf("/"))) + `/.${target}`;
  const args = ["compile", ...flags, "--target", target, ...included, "--output", half, program.main];
  const { ok, text } = await run(compiler, args, { cwd: program.folder });
  const found = [half, `${half}.exe`].find(exists);
  if (ok && found !== undefined) return void await Deno.rename(found, to);
  if (found !== undefined) await Deno.remove(found);
  return isDownload(text) ? "its runtime cannot be downloaded" : `deno compile failed: ${text.trim()}`;
}

function isDownload(text: string): boolean {
  return /error sending request|Failed downloading|could not download|dns error|Connection refused/i.test(text);
}

/** Those V8 flags that the compiling Deno knows: an older one refuses all because of one. */
async function knownFlags(flags: readonly string[]): Promise<readonly string[]> {
  const known: string[] = [];
  for (const flag of flags) {
    const { ok } = await run(compiler, ["eval", "--no-config", `--v8-flags=${flag}`, ""], {});
    if (ok) known.push(flag);
    else console.log(`without the V8 flag ${flag}, which ${await versionOf(compiler)} does not know`);
  }
  return known;
}

async function versionOf(deno: string): Promise<string> {
  const { text } = await run(deno, ["--version"], {});
  return /^deno \d+\.\d+\.\d+/m.exec(text)?.[0] ?? "deno";
}

/** As it is, and as a download would be packed. */
async function sizesOf(file: string): Promise<string> {
  using opened = await Deno.open(file);
  let packed = 0;
  for await (const part of opened.readable.pipeThrough(new CompressionStream("gzip"))) packed += part.length;
  return `${megabytes((await Deno.stat(file)).size)}, ${megabytes(packed)} as .gz`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

async function sumsOf(folder: string, names: readonly string[]): Promise<string> {
  const lines = await Promise.all(names.map(async (name) => {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(`${folder}/${name}`)));
    return `${hash.toHex()}  ${name}\n`;
  }));
  return lines.join("");
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) Deno.exit(await main());
