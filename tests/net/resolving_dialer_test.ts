import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { Address, PreferIp } from "../../lib/address.ts";
import { ResolvingDialer } from "../../lib/net/resolving_dialer.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import type { Resolver } from "../../lib/relay/resolver.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { DialScript } from "../telegram/dial_script.ts";

const v4 = ["192.0.2.1", "192.0.2.2"];
const v6 = ["2001:db8::1", "2001:db8::2"];
const site: Address = { kind: "tcp", host: "a.test", port: 443 };

function rig(found: readonly string[] | Error, preferIp: PreferIp = "prefer-ipv6") {
  const clock = new FakeClock();
  const script = new DialScript(clock);
  const asked: string[] = [];
  const resolver: Resolver = {
    resolve(host, { signal }) {
      asked.push(host);
      signal.throwIfAborted();
      return found instanceof Error ? Promise.reject(found) : Promise.resolve(found);
    },
  };
  const dialer = new ResolvingDialer({ resolver, preferIp, clock, dialer: script });
  const dialing = new AbortController();
  const dial = (to: Address = site) => dialer.dial(to, { signal: dialing.signal });
  return { clock, script, asked, dial, dialing };
}

Deno.test("ResolvingDialer connects to the only address of a name, without a timer", async () => {
  const { clock, script, dial } = rig([v4[0]!]);
  const done = dial();
  await settle();
  assertEquals([script.order, clock.pendingMs], [["192.0.2.1@0"], []]);
  const conn = script.calls[0]!.connect();
  assertStrictEquals(await done, conn);
});

const orders: readonly [PreferIp, readonly string[]][] = [
  ["prefer-ipv6", [...v6, ...v4]],
  ["prefer-ipv4", [...v4, ...v6]],
  ["only-ipv6", v6],
  ["only-ipv4", v4],
];
for (const [preferIp, expected] of orders) {
  Deno.test(`ResolvingDialer tries addresses 250 ms apart, in the order of ${preferIp}`, async () => {
    const { clock, script, dial, dialing } = rig([v4[0]!, v6[0]!, v4[1]!, v6[1]!], preferIp);
    const done = dial().catch(() => {});
    await clock.advance(5_000);
    assertEquals(script.order, expected.map((host, index) => `${host}@${250 * index}`));
    dialing.abort(new Error("enough"));
    await done;
    assertEquals(clock.pendingMs, []);
  });
}

Deno.test("ResolvingDialer gives the first connection, gives up the other attempts, and leaves no timer behind", async () => {
  const { clock, script, dial, dialing } = rig([...v6, ...v4]);
  const done = dial();
  await clock.advance(250);
  const conn = script.calls[1]!.connect();
  assertStrictEquals(await done, conn);
  assertEquals([script.calls[0]!.signal.aborted, dialing.signal.aborted, conn.isClosed], [true, false, false]);
  assertEquals([script.calls.length, clock.pendingMs], [2, []]);
  dialing.abort(new Error("later"));
  assertEquals(conn.isClosed, false);
});

Deno.test("ResolvingDialer tries the next address at once where one fails, and says what each answered", async () => {
  const { clock, script, dial } = rig([v6[0]!, v4[0]!]);
  script.answers.set(v6[0]!, "fail").set(v4[0]!, "fail");
  const message = "a.test at [2001:db8::1]:443: refused; 192.0.2.1:443: refused";
  assertEquals((await assertRejects(() => dial(), Error)).message, message);
  assertEquals([script.order, clock.pendingMs], [["2001:db8::1@0", "192.0.2.1@0"], []]);
});

Deno.test("ResolvingDialer names the host when its only address fails", async () => {
  const { script, dial } = rig([v4[0]!]);
  script.answers.set(v4[0]!, "fail");
  assertEquals((await assertRejects(() => dial(), Error)).message, "a.test at 192.0.2.1:443: refused");
});

Deno.test("ResolvingDialer says so where a name has no address of the only kind that may be used", async () => {
  for (const [preferIp, hosts, wanted] of [["only-ipv6", v4, "IPv6"], ["only-ipv4", v6, "IPv4"]] as const) {
    const { script, dial } = rig(hosts, preferIp);
    const error = await assertRejects(() => dial(), Error);
    assertEquals(
      error.message,
      `a.test has no ${wanted} address, only ${hosts.join(", ")}, and prefer-ip is "${preferIp}"`,
    );
    assertEquals(script.calls, []);
  }
});

Deno.test("ResolvingDialer rejects as the resolver does", async () => {
  const reason = new Error("Cannot look up a.test");
  const { script, dial } = rig(reason);
  assertStrictEquals(await assertRejects(() => dial()), reason);
  assertEquals(script.calls, []);
});

Deno.test("ResolvingDialer dials IP literals and Unix sockets as they are, whatever is preferred", async () => {
  const { script, asked, dial } = rig(v4, "only-ipv4");
  const direct: readonly Address[] = [
    { kind: "tcp", host: "192.0.2.9", port: 1 },
    { kind: "tcp", host: "2001:db8::9", port: 2 },
    { kind: "unix", path: "/run/site.sock" },
  ];
  for (const to of direct) {
    const done = dial(to);
    assertStrictEquals(script.calls.at(-1)!.connect(), await done);
  }
  assertEquals(script.calls.map(({ host }) => host), ["192.0.2.9", "2001:db8::9", "unix:/run/site.sock"]);
  assertEquals(asked, []);
});

Deno.test("ResolvingDialer rejects with the reason of an abort, before, while and after names are looked up", async () => {
  for (const hosts of [[v4[0]!], v4]) {
    const { clock, script, dial, dialing } = rig(hosts);
    const reason = new Error("the client is gone");
    const done = dial();
    const hanging = assertRejects(() => done);
    await settle();
    assertEquals(script.calls.length, 1);
    dialing.abort(reason);
    assertStrictEquals(await hanging, reason);
    assertStrictEquals(await assertRejects(() => dial()), reason);
    assertEquals([script.calls.length, clock.pendingMs], [1, []]);
  }
});

Deno.test("ResolvingDialer connects over TCP by default, past an address where nobody listens", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const resolver: Resolver = { resolve: () => Promise.resolve(["127.0.0.2", "127.0.0.1"]) };
  const dialer = new ResolvingDialer({ resolver, preferIp: "prefer-ipv4", clock: systemClock });
  const dialing = dialer.dial({ kind: "tcp", host: "a.test", port }, { signal: new AbortController().signal });
  const [conn, accepted] = await Promise.all([dialing, listener.accept()]);
  assertEquals(conn.remote, { kind: "tcp", host: "127.0.0.1", port });
  conn[Symbol.dispose]();
  accepted.close();
});
