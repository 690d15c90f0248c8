import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { createResolver } from "../../lib/dns/resolver.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import {
  addresses,
  dnsAuthority,
  DnsHttpsServer,
  type DnsScript,
  DnsTlsServer,
  DnsUdpServer,
} from "../support/dns_server.ts";
import type { ScriptOrder } from "./resolver_script.ts";

/** Gives `run` an order for one server of each kind, and judges what came of it. */
async function judge(run: (order: ScriptOrder) => Promise<readonly string[]>): Promise<void> {
  const script: DnsScript = (query) => addresses(query, ["192.0.2.1", "2001:db8::1"]);
  await using udp = new DnsUdpServer(script);
  await using tls = new DnsTlsServer(script);
  await using https = new DnsHttpsServer(script);
  const servers = [
    { kind: "udp", host: "127.0.0.1", port: udp.port },
    { kind: "tls", host: "localhost", port: tls.port },
    { kind: "https", url: https.url },
  ] as const;
  const outcomes = await run({ servers, caCerts: [dnsAuthority] });
  const found = "2001:db8::1,192.0.2.1";
  assertEquals(outcomes.slice(0, 3), [found, found, found]);
  assertMatch(outcomes[3]!, /^(::1,)?127\.0\.0\.1(,::1)?$/);
  assertEquals(outcomes.slice(4), ["NotCapable"]);
}

Deno.test("Resolver works in a process that may use the network and nothing else", async () => {
  await judge(async (order) => {
    const script = new URL("resolver_script.ts", import.meta.url).pathname;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const args = ["run", "--no-prompt", "--no-check", "--allow-net", "--config", config, script, JSON.stringify(order)];
    const command = new Deno.Command(Deno.execPath(), { args, stdin: "null", env: { NO_COLOR: "1" } });
    const { stdout, stderr, success } = await command.output();
    assert(success, new TextDecoder().decode(stderr));
    return JSON.parse(new TextDecoder().decode(stdout));
  });
});

Deno.test("Resolver works in a worker that may use the network and nothing else", async () => {
  const permissions: Deno.PermissionOptionsObject = {
    net: "inherit",
    read: false,
    write: false,
    env: false,
    run: false,
    sys: false,
    ffi: false,
    import: false,
  };
  const worker = new Worker(new URL("resolver_worker.ts", import.meta.url), { type: "module", deno: { permissions } });
  try {
    await judge((order) => {
      const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
      worker.postMessage(order);
      return promise;
    });
  } finally {
    worker.terminate();
  }
});

Deno.test("Resolver without a server asks the system, and names it where there is no such name", async () => {
  using resolver = createResolver(undefined, { clock: systemClock, timeoutMs: 20_000 });
  const message = "Cannot look up name.invalid with the system's resolver: ";
  const { signal } = new AbortController();
  await assertRejects(() => resolver.resolve("name.invalid", { signal }), Error, message);
});
