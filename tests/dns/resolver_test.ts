import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { CachingResolver, type StaleAnswer } from "../../lib/dns/resolver.ts";
import type { Lookup, TitledSource } from "../../lib/dns/source.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

interface Asked {
  readonly name: string;
  readonly signal: AbortSignal;
  found(addresses: readonly string[], ttlMs?: number): void;
  none(ttlMs?: number): void;
  fail(why: string): void;
}

/** Every lookup waits for the test to answer. */
class ScriptedSource implements TitledSource {
  readonly title = "udp://192.0.2.53:53";
  readonly asked: Asked[] = [];
  isDisposed = false;

  lookUp(name: string, signal: AbortSignal): Promise<Lookup> {
    const { promise, resolve, reject } = Promise.withResolvers<Lookup>();
    this.asked.push({
      name,
      signal,
      found: (addresses, ttlMs) => resolve({ kind: "found", addresses, ttlMs }),
      none: (ttlMs) => resolve({ kind: "none", reason: "it says that there is no such name", ttlMs }),
      fail: (why) => reject(new Error(why)),
    });
    return promise;
  }

  [Symbol.dispose](): void {
    this.isDisposed = true;
  }
}

const { signal } = new AbortController();
const address = "192.0.2.1";
const other = "192.0.2.2";
const dayMs = 24 * 3_600_000;

function rig() {
  const clock = new FakeClock();
  const source = new ScriptedSource();
  const stale: StaleAnswer[] = [];
  const resolver = new CachingResolver(source, { clock, timeoutMs: 5_000, onStale: (answer) => stale.push(answer) });
  const resolve = (host: string) => resolver.resolve(host, { signal });
  /** Looks up `host`, with the next answer from `answer` if anything is asked; what came of it. */
  const look = async (host: string, answer: (asked: Asked) => void): Promise<string> => {
    const count = source.asked.length;
    const done = resolve(host).then((addresses) => addresses.join(), (error: Error) => error.message);
    await settle();
    if (source.asked.length > count) answer(source.asked[count]!);
    return await done;
  };
  return { clock, source, stale, resolver, resolve, look };
}

const cannot = (reason: string, name = "a.test") => `Cannot look up ${name} with udp://192.0.2.53:53: ${reason}`;

