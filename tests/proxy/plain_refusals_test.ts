/** Strangers at a simple or secured secret: fronted where a site is named, else read and ignored. */
import { assert, assertEquals } from "@std/assert";
import { ReplayFilter } from "../../lib/policy/replay_filter.ts";
import { concat } from "../support/byte_reader.ts";
import { settle } from "../support/fake_clock.ts";
import type { TransportTag } from "../support/obfuscated2_client.ts";
import { noise, Rig, timeouts } from "./rig.ts";

const cases: readonly { kind: "simple" | "secured"; tag: TransportTag }[] = [
  { kind: "simple", tag: 0xdd },
  { kind: "secured", tag: 0xee },
  { kind: "secured", tag: 0xef },
];

for (const { kind, tag } of cases) {
  Deno.test(`Proxy does refuse tag ${tag.toString(16)} with a ${kind} secret`, async () => {
    await using rig = new Rig({ kind });
    const client = rig.connect({ tag });
    const sent = client.seal(noise(100));
    await client.sendRaw(sent);
    await settle();
    assertEquals(rig.ledger.story(1), ["opened", "refused wrong-transport fronted"]);
    const got = new Uint8Array(1_000);
    assertEquals(await rig.far().read(got), sent.length);
    assertEquals(got.subarray(0, sent.length), sent);
  });
}

Deno.test("Proxy does refuse a replayed frame", async () => {
  for (const kind of ["simple", "secured"] as const) {
    await using rig = new Rig({ kind });
    const first = rig.connect();
    const sent = first.seal(noise(40));
    await first.sendRaw(sent);
    await settle();
    await rig.connect().sendRaw(concat(sent.subarray(0, 8), sent.subarray(8)));
    await settle();
    // The first eight bytes are free: who changes them replays all the same.
    const changed = sent.slice();
    changed.set(noise(8, "changed"));
    await rig.connect().sendRaw(changed);
    await settle();
    assertEquals(rig.ledger.story(1), ["opened", "connected"]);
    assertEquals(rig.ledger.story(2), ["opened", "refused replayed fronted"]);
    assertEquals(rig.ledger.story(3), ["opened", "refused replayed fronted"]);
  }
});

Deno.test("Proxy does say once that its memory of handshakes is full, and goes on", async () => {
  const replayFilter = new ReplayFilter({ memory: new ArrayBuffer(1_024), errorRate: 0.001, lifetimeMs: 60_000 });
  await using rig = new Rig({ kind: "simple", replayFilter, concurrency: 1_000 });
  let served = 0;
  for (let i = 0; i < replayFilter.capacity + 20; i++) {
    using client = rig.connect();
    await client.send(noise(4));
    await settle();
    served += rig.ledger.of("connected").length > served ? 1 : 0;
  }
  assertEquals(rig.ledger.of("replay-filter-full").map(({ capacity }) => capacity), [replayFilter.capacity]);
  assert(served > replayFilter.capacity, "a new client is hardly ever taken for a replay");
});

Deno.test("Proxy does ignore a stranger until the handshake times out where no site is fronted", async () => {
  for (const kind of ["simple", "secured"] as const) {
    for (const size of [64, 65, 1_023, 1_024, 5_000]) {
      await using rig = new Rig({ kind, front: false });
      const client = rig.connect();
      const garbage = noise(size, "garbage");
      await client.sendRaw(garbage);
      await rig.advance(timeouts.handshakeMs - 1_000);
      assertEquals(rig.ledger.story(1), ["opened", "refused bad-frame ignored"]);
      // It reads on, without an end to the memory that it takes.
      for (let i = 0; i < 50; i++) await client.sendRaw(garbage);
      await settle();
      assertEquals(client.proxyEnd.unread, 0);
      await rig.advance(2_000);
      assertEquals(rig.ledger.story(1), ["opened", "refused bad-frame ignored", "closed handshake-timeout"]);
      assertEquals([client.proxyEnd.writes.length, client.proxyEnd.deeds, rig.dialed.length], [0, ["close"], 0]);
    }
  }
});

Deno.test("Proxy does close a stranger that it ignores as soon as that one ends or resets", async () => {
  for (const how of ["closeWrite", "reset"] as const) {
    await using rig = new Rig({ kind: "simple", front: false });
    const client = rig.connect();
    await client.sendRaw(noise(64));
    await settle();
    await client.end[how]();
    await settle();
    assertEquals(rig.ledger.of("closed").map(({ reason }) => reason), [how === "reset" ? "reset" : "ended"]);
    assertEquals(client.proxyEnd.writes, []);
  }
});

Deno.test("Proxy does close a silent client at the handshake timeout where no site is fronted", async () => {
  for (const kind of ["simple", "secured", "tls"] as const) {
    for (const sent of [0, 1, 63]) {
      await using rig = new Rig({ kind, front: false });
      const client = rig.connect();
      await client.sendRaw((kind === "tls" ? client.hello : client.frame).subarray(0, sent));
      await rig.advance(timeouts.handshakeMs - 501);
      assertEquals(rig.ledger.story(1), ["opened"]);
      await rig.advance(1_001);
      assertEquals(rig.ledger.story(1), [
        "opened",
        "refused handshake-timeout ignored",
        "closed handshake-timeout",
      ]);
      assertEquals(client.proxyEnd.deeds, ["close"]);
    }
  }
});

Deno.test("Proxy does front half a frame at the handshake timeout where a site is named", async () => {
  await using rig = new Rig({ kind: "secured" });
  const client = rig.connect();
  await client.sendRaw(client.frame.subarray(0, 40), 7);
  await rig.advance(timeouts.handshakeMs + 500);
  await client.sendRaw(client.frame.subarray(40));
  await settle();
  const got = new Uint8Array(100);
  const first = await rig.far().read(got);
  const second = await rig.far().read(got.subarray(first!));
  assertEquals([first, second], [40, 24]);
  assertEquals(got.subarray(0, 64), client.frame);
  assertEquals(rig.ledger.story(1), ["opened", "refused handshake-timeout fronted"]);
});
