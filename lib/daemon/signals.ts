/** Signals that ask this process to end, where the system has them. */
const names: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM"];

/**
 * One Ctrl-C comes twice where a parent passes on what the terminal has sent to both, as `deno task` does. Nobody presses it again
 * so soon.
 */
const sameSignalMs = 400;

/**
 * Calls `onFirst` at the first such signal; a second one ends the process at once. Disposing stops listening, unless there was a
 * signal: the process is about to end in order, and the same signal once more must not keep it from that.
 */
export function onEndSignal(onFirst: (name: string) => void): Disposable {
  let firstMs: number | undefined;
  const handlers = names.map((name) => {
    const handler = () => {
      if (firstMs === undefined) {
        firstMs = performance.now();
        onFirst(name);
      } else if (performance.now() - firstMs > sameSignalMs) exitAtOnce();
    };
    Deno.addSignalListener(name, handler);
    return { name, handler };
  });
  return {
    [Symbol.dispose]() {
      if (firstMs !== undefined) return;
      for (const { name, handler } of handlers) Deno.removeSignalListener(name, handler);
    },
  };
}

/** Calls `reload` at each SIGHUP, where the system has it. Disposing leaves it to the system again, which ends the process. */
export function onReloadSignal(reload: () => void): Disposable {
  if (Deno.build.os === "windows") return { [Symbol.dispose]() {} };
  Deno.addSignalListener("SIGHUP", reload);
  return { [Symbol.dispose]: () => Deno.removeSignalListener("SIGHUP", reload) };
}

/** Keeps in mind that somebody has asked for a reload until there is someone to do it. */
export class ReloadRequests {
  #isAsked = false;
  #reload: (() => void) | undefined;

  ask(): void {
    if (this.#reload === undefined) this.#isAsked = true;
    else this.#reload();
  }

  goTo(reload: () => void): void {
    this.#reload = reload;
    if (this.#isAsked) reload();
  }
}

function exitAtOnce(): void {
  try {
    Deno.exit(1);
  } catch {
    // Under `deno run --watch` this throws, and the watcher ends the process.
  }
}
