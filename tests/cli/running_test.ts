import { assertEquals } from "@std/assert";
import type { StateFiles } from "../../lib/cli/environment.ts";
import { RunningNote } from "../../lib/cli/running.ts";
import type { Config } from "../../lib/config/config.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { configText, stateIn } from "./fake_environment.ts";

/** Directories in memory, of which some are not there, and some may not be written. */
class Disk {
  readonly files = new Map<string, string>();
  readonly directories = new Set<string>();
  readonly full = new Set<string>();

  state(path: string): StateFiles {
    const fault = this.full.has(path) ? new Error("no space left") : undefined;
    return stateIn(path, this.files, { fault, exists: this.directories.has(path) });
  }

  get paths(): readonly string[] {
    return [...this.files.keys()];
  }
}

const bound = [{ kind: "tcp", host: "127.0.0.1", port: 3_128 }] as const;
const config: Config = parseConfig(configText("127.0.0.1:0", '[state]\ndirectory = "/data"'), { file: "" });
const takesAny: Config = { ...config, allowFallbackOnUnknownDc: true };

Deno.test("RunningNote does make no directory", async () => {
  const disk = new Disk();
  await new RunningNote(disk).write(config, bound);
  assertEquals(disk.paths, []);
});

Deno.test("RunningNote does prefer the directory of state, and goes to /run/mtg where that cannot be written", async () => {
  const disk = new Disk();
  disk.directories.add("/data").add("/run/mtg");
  await new RunningNote(disk).write(config, bound);
  assertEquals(disk.paths, ["/data/running.toml"]);
  disk.files.clear();
  disk.full.add("/data");
  await new RunningNote(disk).write(config, bound);
  assertEquals(disk.paths, ["/run/mtg/running.toml"]);
});

Deno.test("RunningNote does leave no old word where the new one goes elsewhere, or nowhere", async () => {
  const disk = new Disk();
  disk.directories.add("/data").add("/run/mtg");
  const note = new RunningNote(disk);
  await note.write(config, bound);
  disk.full.add("/data");
  await note.write(takesAny, bound);
  assertEquals(disk.paths, ["/run/mtg/running.toml"]);
  disk.full.add("/run/mtg");
  await note.write(config, bound);
  assertEquals(disk.paths, []);
  disk.full.clear();
  await note.write(config, bound);
  assertEquals(disk.paths, ["/data/running.toml"]);
  await note.remove();
  assertEquals(disk.paths, []);
});
