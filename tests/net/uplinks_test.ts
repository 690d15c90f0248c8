import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { type Address, formatAddress, type TcpAddress } from "../../lib/address.ts";
import type { SocksProxy, Uplink } from "../../lib/config/config.ts";
import { systemRandom } from "../../lib/crypto/random.ts";
import type { Event } from "../../lib/events/event.ts";
import { directDialer } from "../../lib/net/dialer.ts";
import { Socks5Error } from "../../lib/net/socks5_dialer.ts";
import { singleUplinks, UplinkDialer, uplinkDialers, type UplinkOptions } from "../../lib/net/uplinks.ts";
import type { Conn } from "../../lib/relay/conn.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { memoryPipe } from "../support/memory_pipe.ts";
import { SocksServer } from "../support/socks_server.ts";

const target: Address = { kind: "tcp", host: "149.154.167.51", port: 443 };
const never = new AbortController().signal;
const direct: Uplink = { kind: "direct" };

function proxyAt(host: string, breaker: Partial<SocksProxy["breaker"]> = {}, port = 1080): SocksProxy {
  return {
    kind: "socks5",
    address: { kind: "tcp", host, port },
    credentials: { user: "anna", password: "geheim" },
    remoteDns: true,
    breaker: { openThreshold: 3, halfOpenTimeoutMs: 60_000, resetFailuresTimeoutMs: 10_000, ...breaker },
  };
}

/** What a way does: connect, find fault with itself or with the target, break in a way of ours, or hang until it is late. */
type Answer = "connect" | "proxy" | "target" | "fault" | "hang";

/** Ways that do as told, by name: `direct`, `a`, `b` … */
class Rig {
  readonly clock = new FakeClock();
  readonly events: Event[] = [];
  readonly answers: Record<string, Answer> = {};
  /** Every attempt in order: its way, and the time that it was given. */
  readonly attempts: string[] = [];
  readonly budgets: number[] = [];
  readonly dialer: UplinkDialer;
  readonly #conns: Conn[] = [];

