/// <reference lib="deno.worker" />
/** The proxy's own worker, which misbehaves when `unruly_service.ts` says so. */
import type { ToWorker } from "../../lib/workers/messages.ts";
import "../../lib/workers/worker.ts";

let worker = 0;
let unguarded = false;
const channel = new BroadcastChannel("unruly");

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === "start") worker = data.thread.worker + 1;
});

// Registered before the worker's own, so that an error can be kept from it.
for (const type of ["error", "unhandledrejection"]) {
  self.addEventListener(type, (event) => {
    if (unguarded) event.stopImmediatePropagation();
  });
}

channel.addEventListener("message", ({ data: [to, act, ...rest] }: MessageEvent<string[]>) => {
  if (Number(to) !== worker) return;
  unguarded = act === "throw" || act === "reject";
  acts[act ?? ""]?.(rest);
});

const acts: Readonly<Record<string, (rest: readonly string[]) => void>> = {
  "throw-guarded": thrower,
  throw: thrower,
  reject: () => void Promise.reject(new Error("rejected on command")),
  exit: () => Deno.exit(0),
  close: () => self.close(),
  hang: () => {
    for (;;);
  },
  try: ([path = ""]) =>
    channel.postMessage([
      "tried",
      errorOf(() => Deno.readTextFileSync(path)),
      errorOf(() => Deno.writeTextFileSync(path, "")),
      errorOf(() => Deno.env.get("PATH")),
      errorOf(() => Deno.hostname()),
      errorOf(() => new Deno.Command(path).outputSync()),
    ]),
};

function thrower(): void {
  throw new Error("thrown on command");
}

function errorOf(act: () => unknown): string {
  try {
    act();
    return "none";
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}
