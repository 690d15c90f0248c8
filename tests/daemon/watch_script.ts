/** Watches the file that is its argument, and prints a line when it begins and at each change. */
// deno-lint-ignore-file no-console
import { watchFile } from "../../lib/daemon/watch.ts";

const watching = watchFile(Deno.args[0] ?? "", {
  onChange: () => Promise.resolve(console.log("changed")),
  onPolling: (reason) => console.log(`polling: ${reason}`),
  signal: new AbortController().signal,
});
setTimeout(() => console.log("ready"), 200);
await watching;