Deno.test("Resolver gives IP literals as they are, and asks nobody", async () => {
  const { source, resolve } = rig();
  for (const host of ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"]) assertEquals(await resolve(host), [host]);
  assertEquals(source.asked, []);
});

Deno.test("Resolver asks nobody for what is no name", async () => {
  const { source, look } = rig();
  assertEquals(await look("a..b", () => {}), 'Cannot look up "a..b": expected a name such as example.com');
  assertEquals(source.asked, []);
});

Deno.test("Resolver asks once for all ways to write a name", async () => {
  const { source, look } = rig();
  for (const host of ["a.test", "A.Test", "a.test."]) {
    assertEquals(await look(host, (it) => it.found([address])), address);
  }
  assertEquals(source.asked.map(({ name }) => name), ["a.test"]);
});

Deno.test("Resolver leaves localhost to the system, whoever else is asked", async () => {
  const { source, resolve } = rig();
  const found = await resolve("localhost");
  assert(found.every((host) => host === "127.0.0.1" || host === "::1"), `${found}`);
  assertEquals(source.asked, []);
});

const lives: readonly [string, number | undefined, number][] = [
  ["as long as the answer says", 300_000, 300_000],
  ["a second at least", 0, 1_000],
  ["an hour at most", 7_200_000, 3_600_000],
  ["a minute where nobody says how long", undefined, 60_000],
];
for (const [title, ttlMs, livesMs] of lives) {
  Deno.test(`Resolver remembers addresses ${title}`, async () => {
    const { clock, source, look } = rig();
    await look("a.test", (it) => it.found([address], ttlMs));
    await clock.advance(livesMs - 1);
    assertEquals(await look("a.test", (it) => it.found([other], ttlMs)), address);
    await clock.advance(1);
    assertEquals(await look("a.test", (it) => it.found([other], ttlMs)), other);
    assertEquals(source.asked.length, 2);
  });
}

const negativeLives: readonly [string, number | undefined, number][] = [
  ["as long as the answer says", 20_000, 20_000],
  ["a second at least", 0, 1_000],
  ["half a minute at most", 600_000, 30_000],
  ["half a minute where nobody says how long", undefined, 30_000],
];
for (const [title, ttlMs, livesMs] of negativeLives) {
  Deno.test(`Resolver remembers that there is no address ${title}`, async () => {
    const { clock, source, look } = rig();
    const none = cannot("it says that there is no such name");
    assertEquals(await look("a.test", (it) => it.none(ttlMs)), none);
    await clock.advance(livesMs - 1);
    assertEquals(await look("a.test", (it) => it.found([address])), none);
    await clock.advance(1);
    assertEquals(await look("a.test", (it) => it.found([address])), address);
    assertEquals(source.asked.length, 2);
  });
}

Deno.test("Resolver remembers for two seconds that nobody could say anything", async () => {
  const { clock, source, look } = rig();
  assertEquals(await look("a.test", (it) => it.fail("it answered SERVFAIL")), cannot("it answered SERVFAIL"));
  await clock.advance(1_999);
  assertEquals(await look("a.test", (it) => it.found([address])), cannot("it answered SERVFAIL"));
  await clock.advance(1);
  assertEquals(await look("a.test", (it) => it.found([address])), address);
  assertEquals(source.asked.length, 2);
});

Deno.test("Resolver does not mind that the machine's clock is set", async () => {
  const { clock, look } = rig();
  await look("a.test", (it) => it.found([address], 60_000));
  clock.set(clock.nowMs() + dayMs);
  assertEquals(await look("a.test", (it) => it.found([other])), address);
});

Deno.test("Resolver gives up after its time, and tells whoever it asked", async () => {
  const { clock, source, resolve } = rig();
  const done = resolve("a.test").catch((error: Error) => error.message);
  await clock.advance(4_999);
  assertEquals(source.asked[0]!.signal.aborted, false);
  await clock.advance(1);
  assertEquals(await done, cannot("no answer within 5 s"));
  assertEquals([source.asked[0]!.signal.aborted, clock.pendingMs], [true, []]);
});

Deno.test("Resolver asks once for all who look up a name at the same time, and each may give up alone", async () => {
  const { source, resolver } = rig();
  const [first, second] = [new AbortController(), new AbortController()];
  const reason = new Error("the client is gone");
  const lost = resolver.resolve("a.test", { signal: first.signal });
  const kept = resolver.resolve("a.test", { signal: second.signal });
  const another = resolver.resolve("b.test", { signal });
  first.abort(reason);
  assertStrictEquals(await assertRejects(() => lost), reason);
  source.asked[0]!.found([address]);
  source.asked[1]!.found([other]);
  assertEquals([await kept, await another], [[address], [other]]);
  assertEquals(source.asked.map(({ name }) => name), ["a.test", "b.test"]);
});

Deno.test("Resolver keeps what it has asked for when nobody waits any longer", async () => {
  const { clock, source, resolver, look } = rig();
  const giving = new AbortController();
  const lost = resolver.resolve("a.test", { signal: giving.signal });
  giving.abort(new Error("the client is gone"));
  await assertRejects(() => lost);
  source.asked[0]!.found([address]);
  await settle();
  assertEquals(await look("a.test", () => {}), address);
  assertEquals([source.asked.length, clock.pendingMs], [1, []]);
});

Deno.test("Resolver asks nobody for a signal that is aborted already", async () => {
  const { source, resolver } = rig();
  const reason = new Error("the client is gone");
  const aborted = { signal: AbortSignal.abort(reason) };
  assertStrictEquals(await assertRejects(() => resolver.resolve("a.test", aborted)), reason);
  assertEquals(source.asked, []);
});

Deno.test("Resolver gives what was true within the last day while nobody answers, and says so each time it asked", async () => {
  const { clock, source, stale, look } = rig();
  await look("a.test", (it) => it.found([address], 60_000));
  await clock.advance(60_000 + 3_600_000);
  assertEquals(await look("a.test", (it) => it.fail("it answered SERVFAIL")), address);
  const reason = cannot("it answered SERVFAIL");
  assertEquals(stale, [{ host: "a.test", overdueMs: 3_600_000, reason }]);
  await clock.advance(1_999);
  assertEquals(await look("a.test", () => {}), address);
  assertEquals([source.asked.length, stale.length], [2, 1]);
  await clock.advance(1);
  assertEquals(await look("a.test", (it) => it.fail("it answered REFUSED")), address);
  assertEquals(stale.length, 2);
  await clock.advance(2_000);
  assertEquals(await look("a.test", (it) => it.found([other], 60_000)), other);
});

Deno.test("Resolver gives nothing that is more than a day old", async () => {
  const { clock, look } = rig();
  await look("a.test", (it) => it.found([address], 60_000));
  await clock.advance(60_000 + dayMs - 3_000);
  assertEquals(await look("a.test", (it) => it.fail("it answered SERVFAIL")), address);
  await clock.advance(3_000);
  assertEquals(await look("a.test", (it) => it.fail("it answered SERVFAIL")), cannot("it answered SERVFAIL"));
});

Deno.test("Resolver gives nothing stale once somebody says that there is no such name", async () => {
  const { clock, look } = rig();
  await look("a.test", (it) => it.found([address], 60_000));
  await clock.advance(60_000);
  assertEquals(await look("a.test", (it) => it.none(0)), cannot("it says that there is no such name"));
  await clock.advance(1_000);
  assertEquals(await look("a.test", (it) => it.fail("it answered SERVFAIL")), cannot("it answered SERVFAIL"));
});

Deno.test("Resolver lets nobody who has stale addresses wait for more than 1.8 s, and goes on asking", async () => {
  const { clock, source, stale, resolve } = rig();
  const known = resolve("a.test");
  source.asked[0]!.found([address], 60_000);
  await known;
  await clock.advance(60_000);
  let got: readonly string[] | undefined;
  const waiting = resolve("a.test").then((addresses) => got = addresses);
  await clock.advance(1_799);
  assertEquals(got, undefined);
  await clock.advance(1);
  await waiting;
  assertEquals(got, [address]);
  assertEquals(await resolve("a.test"), [address], "who comes later does not wait at all");
  assertEquals([source.asked.length, stale.length], [2, 0]);
  source.asked[1]!.found([other], 60_000);
  await settle();
  assertEquals([await resolve("a.test"), clock.pendingMs], [[other], []]);
});

Deno.test("Resolver says so if it gave stale addresses after 1.8 s, and nobody answered at all", async () => {
  const { clock, source, stale, resolve } = rig();
  const known = resolve("a.test");
  source.asked[0]!.found([address], 60_000);
  await known;
  await clock.advance(60_000);
  const waiting = resolve("a.test");
  await clock.advance(5_000);
  assertEquals(await waiting, [address]);
  assertEquals(stale, [{ host: "a.test", overdueMs: 5_000, reason: cannot("no answer within 5 s") }]);
});

Deno.test("Resolver remembers a thousand names, and forgets those first that it asked about longest ago", async () => {
  const { clock, source, look } = rig();
  const found = (it: Asked) => it.found([address], 3_600_000);
  await look("n0.test", (it) => it.found([address], 1_000));
  for (let index = 1; index < 1_000; index++) await look(`n${index}.test`, found);
  await clock.advance(1_000);
  await look("n0.test", found);
  assertEquals(source.asked.length, 1_001);
  await look("more.test", found);
  for (const kept of ["n0.test", "n2.test", "n999.test", "more.test"]) await look(kept, found);
  assertEquals(source.asked.length, 1_002);
  await look("n1.test", found);
  assertEquals(source.asked.length, 1_003);
});

Deno.test("Resolver rejects what is pending when it is disposed, and what it would have to ask for", async () => {
  const { clock, source, resolver, resolve } = rig();
  const pending = assertRejects(() => resolve("a.test"), Error, cannot("the resolver was closed"));
  resolver[Symbol.dispose]();
  resolver[Symbol.dispose]();
  await pending;
  assertEquals([source.asked[0]!.signal.aborted, source.isDisposed, clock.pendingMs], [true, true, []]);
  await assertRejects(() => resolve("b.test"), Error, cannot("the resolver was closed", "b.test"));
  assertEquals(source.asked.length, 1);
});

Deno.test("Resolver leaves no timer behind that is disposed while stale addresses are at hand", async () => {
  const { clock, source, resolver, resolve } = rig();
  const known = resolve("a.test");
  source.asked[0]!.found([address], 60_000);
  await known;
  await clock.advance(60_000);
  const pending = assertRejects(() => resolve("a.test"), Error, cannot("the resolver was closed"));
  await settle();
  assertEquals(clock.pendingMs, [1_800, 5_000]);
  resolver[Symbol.dispose]();
  await pending;
  assertEquals(clock.pendingMs, []);
});