  constructor(uplinks: readonly Uplink[], options: Partial<UplinkOptions> = {}) {
    this.dialer = new UplinkDialer({
      uplinks,
      direct: { dial: (to, { signal }) => this.#dial("direct", to, { signal }) },
      through: ({ address }) => ({ dial: (to, limits) => this.#dial(address.host, to, { ...limits, address }) }),
      clock: this.clock,
      random: systemRandom,
      events: { emit: (event) => this.events.push(event) },
      timeoutMs: 10_000,
      ...options,
    });
  }

  dial(to: Address = target, signal: AbortSignal = never): Promise<Conn> {
    return this.dialer.dial(to, { signal });
  }

  /** Dials, and gives the ways that were tried. */
  async tried(count = 1): Promise<string[]> {
    const before = this.attempts.length;
    for (let i = 0; i < count; i++) await this.dial().catch(() => {});
    return this.attempts.slice(before);
  }

  async #dial(
    name: string,
    to: Address,
    { signal, timeoutMs, address }: { signal: AbortSignal; timeoutMs?: number; address?: TcpAddress },
  ): Promise<Conn> {
    this.attempts.push(to === target ? name : `${name} ${formatAddress(to)}`);
    if (timeoutMs !== undefined) this.budgets.push(timeoutMs);
    const answer = this.answers[name] ?? "connect";
    if (answer === "connect") {
      const [conn, other] = memoryPipe();
      other[Symbol.dispose]();
      return conn;
    }
    if (answer === "fault") throw new TypeError("a fault of ours");
    if (answer === "hang") {
      await this.clock.sleep(timeoutMs ?? 1e9, signal);
      throw new Socks5Error(address!, "proxy", "gave no answer");
    }
    throw address === undefined ? new Error("refused") : new Socks5Error(address, answer, `has a ${answer} failure`);
  }
}

function count(names: readonly string[]): Record<string, number> {
  return Object.fromEntries([...new Set(names)].sort().map((name) => [name, names.filter((n) => n === name).length]));
}

/** One in 10^9 runs is further off than 6 standard deviations. */
function assertEqualShares(names: readonly string[], ways: readonly string[]): void {
  const counts = count(names);
  assertEquals(Object.keys(counts), ways);
  const share = names.length / ways.length;
  const deviation = Math.sqrt(share * (1 - 1 / ways.length));
  for (const way of ways) assert(Math.abs(counts[way]! - share) < 6.5 * deviation, JSON.stringify(counts));
}

Deno.test("UplinkDialer without any uplink, and with the direct one alone, dials directly and nothing else", async () => {
  for (const uplinks of [[], [direct], [direct, direct]]) {
    const rig = new Rig(uplinks);
    (await rig.dial())[Symbol.dispose]();
    rig.answers["direct"] = "target";
    await assertRejects(() => rig.dial(), Error, "refused");
    assertEquals([rig.attempts, rig.clock.pendingMs], [["direct", "direct"], []]);
  }
});

Deno.test("UplinkDialer reaches Unix sockets directly, whatever the uplinks", async () => {
  const rig = new Rig([proxyAt("a")]);
  (await rig.dial({ kind: "unix", path: "/run/x" }))[Symbol.dispose]();
  assertEquals(rig.attempts, ["direct unix:/run/x"]);
});

Deno.test("UplinkDialer gives every way an equal share, the direct one too", async () => {
  const rig = new Rig([proxyAt("a"), direct, proxyAt("b")]);
  assertEqualShares(await rig.tried(3_000), ["a", "b", "direct"]);
  assertEquals(rig.clock.pendingMs, [], "no timer is left");
});

Deno.test("UplinkDialer gives the others equal shares of what a dead one would have had", async () => {
  const rig = new Rig([proxyAt("a"), proxyAt("b"), proxyAt("c")]);
  rig.answers["a"] = "target"; // its breaker stays closed, so that it is always tried
  const tried = await rig.tried(3_000);
  assertEqualShares(tried.filter((name) => name !== "a"), ["b", "c"]);
});

Deno.test("UplinkDialer goes on to the next way after every kind of failure", async () => {
  for (const answer of ["proxy", "target", "fault"] as const) {
    const rig = new Rig([proxyAt("a"), proxyAt("b"), direct]);
    rig.answers["a"] = rig.answers["b"] = answer;
    (await rig.dial())[Symbol.dispose]();
    rig.answers["direct"] = "target";
    const error = await assertRejects(() => rig.dial(), Error);
    assertEquals(error.message.split("; ").length, 3, error.message);
    assert(error.message.includes("directly: refused"));
    if (answer === "proxy") assert(error.message.includes("the SOCKS5 proxy a:1080 has a proxy failure"));
    assertEquals(count(rig.attempts.slice(-3)), { a: 1, b: 1, direct: 1 });
  }
});

Deno.test("UplinkDialer says just what the only way has said", async () => {
  const rig = new Rig([proxyAt("a")]);
  rig.answers["a"] = "target";
  const error = await assertRejects(() => rig.dial(), Socks5Error);
  assertEquals(error.message, "the SOCKS5 proxy a:1080 has a target failure");
});

Deno.test("UplinkDialer shares its time out, so that no mute way takes all of it", async () => {
  const rig = new Rig([proxyAt("a"), proxyAt("b"), proxyAt("c")]);
  for (const name of "abc") rig.answers[name] = "hang";
  const dialing = rig.dial().catch((error: Error) => error.message);
  await rig.clock.advance(8_999);
  assertEquals(await Promise.race([dialing, settle()]), undefined);
  await rig.clock.advance(1);
  assertEquals((await dialing as string).split("; ").length, 3, "before the caller gives up, after 10 s");
  assertEquals(rig.budgets, [3_000, 3_000, 3_000]);
});

Deno.test("UplinkDialer leaves the time that one way did not need to the others", async () => {
  const rig = new Rig([proxyAt("a"), proxyAt("b")]);
  rig.answers["a"] = rig.answers["b"] = "target";
  await rig.tried();
  assertEquals(rig.budgets, [4_500, 9_000]);
});

Deno.test("UplinkDialer gives no attempt less than a second, and begins none when the time is over", async () => {
  const rig = new Rig(Array.from("abcdefghijkl", (name) => proxyAt(name)));
  for (const name of "abcdefghijkl") rig.answers[name] = "hang";
  const dialing = rig.dial().catch((error: Error) => error.message);
  await rig.clock.advance(9_000);
  assertEquals((await dialing as string).split("; ").length, 9);
  assertEquals(rig.budgets, Array(9).fill(1_000));
});

Deno.test("UplinkDialer gives the direct way its share of the time as well", async () => {
  const rig = new Rig([direct, proxyAt("a")]);
  rig.answers["direct"] = rig.answers["a"] = "hang";
  const dialing = rig.dial().catch((error: Error) => error.message);
  await rig.clock.advance(9_000);
  const message = await dialing as string;
  assert(/directly: no answer within (4\.5|9) s/.test(message), message);
});

Deno.test("UplinkDialer leaves a proxy out that keeps failing, says so once, and lets one dial try when it is time", async () => {
  const rig = new Rig([proxyAt("a"), proxyAt("b")]);
  rig.answers["a"] = "proxy";
  await rig.tried(200);
  const a: Address = { kind: "tcp", host: "a", port: 1080 };
  const down: Event = { type: "uplink-down", uplink: a, reason: "has a proxy failure", leftOutMs: 60_000 };
  assertEquals([count(rig.attempts)["a"], rig.events], [3, [down]]);
  await rig.clock.advance(59_999);
  assertEquals(count(await rig.tried(100)), { b: 100 });
  await rig.clock.advance(1);
  assertEquals(count(await rig.tried(100)), { a: 1, b: 100 }, "the trial fails, another way is taken");
  assertEquals(rig.events.length, 1, "nothing has changed");
  rig.answers["a"] = "connect";
  assertEquals(count(await rig.tried(100)), { b: 100 });
  await rig.clock.advance(60_000);
  assertEqualShares(await rig.tried(1_000), ["a", "b"]);
  assertEquals(rig.events, [down, { type: "uplink-up", uplink: a }]);
  assert(!JSON.stringify(rig.events).includes("geheim"));
});

Deno.test("UplinkDialer does not count unreachable targets nor faults of its own against a proxy", async () => {
  const rig = new Rig([proxyAt("a", { openThreshold: 1 }), proxyAt("b")]);
  for (const answer of ["target", "fault"] as const) {
    rig.answers["a"] = answer;
    const { a = 0, b = 0 } = count(await rig.tried(400));
    assert(a > 100 && b === 400, `it is the first one half of the time, not ${a} times`);
  }
  assertEquals(rig.events, []);
});

Deno.test("UplinkDialer forgets failures in a row with a success, and those that are too old", async () => {
  const rig = new Rig([proxyAt("a")]);
  for (let turn = 0; turn < 5; turn++) {
    rig.answers["a"] = "proxy";
    await rig.tried(2);
    rig.answers["a"] = "connect";
    await rig.tried(1);
  }
  rig.answers["a"] = "proxy";
  await rig.tried(2);
  await rig.clock.advance(10_001);
  await rig.tried(2);
  assertEquals(rig.events, []);
  await rig.tried(1);
  assertEquals(rig.events.map(({ type }) => type), ["uplink-down"]);
});

Deno.test("UplinkDialer tries the proxy that is due first where all are left out", async () => {
  const rig = new Rig([
    proxyAt("a", { openThreshold: 1 }),
    proxyAt("b", { openThreshold: 1, halfOpenTimeoutMs: 30_000 }),
  ]);
  rig.answers["a"] = rig.answers["b"] = "proxy";
  await rig.tried(1);
  assertEquals(rig.events.map(({ type }) => type), ["uplink-down", "uplink-down"]);
  await rig.clock.advance(1_000);
  assertEquals(await rig.tried(1), ["b"], "due after 29 s, the other one after 59");
  assertEquals(await rig.tried(1), ["b"], "due after 30 s now");
  await rig.clock.advance(28_000);
  assertEquals(await rig.tried(2), ["b", "b"]);
  rig.answers["b"] = "connect";
  (await rig.dial())[Symbol.dispose]();
  assertEquals(rig.events.map(({ type }) => type), ["uplink-down", "uplink-down", "uplink-up"]);
});

Deno.test("UplinkDialer never refuses to use the only proxy there is, not even while another tries it", async () => {
  const rig = new Rig([proxyAt("a", { openThreshold: 1 })]);
  rig.answers["a"] = "proxy";
  assertEquals(await rig.tried(3), ["a", "a", "a"]);
  await rig.clock.advance(60_000);
  rig.answers["a"] = "hang";
  const trial = rig.dial().catch((error: Error) => error.message);
  await settle();
  rig.answers["a"] = "connect";
  (await rig.dial())[Symbol.dispose]();
  assertEquals(rig.events.map(({ type }) => type), ["uplink-down", "uplink-up"]);
  await rig.clock.advance(9_000);
  assertEquals(await trial, "the SOCKS5 proxy a:1080 gave no answer");
});

Deno.test("UplinkDialer does take an abort at once, counts it for nothing and gives a trial back", async () => {
  const rig = new Rig([proxyAt("a", { openThreshold: 1 }), direct]);
  rig.answers["a"] = "proxy";
  while (rig.events.length === 0) await rig.tried(1);
  await rig.clock.advance(60_000);
  rig.answers["a"] = "hang";
  const reason = new Error("the client is gone");
  for (let trials = 0; trials < 5;) {
    const controller = new AbortController();
    const dialing = rig.dial(target, controller.signal);
    await settle();
    if (rig.attempts.at(-1) === "direct") {
      (await dialing)[Symbol.dispose]();
      continue;
    }
    trials++;
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => dialing), reason);
    assertEquals(rig.attempts.at(-1), "a", "it does not go on to the next");
  }
  assertEquals(rig.clock.pendingMs, []);
  rig.answers["a"] = "connect";
  while (rig.events.length === 1) await rig.tried(1);
  assertEquals(rig.events.map(({ type }) => type), ["uplink-down", "uplink-up"]);
});

