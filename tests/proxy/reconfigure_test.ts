/** Other options while clients are served: those that run go on as they began. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { secretOf } from "../../lib/policy/secret.ts";
import { Slots } from "../../lib/policy/slots.ts";
import { settle } from "../support/fake_clock.ts";
import { front, host, noise, Rig, timeouts } from "./rig.ts";

const other = secretOf("tls", noise(16, "another secret"), host);

Deno.test("Proxy.reconfigure() does admit by the new secret alone, and drops nobody", async () => {
  await using rig = new Rig();
  const [client, dc] = await rig.relay({ payload: noise(8) });
  assertEquals(await dc.receive(8), noise(8));
  rig.reconfigure({ secret: other });
  const late = rig.connect();
  await late.prove();
  await settle();
  assertEquals(rig.dialed.at(-1)!.to, front);
  const [newcomer, newDc] = await rig.relay({ secret: other, payload: noise(5) });
  assertEquals(await newDc.receive(5), noise(5));
  for (const [peer, side] of [[client, dc], [newcomer, newDc]] as const) {
    await peer.send(noise(2_000, "up"));
    await side.send(noise(3_000, "down"));
    assertEquals([await side.receive(2_000), await peer.receive(3_000)], [noise(2_000, "up"), noise(3_000, "down")]);
  }
});

Deno.test("Proxy.reconfigure() does leave a client that shakes hands to the options that it came under", async () => {
  await using rig = new Rig();
  const client = rig.connect();
  const proxyRead = settle();
  rig.reconfigure({ secret: other, timeouts: { ...timeouts, handshakeMs: 1 } });
  await proxyRead;
  await rig.advance(5_000);
  await client.greet();
  await client.send(noise(3));
  assertEquals(await (await rig.dc()).receive(3), noise(3));
});

Deno.test("Proxy.reconfigure() does count clients against the new limit, those that run too", async () => {
  const memory = new ArrayBuffer(Slots.bytesFor(1));
  await using rig = new Rig();
  rig.reconfigure({ slots: new Slots(2, memory) });
  const [first] = await rig.relay();
  await rig.relay();
  rig.reconfigure({ slots: new Slots(1, memory) });
  const refused = rig.connect();
  await refused.prove();
  assertEquals([await refused.receiveRaw(), rig.ledger.of("limited").map(({ concurrency }) => concurrency)], [
    new Uint8Array(0),
    [1],
  ]);
  rig.reconfigure({ slots: new Slots(3, memory) });
  await rig.relay();
  first.end.reset();
  await settle();
  assertEquals(new Slots(3, memory).taken, 2);
});

Deno.test("Proxy.reconfigure() does look at shorter deadlines as soon as they count", async () => {
  await using rig = new Rig();
  rig.reconfigure({ timeouts: { ...timeouts, handshakeMs: 40 }, front: undefined });
  await rig.advance(500);
  const client = rig.connect();
  await settle();
  await rig.advance(60);
  assertEquals(rig.ledger.of("refused").map(({ code }) => code), ["handshake-timeout"]);
  client.end.reset();
});

Deno.test("Proxy.reconfigure() does change nothing if a timeout is not positive", async () => {
  await using rig = new Rig();
  const bad = { ...timeouts, idleMs: 0 };
  assertThrows(
    () => rig.reconfigure({ secret: other, timeouts: bad }),
    RangeError,
    "The timeout idleMs must be positive",
  );
  const [, dc] = await rig.relay({ payload: noise(4) });
  assertEquals(await dc.receive(4), noise(4));
});

Deno.test("Proxy.reconfigure() does dial by the new dialer, and lets the old one finish what it has begun", async () => {
  let held = true;
  await using rig = new Rig({ dial: () => held ? "hold" : "connect" });
  const client = rig.connect();
  await client.greet();
  await client.send(noise(6));
  await settle();
  held = false;
  const refusing = { dial: () => Promise.reject(new Error("the new dialer")) };
  rig.reconfigure({ dialer: refusing });
  const next = rig.connect();
  await next.greet();
  await next.send(noise(1));
  for (const ms of [250, 200, 250, 400, 250, 800, 250]) await rig.advance(ms);
  assert(rig.ledger.of("dial-failed").some(({ reason }) => reason.includes("the new dialer")));
  // The old one has gone on to the next address of the data centre.
  assertEquals(await (await rig.dc(1)).receive(6), noise(6));
});
