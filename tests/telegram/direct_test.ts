import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import type { Conn } from "../../lib/relay/conn.ts";
import { DcDialer } from "../../lib/telegram/direct.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { DialScript } from "./dial_script.ts";

const [a, b, c] = ["a", "b", "c"].map((host): Address => ({ kind: "tcp", host, port: 443 })) as [
  Address,
  Address,
  Address,
];

function rig(failing = "") {
  const clock = new FakeClock();
  const script = new DialScript(clock);
  for (const host of failing) script.answers.set(host, "fail");
  const dialer = new DcDialer(script, clock);
  /** The dialing, and what has become of it so far. */
  const dial = (...addresses: Address[]) => {
    const dialing = new AbortController();
    const outcome: { conn?: Conn; error?: Error } = {};
    const done = dialer.dial(addresses, dialing).then(
      (conn) => void (outcome.conn = conn),
      (error) => void (outcome.error = error),
    );
    return { dialing, outcome, done };
  };
  return { clock, script, dial };
}

Deno.test("DcDialer gives the connection of the only address, and leaves the signal alone", async () => {
  const { script, dial } = rig();
  const { dialing, outcome, done } = dial(a);
  const conn = script.calls[0]!.connect();
  await done;
  assertStrictEquals(outcome.conn, conn);
  assertEquals([dialing.signal.aborted, conn.isClosed, script.order], [false, false, ["a@0"]]);
});

Deno.test("DcDialer starts each address 250 ms after the one before, in order, while none answers", async () => {
  const { clock, script, dial } = rig();
  const { dialing, done } = dial(a, b, c);
  await clock.advance(249);
  assertEquals(script.order, ["a@0"]);
  await clock.advance(1);
  assertEquals(script.order, ["a@0", "b@250"]);
  await clock.advance(249);
  assertEquals(script.calls.length, 2);
  await clock.advance(5_000);
  assertEquals(script.order, ["a@0", "b@250", "c@500"]);
  dialing.abort(new Error("enough"));
  await done;
});

Deno.test("DcDialer dials no second address if the first answers within its head start", async () => {
  const { clock, script, dial } = rig();
  const { outcome, done } = dial(a, b);
  await clock.advance(200);
  const conn = script.calls[0]!.connect();
  await done;
  await clock.advance(10_000);
  assertStrictEquals(outcome.conn, conn);
  assertEquals([script.order, clock.pendingMs, conn.isClosed], [["a@0"], [], false]);
});

Deno.test("DcDialer starts the next address at once when all before it have failed", async () => {
  const { clock, script, dial } = rig();
  const { done } = dial(a, b, c);
  await clock.advance(10);
  script.calls[0]!.fail();
  await settle();
  assertEquals(script.order, ["a@0", "b@10"]);
  await clock.advance(100);
  script.calls[1]!.fail();
  await settle();
  assertEquals(script.order, ["a@0", "b@10", "c@110"]);
  script.calls[2]!.connect();
  await done;
});

Deno.test("DcDialer keeps the head start of an address while an earlier one is still trying", async () => {
  const { clock, script, dial } = rig();
  const { done } = dial(a, b, c);
  await clock.advance(250);
  script.calls[1]!.fail();
  await clock.advance(249);
  assertEquals(script.order, ["a@0", "b@250"]);
  await clock.advance(1);
  assertEquals(script.order, ["a@0", "b@250", "c@500"]);
  script.calls[0]!.connect();
  await done;
});

for (const winner of [0, 1, 2]) {
  Deno.test(`DcDialer takes address ${winner + 1} of 3 when it answers first, and aborts the others`, async () => {
    const { clock, script, dial } = rig();
    const { dialing, outcome, done } = dial(a, b, c);
    await clock.advance(600);
    const conn = script.calls[winner]!.connect();
    await done;
    assertStrictEquals(outcome.conn, conn);
    assert(script.calls.every(({ signal }) => signal.aborted), "all attempts are aborted");
    assertEquals([dialing.signal.aborted, conn.isClosed, clock.pendingMs], [true, false, []]);
  });
}

