import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { watchFile } from "../../lib/daemon/watch.ts";
import { TempDir } from "../net/sockets.ts";

const script = fileURLToPath(new URL("watch_script.ts", import.meta.url));
/** Longer than what counts as one change. */
const apartMs = 500;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Gives up after 10 s. */
async function until(isSo: () => boolean): Promise<void> {
  for (let left = 500; !isSo() && left > 0; left--) await pause(20);
}

/** What `path` holds at each change that is noticed while `change` goes on. */
async function watch(
  path: string,
  change: (seen: readonly string[]) => Promise<void>,
): Promise<readonly string[]> {
  const seen: string[] = [];
  const ending = new AbortController();
  const watching = watchFile(path, {
    onChange: async () => void seen.push(await Deno.readTextFile(path)),
    onPolling: (reason) => seen.push(reason),
    signal: ending.signal,
  });
  await pause(apartMs);
  await change(seen);
  await until(() => seen.length > 0);
  await pause(apartMs);
  ending.abort();
  await watching;
  return seen;
}

Deno.test("watchFile() does notice a file that is replaced by renaming, each time anew", async () => {
  using dir = new TempDir();
  const path = dir.at("config.toml");
  await Deno.writeTextFile(path, "0");
  const seen = await watch(path, async (seen) => {
    for (const text of ["1", "2", "3"]) {
      await Deno.writeTextFile(dir.at("new"), text);
      await Deno.rename(dir.at("new"), path);
      await until(() => seen.includes(text));
    }
  });
  assertEquals([...new Set(seen)], ["1", "2", "3"]);
});

Deno.test("watchFile() does take a burst for one change", async () => {
  using dir = new TempDir();
  const path = dir.at("config.toml");
  await Deno.writeTextFile(path, "");
  const seen = await watch(path, async () => {
    for (let i = 0; i < 50; i++) await Deno.writeTextFile(path, String(i));
  });
  assertEquals([seen.at(-1), seen.length < 5], ["49", true]);
});

Deno.test("watchFile() does notice a change beside a file that is written all the time", async () => {
  using dir = new TempDir();
  const path = dir.at("config.toml");
  await Deno.writeTextFile(path, "0");
  let isNoticed = false;
  await watch(path, async (seen) => {
    await Deno.writeTextFile(path, "1");
    const isDone = () => {
      Deno.writeTextFileSync(dir.at("log"), "a line");
      return seen.includes("1");
    };
    await until(isDone);
    isNoticed = seen.includes("1");
  });
  assert(isNoticed);
});

Deno.test({
  name: "watchFile() does notice a link beside the file that leads elsewhere now, as in a volume of Kubernetes",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    using dir = new TempDir();
    for (const version of ["1", "2"]) {
      await Deno.mkdir(dir.at(`..${version}`));
      await Deno.writeTextFile(dir.at(`..${version}/config.toml`), version);
    }
    await Deno.symlink("..1", dir.at("..data"));
    await Deno.symlink("..data/config.toml", dir.at("config.toml"));
    const seen = await watch(dir.at("config.toml"), async () => {
      await Deno.symlink("..2", dir.at("..data_tmp"));
      await Deno.rename(dir.at("..data_tmp"), dir.at("..data"));
    });
    assertEquals(new Set(seen), new Set(["2"]));
  },
});

Deno.test("watchFile() does notice a change behind a link to another directory", async () => {
  using dir = new TempDir();
  using other = new TempDir();
  await Deno.writeTextFile(other.at("real.toml"), "1");
  await Deno.symlink(other.at("real.toml"), dir.at("config.toml"));
  const seen = await watch(dir.at("config.toml"), () => Deno.writeTextFile(other.at("real.toml"), "2"));
  assertEquals(new Set(seen), new Set(["2"]));
});

Deno.test("watchFile() does look at the file alone where it may read nothing else", async () => {
  using dir = new TempDir();
  const path = dir.at("config.toml");
  await Deno.writeTextFile(path, "1");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", `--allow-read=${path}`, script, path],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    let text = "";
    const until = async (word: string) => {
      while (!text.includes(word)) text += (await lines.read()).value ?? `ended before ${word}`;
    };
    await until("ready");
    await Deno.writeTextFile(path, "22");
    await until("changed");
    assertMatch(text, /^polling: Requires read access to/);
  } finally {
    child.kill("SIGKILL");
    while (!(await lines.read()).done);
    await child.status;
  }
});

Deno.test("watchFile() does end at once with a signal that is aborted already", async () => {
  using dir = new TempDir();
  await Deno.writeTextFile(dir.at("a"), "");
  const options = { onChange: () => Promise.resolve(), onPolling: () => {}, signal: AbortSignal.abort() };
  await watchFile(dir.at("a"), options);
});
