/** Connections that have not proven the secret: a limit of their own, and who makes room. */
import { assertEquals, assertThrows } from "@std/assert";
import { Strangers } from "../../lib/proxy/strangers.ts";
import { settle } from "../support/fake_clock.ts";
import { noise, Rig } from "./rig.ts";

class Visitor {
  readonly reasons: string[] = [];

  constructor(readonly name: string) {}

  stop(reason: string): void {
    this.reasons.push(reason);
  }
}

function visitors(count: number): Visitor[] {
  return Array.from({ length: count }, (_, index) => new Visitor(`visitor ${index}`));
}

/** Who had to make room, in the order given. */
function gone(...all: readonly Visitor[]): readonly Visitor[] {
  return all.filter(({ reasons }) => reasons.length > 0);
}

Deno.test("Strangers refuses a limit that is no positive integer", () => {
  for (const limit of [0, -1, 1.5, NaN, Infinity]) assertThrows(() => new Strangers(limit), RangeError, String(limit));
});

Deno.test("Strangers takes everybody in, and lets the one go that has been silent longest", () => {
  const strangers = new Strangers<Visitor>(3);
  const [a, b, c, d, e] = visitors(5) as [Visitor, Visitor, Visitor, Visitor, Visitor];
  for (const each of [a, b, c]) strangers.add(each);
  assertEquals(gone(a, b, c), []);
  strangers.heard(a);
  strangers.add(d);
  assertEquals(gone(a, b, c, d), [b]);
  strangers.add(e);
  assertEquals(gone(a, b, c, d, e), [b, c]);
  assertEquals(strangers.count, 3);
});

Deno.test("Strangers lets the oldest go where all have said something", () => {
  const strangers = new Strangers<Visitor>(2);
  const [a, b, c] = visitors(3) as [Visitor, Visitor, Visitor];
  strangers.add(a);
  strangers.add(b);
  strangers.heard(b);
  strangers.heard(a);
  strangers.add(c);
  assertEquals(gone(a, b, c), [b]);
});

Deno.test("Strangers forgets who is gone, or has proven the secret, and does not take them for strangers again", () => {
  const strangers = new Strangers<Visitor>(2);
  const [a, b, c] = visitors(3) as [Visitor, Visitor, Visitor];
  strangers.add(a);
  strangers.add(b);
  strangers.delete(a);
  strangers.heard(a);
  strangers.unheard(a);
  assertEquals(strangers.count, 1);
  strangers.add(c);
  assertEquals([strangers.count, gone(a, b, c)], [2, []]);
  assertEquals([strangers.yieldOlder(9), gone(a, b, c)], [1, [b]]);
  assertEquals([strangers.yieldOlder(9), strangers.count], [0, 1]);
});

Deno.test("Strangers takes one whose bytes were not its own for one that has just come", () => {
  const strangers = new Strangers<Visitor>(2);
  const [a, b, c, d] = visitors(4) as [Visitor, Visitor, Visitor, Visitor];
  for (const each of [a, b]) strangers.add(each);
  strangers.heard(a);
  strangers.unheard(a);
  strangers.add(c);
  assertEquals(gone(a, b, c), [b]);
  strangers.add(d);
  assertEquals([gone(a, b, c, d), a.reasons], [[a, b], ["yielded"]]);
});

Deno.test("Strangers.yieldOlder() spares the younger half, and those that have spoken while several have not", () => {
  const strangers = new Strangers<Visitor>(20);
  const all = visitors(12);
  for (const each of all) strangers.add(each);
  for (const each of all.slice(0, 5)) strangers.heard(each);
  const goers = () => gone(...all).map((each) => all.indexOf(each));
  assertEquals([strangers.yieldOlder(2), goers()], [2, [5, 6]]);
  assertEquals([strangers.yieldOlder(64), goers()], [2, [5, 6, 7, 8]]);
  assertEquals([strangers.yieldOlder(64), strangers.yieldOlder(64), goers()], [1, 1, [5, 6, 7, 8, 9, 10]]);
  assertEquals([strangers.yieldOlder(1), goers()], [1, [0, 5, 6, 7, 8, 9, 10]]);
  assertEquals([strangers.yieldOlder(64), strangers.yieldOlder(64)], [2, 1]);
  assertEquals([strangers.yieldOlder(64), goers()], [0, [0, 1, 2, 3, 5, 6, 7, 8, 9, 10]]);
  assertEquals([strangers.count, all[11]!.reasons, all[5]!.reasons], [2, [], ["yielded"]]);
});