Deno.test("DcDialer disposes a connection that comes too late, though its dialer obeyed no abort", async () => {
  const { clock, script, dial } = rig();
  script.obeysAborts = false;
  const { outcome, done } = dial(a, b, c);
  await clock.advance(600);
  const conns = [1, 0, 2].map((index) => script.calls[index]!.connect());
  await done;
  assertStrictEquals(outcome.conn, conns[0]);
  assertEquals(conns.map(({ isClosed }) => isClosed), [false, true, true]);
});

Deno.test("DcDialer takes the first of two that answer in the same moment, and disposes the other", async () => {
  const { clock, script, dial } = rig();
  const { outcome, done } = dial(a, b);
  await clock.advance(300);
  const [late, early] = [script.calls[0]!, script.calls[1]!];
  const conns = [early.connect(), late.connect()];
  await done;
  assertStrictEquals(outcome.conn, conns[0]);
  assertEquals(conns.map(({ isClosed }) => isClosed), [false, true]);
});

Deno.test("DcDialer tries all addresses again three times, after 200, 400 and 800 ms", async () => {
  const { clock, script, dial } = rig("ab");
  const { outcome, done } = dial(a, b);
  await clock.advance(5_000);
  await done;
  assertEquals(script.order, ["a@0", "b@0", "a@200", "b@200", "a@600", "b@600", "a@1400", "b@1400"]);
  assertEquals(outcome.error?.message, "a:443: refused; b:443: refused");
  assertEquals(clock.pendingMs, [], "no timer is left");
});

Deno.test("DcDialer succeeds in a later round", async () => {
  for (const [round, atMs] of [[1, 200], [2, 600], [3, 1_400]] as const) {
    const { clock, script, dial } = rig("ab");
    const { outcome, done } = dial(a, b);
    await clock.advance(atMs - 1);
    script.answers.set("b", "connect");
    await clock.advance(1);
    await done;
    assertEquals([script.order.at(-1), outcome.error], [`b@${atMs}`, undefined], `round ${round}`);
    assertStrictEquals(outcome.conn, script.calls.at(-1)!.conn);
    await clock.advance(10_000);
    assertEquals(script.order.at(-1), `b@${atMs}`);
  }
});

Deno.test("DcDialer names what each address answered last, and why", async () => {
  const { clock, script, dial } = rig("a");
  const { outcome, done } = dial(a);
  await clock.advance(1_399);
  script.answers.delete("a");
  await clock.advance(1);
  script.calls.at(-1)!.fail("no route to host");
  await done;
  assertEquals(outcome.error?.message, "a:443: no route to host");
});

const phases: readonly [string, number][] = [
  ["before anything has answered", 0],
  ["during the head start of the first address", 100],
  ["while two addresses are tried", 300],
  ["while all addresses are tried", 700],
];

for (const [phase, atMs] of phases) {
  Deno.test(`DcDialer gives up with the reason of an abort ${phase}`, async () => {
    const { clock, script, dial } = rig();
    const { dialing, outcome, done } = dial(a, b, c);
    await clock.advance(atMs);
    const reason = new Error("the client is gone");
    const calls = script.calls.length;
    dialing.abort(reason);
    await done;
    assertStrictEquals(outcome.error, reason);
    await clock.advance(10_000);
    assertEquals([script.calls.length, clock.pendingMs], [calls, []]);
  });
}

