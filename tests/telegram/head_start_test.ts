import { assertEquals } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import { DcDialer } from "../../lib/telegram/direct.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { DialScript } from "./dial_script.ts";

const addresses: readonly Address[] = ["a", "b"].map((host) => ({ kind: "tcp", host, port: 443 }));

function rig() {
  const clock = new FakeClock();
  const script = new DialScript(clock);
  const dialer = new DcDialer(script, clock);
  const dial = () => {
    const dialing = new AbortController();
    const done = dialer.dial(addresses, dialing).catch(() => undefined);
    return { dialing, done };
  };
  return { clock, script, dialer, dial };
}

Deno.test("DcDialer lets dials that begin within 25 ms share one timer, and keeps nearly the whole head start", async () => {
  const { clock, script, dial } = rig();
  dial();
  for (const ms of [10, 15, 1]) {
    await clock.advance(ms);
    dial();
  }
  assertEquals(clock.pendingMs.length, 2);
  await clock.advance(1_000);
  assertEquals(script.order.filter((call) => call.startsWith("b")), ["b@250", "b@250", "b@250", "b@276"]);
});

Deno.test("DcDialer never starts a second address earlier than 225 ms after the first", async () => {
  const { clock, script, dial } = rig();
  for (let at = 0; at < 40; at++) {
    dial();
    await clock.advance(7);
  }
  await clock.advance(1_000);
  const starts = { a: [] as number[], b: [] as number[] };
  for (const { host, atMs } of script.calls) starts[host as "a" | "b"].push(atMs);
  const headStarts = starts.b.map((atMs, index) => atMs - starts.a[index]!);
  assertEquals(headStarts.length, 40);
  assertEquals(headStarts.filter((ms) => ms < 225 || ms > 250), []);
});

Deno.test("DcDialer keeps head starts after the machine's clock was set back", async () => {
  const { clock, script, dial } = rig();
  const first = dial();
  await clock.advance(1_000);
  script.calls[0]!.connect();
  await first.done;
  const calls = script.calls.length;
  clock.set(clock.nowMs() - 3_600_000);
  dial();
  await settle();
  assertEquals(script.calls.slice(calls).map(({ host }) => host), ["a"]);
  await clock.advance(250);
  assertEquals(script.calls.slice(calls).map(({ host }) => host), ["a", "b"]);
});

Deno.test("DcDialer leaves no timer behind when it is disposed, and what it was dialing goes on", async () => {
  const { clock, script, dialer, dial } = rig();
  const { done } = dial();
  assertEquals(clock.pendingMs, [250]);
  dialer[Symbol.dispose]();
  dialer[Symbol.dispose]();
  assertEquals(clock.pendingMs, []);
  const conn = script.calls[0]!.connect();
  assertEquals(await done, conn);
});
