import { assertEquals } from "@std/assert";
import { Background } from "../../lib/daemon/background.ts";

/** Goes on until it is told to end; `told` says when it begins and ends. */
function taskOf(told: string[]): (signal: AbortSignal) => Promise<void> {
  return (signal) => {
    told.push("begins");
    return new Promise((resolve) =>
      signal.addEventListener("abort", () => {
        told.push("ends");
        resolve();
      })
    );
  };
}

Deno.test("Background does run its task once at a time, and again after a stop", async () => {
  const told: string[] = [];
  await using background = new Background(taskOf(told));
  await background.stop();
  background.start();
  background.start();
  await background.stop();
  background.start();
  assertEquals(told, ["begins", "ends", "begins"]);
});

Deno.test("Background does not pass a fault of its task on to whoever stops it", async () => {
  const background = new Background(() => Promise.reject(new Error("wrong")));
  background.start();
  await background.stop();
});