for (const atMs of [100, 300, 1_000]) {
  Deno.test(`DcDialer gives up between rounds, at ${atMs} ms, with the reason of the abort and what failed before it`, async () => {
    const { clock, script, dial } = rig("ab");
    const { dialing, outcome, done } = dial(a, b);
    await clock.advance(atMs);
    const calls = script.calls.length;
    const reason = new Error("no answer within 10000 ms");
    dialing.abort(reason);
    await done;
    assertEquals(
      outcome.error?.message,
      "no answer within 10000 ms; before that, a:443: refused; b:443: refused",
    );
    assertStrictEquals(outcome.error?.cause, reason);
    // Head starts of addresses that failed at once may still be running out; nobody waits for them.
    await clock.advance(10_000);
    assertEquals([script.calls.length, clock.pendingMs], [calls, []]);
  });
}

Deno.test("DcDialer does not dial for a signal that is aborted already", async () => {
  const clock = new FakeClock();
  const script = new DialScript(clock);
  const dialing = new AbortController();
  dialing.abort(new Error("too late"));
  await assertRejects(() => new DcDialer(script, clock).dial([a, b], dialing), Error, "too late");
  assert(script.calls.every(({ conn }) => conn === undefined));
});

Deno.test("DcDialer tries an address that failed within the last minute after the others", async () => {
  const { clock, script, dial } = rig("a");
  script.answers.set("b", "connect");
  await dial(a, b).done;
  assertEquals(script.order, ["a@0", "b@0"]);
  await clock.advance(1_000);
  await dial(a, b).done;
  assertEquals(script.order.slice(2), ["b@1000"]);
  await clock.advance(59_000);
  await dial(a, b).done;
  assertEquals(script.order.slice(3), ["b@60000"], "to the end of the minute");
  await clock.advance(1);
  await dial(a, b).done;
  assertEquals(script.order.slice(4), ["a@60001", "b@60001"], "then it has its place again");
});

Deno.test("DcDialer keeps the order among the distrusted, and still tries them", async () => {
  const { clock, script, dial } = rig("abc");
  const first = dial(a, b, c);
  await clock.advance(2_000);
  await first.done;
  script.answers.set("c", "connect");
  const calls = script.calls.length;
  await dial(a, b, c).done;
  assertEquals(script.order.slice(calls).map((call) => call[0]), ["a", "b", "c"]);
});

Deno.test("DcDialer trusts an address again as soon as it has answered", async () => {
  const { script, dial } = rig("a");
  script.answers.set("b", "connect");
  await dial(a, b).done;
  script.answers.set("a", "connect");
  await dial(a).done;
  const calls = script.calls.length;
  await dial(a, b).done;
  assertEquals(script.order.slice(calls), ["a@0"]);
});

Deno.test("DcDialer does distrust an address that has lost in spite of its head start", async () => {
  const { clock, script, dial } = rig();
  const first = dial(a, b);
  await clock.advance(250);
  script.calls[1]!.connect();
  await first.done;
  dial(a, b);
  await settle();
  assertEquals(script.order.at(-1), "b@250");
});

Deno.test("DcDialer does not distrust an address that was given up because one before it answered", async () => {
  const { clock, script, dial } = rig();
  const first = dial(a, b);
  await clock.advance(250);
  script.calls[0]!.connect();
  await first.done;
  script.calls.length = 0;
  const second = dial(b, a);
  await settle();
  script.calls.at(-1)!.connect();
  await second.done;
  assertEquals(script.order.at(-1), "b@250");
});

Deno.test("DcDialer does not distrust an address for which the client did not wait", async () => {
  const { script, dial } = rig();
  const { dialing, done } = dial(a, b);
  dialing.abort(new Error("the client is gone"));
  await done;
  dial(a, b);
  await settle();
  assertEquals(script.calls.map(({ host }) => host), ["a", "a"]);
});

Deno.test("DcDialer keeps dialings apart: one that is aborted does not disturb another", async () => {
  const { clock, script, dial } = rig();
  const [one, two] = [dial(a, b), dial(a, b)];
  await clock.advance(100);
  one.dialing.abort(new Error("gone"));
  await one.done;
  const conn = script.calls[1]!.connect();
  await two.done;
  assertStrictEquals(two.outcome.conn, conn);
});
