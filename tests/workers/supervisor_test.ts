import { assertEquals, assertRejects } from "@std/assert";
import { parseConfig } from "../../lib/config/parse.ts";
import { pauseAfter, Supervisor } from "../../lib/workers/supervisor.ts";

/** A supervisor whose workers are made of `source`, and have so many looks of 5 ms to begin with. */
async function start(source: string, looksAtStart: number): Promise<void> {
  const lines = ['secret = "dd00112233445566778899aabbccddeeff"', 'bind-to = "127.0.0.1:0"', 'log-level = "error"'];
  await using _ = await Supervisor.start({
    config: parseConfig(lines.join("\n"), { file: "" }),
    logFormat: "json",
    workers: 1,
    module: new URL(`data:text/javascript,${encodeURIComponent(source)}`),
    patience: { lookEveryMs: 5, looks: 2, looksAtStart },
  });
}

/** Enough for a busy machine. */
const patient = 2_000;

const failures: readonly (readonly [string, string, string, number])[] = [
  [
    "whose module throws",
    'throw new Error("no module")',
    "worker 1 has crashed: Uncaught (in promise) Error: no module",
    patient,
  ],
  ["that says nothing", "self.onmessage = () => {}", "worker 1 gives no sign of life for 0.02 s", 4],
  ["that ends at once", "self.close()", "worker 1 gives no sign of life for 0.02 s", 4],
  [
    "that cannot listen",
    'self.onmessage = () => self.postMessage({ type: "failed", reason: "bind-to: no" })',
    "bind-to: no",
    patient,
  ],
];

for (const [what, source, message, looksAtStart] of failures) {
  Deno.test(`Supervisor.start() does fail with a worker ${what}`, async () => {
    await assertRejects(() => start(source, looksAtStart), Error, message);
  });
}

Deno.test("pauseAfter() does double up to 10 s as long as a worker dies soon, and begins anew with one that has lived", () => {
  const pauses: number[] = [];
  for (const livedMs of [0, 50, 50, 50, 50, 50, 9_999, 50, 50, 50, 10_000, 50]) {
    pauses.push(pauseAfter(livedMs, pauses.at(-1) ?? 0));
  }
  assertEquals(pauses, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000, 100, 200]);
});
