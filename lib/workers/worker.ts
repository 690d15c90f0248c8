/// <reference lib="deno.worker" />
/**
 * A worker: one thread of the service, told by the supervisor what to do.
 *
 * It may use the network and nothing else. Modules that it comes to load later it could not read, so all are loaded now.
 */
import { messageOf } from "../errors.ts";
import { startLogging } from "../metrics/log.ts";
import { Heartbeats } from "../thread/heartbeats.ts";
import { ProxyThread, type ThreadOptions } from "../thread/proxy_thread.ts";
import type { Settings } from "../thread/settings.ts";
import { holdLifeline } from "./lifeline.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

let thread: ProxyThread | undefined;
/** Resolves when it is clear whether there is a thread. */
let started: Promise<void> = Promise.resolve();

self.addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case "start":
      return void (started = start(data.thread, data.lifeline));
    case "apply":
      return void apply(data.settings);
    case "stop":
      return void stop(data.graceMs);
  }
});

async function start(options: ThreadOptions, lifeline: string): Promise<void> {
  const { config, logFormat, worker, workers, shared } = options;
  startLogging(config.logLevel, logFormat, workers > 1 ? { worker: worker + 1 } : {});
  new Heartbeats(shared.heartbeats, worker).start();
  try {
    await holdLifeline(lifeline);
    thread = await ProxyThread.start(options);
    tell({ type: "listening", bound: thread.bound });
  } catch (error) {
    tell({ type: "failed", reason: messageOf(error) });
    self.close();
  }
}

async function apply(settings: Settings): Promise<void> {
  await started;
  try {
    thread?.apply(settings);
  } finally {
    // Whoever waits for it must not wait for ever because of a fault of ours.
    tell({ type: "applied" });
  }
}

async function stop(graceMs: number): Promise<void> {
  await thread?.stop(graceMs, () => tell({ type: "closed" }));
  tell({ type: "stopped" });
  self.close();
}

function tell(message: FromWorker): void {
  self.postMessage(message);
}