Deno.test("Proxy lets nobody's silence keep clients out", async () => {
  for (const kind of ["tls", "simple"] as const) {
    await using rig = new Rig({ kind, strangersAtMost: 5 });
    const [served] = await rig.relay();
    const silent = Array.from({ length: 20 }, () => rig.connect());
    await settle();
    assertEquals(silent.map(({ proxyEnd }) => proxyEnd.isClosed), silent.map((_, index) => index < 15));
    const [client, dc] = await rig.relay({ payload: noise(10) });
    assertEquals(await dc.receive(10), noise(10));
    assertEquals([served.proxyEnd.isClosed, client.proxyEnd.isClosed], [false, false]);
    assertEquals(rig.ledger.of("yielded").length, 16);
    assertEquals(rig.ledger.of("yielded").map(({ remote }) => remote), silent.slice(0, 16).map(({ end }) => end.local));
    assertEquals(rig.ledger.story(2), ["opened", "yielded", "closed yielded"]);
    assertEquals(rig.slots.taken, 2);
  }
});

Deno.test("Proxy spares those that speak while others are silent", async () => {
  await using rig = new Rig({ strangersAtMost: 3 });
  const slow = rig.connect();
  await slow.sendRaw(slow.hello.subarray(0, 500));
  const fronted = rig.connect();
  await fronted.sendRaw(noise(100));
  await settle();
  for (let i = 0; i < 10; i++) rig.connect();
  await settle();
  assertEquals([slow.proxyEnd.isClosed, fronted.proxyEnd.isClosed], [false, false]);
  await slow.sendRaw(slow.hello.subarray(500));
  await slow.readFlight();
  await slow.send(noise(10));
  await rig.dc();
});

Deno.test("Proxy lets strangers at the fronted site make room too, with both their sockets", async () => {
  await using rig = new Rig({ strangersAtMost: 2 });
  const fronted = [rig.connect(), rig.connect()];
  for (const each of fronted) {
    await each.sendRaw(noise(100));
    await settle();
  }
  rig.connect();
  await settle();
  assertEquals(fronted.map(({ proxyEnd }) => proxyEnd.isClosed), [true, false]);
  assertEquals(await rig.far(0).read(new Uint8Array(200)), 100);
  assertEquals(await rig.far(0).read(new Uint8Array(200)), null);
});

Deno.test("Proxy.makeRoom() closes strangers, but none that has just come, and never clients", async () => {
  await using rig = new Rig();
  const [client] = await rig.relay();
  const strangers = [rig.connect(), rig.connect(), rig.connect(), rig.connect(), rig.connect()];
  assertEquals(rig.proxy.makeRoom(1), 1);
  assertEquals(rig.proxy.makeRoom(64), 2);
  assertEquals(strangers.map(({ proxyEnd }) => proxyEnd.isClosed), [true, true, true, false, false]);
  assertEquals([rig.proxy.makeRoom(64), rig.proxy.makeRoom(64)], [1, 0]);
  await settle();
  assertEquals(rig.ledger.of("yielded").length, 4);
  const last = strangers.at(-1)!;
  await last.greet();
  await last.send(noise(10));
  await rig.dc();
  assertEquals([client.proxyEnd.isClosed, last.proxyEnd.isClosed, rig.proxy.connections], [false, false, 2]);
});
