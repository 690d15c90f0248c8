/** Notices that a file has changed, whichever way an editor or an orchestrator does that. */
import { messageOf } from "../errors.ts";
import { systemClock } from "../net/system_clock.ts";

/** What happens in quick succession is one change. */
const quietMs = 200;
/** No longer does one wait for quiet: a file beside the watched one may be written all the time. */
const quietWithinMs = 2_000;
/** Where the directory cannot be watched. */
const pollMs = 2_000;

export interface WatchOptions {
  /** The file may be another now; called again only when it has resolved. */
  readonly onChange: () => Promise<void>;
  /** Told once, and why, if the file is only looked at every two seconds. */
  readonly onPolling: (reason: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Watches the file at `path` until `signal` aborts.
 *
 * It watches the directory, and that of the file itself if `path` is a link: a file that is watched itself goes unheard of once
 * another was renamed to its name, and in a mounted Kubernetes volume a link beside it changes. Where that is not permitted it
 * looks at size, time and identity.
 */
export async function watchFile(path: string, options: WatchOptions): Promise<void> {
  let watcher: Deno.FsWatcher;
  try {
    const directories = new Set([path, await Deno.realPath(path)].map(directoryOf));
    watcher = Deno.watchFs([...directories], { recursive: false });
  } catch (error) {
    options.onPolling(messageOf(error));
    return await poll(path, options);
  }
  await debounce(watcher, options);
}

function directoryOf(path: string): string {
  const end = Math.max(path.lastIndexOf("/"), Deno.build.os === "windows" ? path.lastIndexOf("\\") : -1);
  return end < 0 ? "." : path.slice(0, end + 1);
}

async function debounce(watcher: Deno.FsWatcher, { onChange, signal }: WatchOptions): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** When the first change came that nobody knows of yet. */
  let sinceMs: number | undefined;
  let changing: Promise<void> = Promise.resolve();
  const end = () => {
    clearTimeout(timer);
    watcher.close();
  };
  if (signal.aborted) return end();
  signal.addEventListener("abort", end, { once: true });
  for await (const { kind } of watcher) {
    if (kind === "access") continue;
    clearTimeout(timer);
    const nowMs = systemClock.elapsedMs();
    sinceMs ??= nowMs;
    timer = setTimeout(() => {
      sinceMs = undefined;
      changing = changing.then(onChange);
    }, Math.min(quietMs, Math.max(0, sinceMs + quietWithinMs - nowMs)));
  }
  await changing;
}

async function poll(path: string, { onChange, signal }: WatchOptions): Promise<void> {
  let last = await lookAt(path);
  for (;;) {
    await systemClock.sleep(pollMs, signal).catch(() => {});
    if (signal.aborted) return;
    const now = await lookAt(path);
    if (now !== last) await onChange();
    last = now;
  }
}

async function lookAt(path: string): Promise<string> {
  try {
    const { size, mtime, ino, dev } = await Deno.stat(path);
    return [size, mtime?.getTime(), ino, dev].join(" ");
  } catch {
    return "";
  }
}
