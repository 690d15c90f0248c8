/**
 * `deno task demo`: a Telegram client reaches its data centre through the proxy, on this machine alone.
 *
 * Ends with 0 if everything worked, with 1 and the reason if not, after two minutes at the latest.
 */
import { act } from "./demo/act.ts";
import { print, seconds } from "./demo/print.ts";
import { prepareClient, withStage } from "./demo/stage.ts";

const limitMs = 120_000;
/** A first run may have to download the client library. */
const preparationLimitMs = 300_000;

async function demo(signal: AbortSignal): Promise<void> {
  print(
    "This shows what mtg is for: a Telegram client reaches Telegram through it, although the client only ever connects",
    "to the proxy. The client is a real one; Telegram and a web site are played by stand-ins on this machine, and",
    "nothing goes to the Internet.",
    "",
  );
  const start = performance.now();
  await withStage(async (stage) => {
    for (const kind of ["simple", "secured", "tls"] as const) await act(kind, stage, signal);
  });
  print(
    "It works: with each of the three kinds of secret a key exchange and two calls went through the proxy,",
    `in ${seconds(performance.now() - start)} together.`,
  );
}

async function main(): Promise<number> {
  const interrupted = abortOnSignals();
  let signal = AbortSignal.any([
    interrupted,
    timeLimit(preparationLimitMs, "the client library took too long to load"),
  ]);
  try {
    await prepareClient(signal);
    signal = AbortSignal.any([interrupted, timeLimit(limitMs, `it took longer than ${seconds(limitMs)}`)]);
    await demo(signal);
    return 0;
  } catch (error) {
    const reason = signal.aborted ? signal.reason : error;
    print("", `It does not work: ${reason instanceof Error ? reason.message : reason}`);
    return 1;
  }
}

/** A child that goes on alone would be left behind. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  const names: readonly Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const name of names) Deno.addSignalListener(name, () => controller.abort(new Error("it was interrupted")));
  return controller.signal;
}

function timeLimit(ms: number, message: string): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error(message)), ms);
  return controller.signal;
}

if (import.meta.main) {
  if (Deno.args.length > 0) {
    print("usage: deno task demo");
    Deno.exit(2);
  }
  Deno.exit(await main());
}
