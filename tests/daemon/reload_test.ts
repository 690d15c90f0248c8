import { assertEquals } from "@std/assert";
import type { Config } from "../../lib/config/config.ts";
import { loadConfig } from "../../lib/config/parse.ts";
import { Reloader, type ReloaderOptions } from "../../lib/daemon/reload.ts";

const base = 'secret = "dd00112233445566778899aabbccddeeff"\nbind-to = "127.0.0.1:1"\n';

function load(text: string) {
  return loadConfig({ file: { name: "a.toml", text: base + text } });
}

/** A reloader of a file that is at first as `text` says, and what its service has taken over. */
function reloaderOf(text: string, options: Partial<ReloaderOptions> = {}) {
  const applied: Config[] = [];
  const file = { text };
  const { config } = load(text);
  const reloader = new Reloader({
    config,
    load: () => Promise.resolve().then(() => load(file.text)),
    mayFront: () => true,
    apply: (next) => {
      applied.push(next);
      return Promise.resolve();
    },
    ...options,
  });
  return { reloader, applied, file };
}

Deno.test("Reloader does apply what has changed, once, and nothing where nothing has", async () => {
  const { reloader, applied, file } = reloaderOf("concurrency = 5");
  await reloader.reload("SIGHUP");
  file.text = "concurrency = 6";
  await reloader.reload("file");
  await reloader.reload("SIGHUP");
  assertEquals(applied.map(({ concurrency }) => concurrency), [6]);
});

Deno.test("Reloader does keep what needs a restart as it was, also when it comes again, and takes the rest", async () => {
  const { reloader, applied, file } = reloaderOf("workers = 1");
  file.text = "workers = 2\ndebug = true";
  await reloader.reload("SIGHUP");
  file.text = "workers = 2\nconcurrency = 7";
  await reloader.reload("SIGHUP");
  assertEquals(applied.map(({ workers, debug, concurrency }) => [workers, debug, concurrency]), [
    [1, true, 8192],
    [1, false, 7],
  ]);
});

Deno.test("Reloader does take nothing of a file that is wrong, and everything once it is mended", async () => {
  const { reloader, applied, file } = reloaderOf("");
  file.text = "concurrency = 9\ndebug = 5";
  await reloader.reload("SIGHUP");
  assertEquals(applied, []);
  file.text = "concurrency = 9";
  await reloader.reload("file");
  assertEquals(applied.map(({ concurrency }) => concurrency), [9]);
});

Deno.test("Reloader does leave the fronted site as it was where workers may not reach the new one", async () => {
  const { reloader, applied, file } = reloaderOf('[domain-fronting]\nhost = "unix:/run/a"', {
    mayFront: ({ domainFronting: { unixPath } }) => unixPath === "/run/a",
  });
  file.text = 'concurrency = 3\n[domain-fronting]\nhost = "unix:/run/b"\nport = 8443';
  await reloader.reload("SIGHUP");
  assertEquals(applied.map(({ concurrency, domainFronting: { unixPath, port } }) => [concurrency, unixPath, port]), [
    [3, "/run/a", 443],
  ]);
});

Deno.test("Reloader does one reload at a time, and goes on after one that failed", async () => {
  let running = 0;
  let most = 0;
  const seen: number[] = [];
  const { reloader, file } = reloaderOf("", {
    apply: async ({ concurrency }) => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      seen.push(concurrency);
      if (concurrency === 1) throw new Error("the service is gone");
    },
  });
  const reloads: Promise<void>[] = [];
  for (const concurrency of [1, 2, 3]) {
    file.text = `concurrency = ${concurrency}`;
    reloads.push(reloader.reload("SIGHUP"));
    await reloads.at(-1);
  }
  reloads.push(reloader.reload("SIGHUP"), reloader.reload("file"));
  await Promise.all(reloads);
  assertEquals([most, seen], [1, [1, 2, 3]]);
});
