/** Looks `a.test` up with each of the given servers, and `localhost` with the system; run with no permission but the network's. */
import type { DnsServer } from "../../lib/config/config.ts";
import { createResolver } from "../../lib/dns/resolver.ts";
import { systemClock } from "../../lib/net/system_clock.ts";

/** What to look up, and whom to trust. */
export interface ScriptOrder {
  readonly servers: readonly DnsServer[];
  readonly caCerts: readonly string[];
}

/** What came of each, in order; the last two are `localhost`, and what became of an attempt to read a file. */
export async function runScript({ servers, caCerts }: ScriptOrder): Promise<string[]> {
  const lookups = [...servers.map((dns) => [dns, "a.test"] as const), [undefined, "localhost"] as const];
  const outcomes: string[] = [];
  for (const [dns, host] of lookups) {
    using resolver = createResolver(dns, { clock: systemClock, timeoutMs: 5_000, caCerts });
    const { signal } = new AbortController();
    outcomes.push(await resolver.resolve(host, { signal }).then(String, (error: Error) => error.message));
  }
  return [...outcomes, await Deno.readTextFile("/etc/hosts").then(() => "read", (error: Error) => error.name)];
}

const order = Deno.args[0];
if (import.meta.main && order !== undefined) {
  const outcomes = JSON.stringify(await runScript(JSON.parse(order)));
  await Deno.stdout.write(new TextEncoder().encode(outcomes));
}
