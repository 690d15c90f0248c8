/**
 * A proxy of several workers that misbehave on command: `Supervisor` as `serve()` uses it, with the module `unruly_worker.ts`.
 *
 * The configuration is its argument. Lines on standard input are commands; answers are lines on standard output.
 *
 * ```text
 * counts          the counts of each worker, as JSON
 * 2 exit          makes the second worker do that, see `unruly_worker.ts`
 * ```
 */
import { formatAddress } from "../../lib/address.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { messageOf } from "../../lib/errors.ts";
import { log, startLogging } from "../../lib/metrics/log.ts";
import { Supervisor } from "../../lib/workers/supervisor.ts";

const config = parseConfig(Deno.args[0] ?? "", { file: "argument" });
const workers = Number(config.workers);
const channel = new BroadcastChannel("unruly");

startLogging(config.logLevel, "json");
await using supervisor = await Supervisor.start({
  config,
  logFormat: "json",
  workers,
  module: new URL("./unruly_worker.ts", import.meta.url),
  patience: { lookEveryMs: 250, looks: 20, looksAtStart: 120 },
});
channel.addEventListener("message", ({ data }: MessageEvent<string[]>) => answer(data));
supervisor.broken.catch((error) => {
  log("error", messageOf(error));
  Deno.exit(1);
});
log("info", `listening on ${supervisor.bound.map(formatAddress).join(", ")}`);
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  for (const line of text.trim().split("\n")) {
    if (line === "counts") answer(Array.from({ length: workers }, (_, worker) => supervisor.countsOf(worker)));
    else channel.postMessage(line.split(" "));
  }
}

function answer(value: unknown): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
}
