/** Signals that ask this process to end, where the system has them. */
const names: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM"];

/**
 * One Ctrl-C comes twice where a parent passes on what the terminal has sent to both, as `deno task` does. Nobody presses it again
 * so soon.
 */
const sameSignalMs = 400;

/**
 * Calls `onFirst` at the first such signal; a second one ends the process at once. Disposing stops listening; where there was a
 * signal, the process is about to end in order, and no other keeps it from that any more.
 */
export function onEndSignal(onFirst: (name: string) => void): Disposable {
  let first: { readonly name: string; readonly ms: number } | undefined;
  let isOver = false;
  const handlers = names.map((name) => {
    const handler = () => {
      const ms = performance.now();
      if (first === undefined) {
        first = { name, ms };
        onFirst(name);
      } else if (!isOver && (name !== first.name || ms - first.ms > sameSignalMs)) exitAtOnce();
    };
    Deno.addSignalListener(name, handler);
    return { name, handler };
  });
  return {
    [Symbol.dispose]() {
      isOver = true;
      if (first !== undefined) return;
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