Deno.test("UplinkDialer lets only one dial at a time try a proxy that may be well again", async () => {
  const rig = new Rig([proxyAt("a", { openThreshold: 1 }), direct]);
  rig.answers["a"] = "proxy";
  while (rig.events.length === 0) await rig.tried(1);
  await rig.clock.advance(60_000);
  rig.answers["a"] = "hang";
  const before = rig.attempts.length;
  const dials = Array.from({ length: 50 }, () => rig.dial());
  await settle();
  assertEquals(count(rig.attempts.slice(before)), { a: 1, direct: 49 });
  await rig.clock.advance(4_500);
  for (const conn of await Promise.all(dials)) conn[Symbol.dispose]();
});

Deno.test("singleUplinks() does give each way by itself, the direct one always, and names them without login", async () => {
  await using echo = SocksServer.start({ behaviour: "drop" });
  await using server = SocksServer.start({ login: { user: "anna", password: "geheim" } });
  const dialers = uplinkDialers({
    direct: directDialer,
    resolver: { resolve: (host) => Promise.resolve([host]) },
    clock: new FakeClock(),
    timeoutMs: 5_000,
  });
  const uplinks = [proxyAt("127.0.0.1", {}, server.port), direct, proxyAt("127.0.0.1", {}, echo.port)];
  const ways = singleUplinks(uplinks, dialers);
  assertEquals(ways.map(({ label }) => label), [
    "direct",
    `socks5 127.0.0.1:${server.port}`,
    `socks5 127.0.0.1:${echo.port}`,
  ]);
  const to: Address = { kind: "tcp", host: "127.0.0.1", port: echo.port };
  for (const { dialer } of ways.slice(0, 2)) {
    using conn = await dialer.dial(to, { signal: never });
    assertEquals(conn.remote, to);
  }
  await assertRejects(() => ways[2]!.dialer.dial(to, { signal: never }), Socks5Error, "closed the connection");
  assertEquals([server.requests.length, server.logins], [1, ["anna:geheim"]]);
  assertEquals(singleUplinks([], dialers).map(({ label }) => label), ["direct"]);
});
