/** Slots, events and the ways in which a session or the whole proxy comes to its end. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { settle } from "../support/fake_clock.ts";
import { noise, Rig, type RigOptions, timeouts } from "./rig.ts";
import type { WireClient } from "./wire_client.ts";

/** Brings a session into each state in which it can be when the proxy ends. */
const states: readonly {
  name: string;
  options?: RigOptions;
  /** It has not proven the secret, and so holds no slot. */
  stranger?: true;
  reach: (rig: Rig) => Promise<WireClient>;
}[] = [
  { name: "that has said nothing", stranger: true, reach: (rig) => Promise.resolve(rig.connect()) },
  {
    name: "with half a hello",
    stranger: true,
    reach: async (rig) => {
      const client = rig.connect();
      await client.sendRaw(client.hello.subarray(0, 900));
      return client;
    },
  },
  {
    name: "that has seen the flight",
    reach: async (rig) => {
      const client = rig.connect();
      await client.greet();
      return client;
    },
  },
  {
    name: "that takes nothing of the flight",
    options: { limits: { window: 1_900 } },
    reach: async (rig) => {
      const client = rig.connect();
      await client.sendRaw(client.hello);
      return client;
    },
  },
  {
    name: "whose data centre is dialed",
    options: { dial: () => "hold" },
    reach: async (rig) => {
      const client = rig.connect();
      await client.greet();
      await client.send(noise(10));
      return client;
    },
  },
  {
    name: "between two rounds of dialing",
    options: { dial: () => ({ refuse: "no" }), preferIp: "only-ipv6" },
    reach: async (rig) => {
      const client = rig.connect({ dc: 3 });
      await client.greet();
      await client.send(noise(10));
      return client;
    },
  },
  { name: "that is relayed", reach: async (rig) => (await rig.relay())[0] },
  {
    name: "that has ended one way",
    reach: async (rig) => {
      const [client] = await rig.relay();
      await client.end.closeWrite();
      return client;
    },
  },
  {
    name: "that takes nothing of a download",
    options: { limits: { window: 30_000 } },
    reach: async (rig) => {
      const [client, dc] = await rig.relay();
      dc.send(noise(300_000)).catch(() => {});
      return client;
    },
  },
  {
    name: "whose site is dialed",
    stranger: true,
    options: { dial: () => "hold" },
    reach: async (rig) => {
      const client = rig.connect();
      await client.sendRaw(noise(100));
      return client;
    },
  },
  {
    name: "that is fronted",
    stranger: true,
    reach: async (rig) => {
      const client = rig.connect();
      await client.sendRaw(noise(100));
      return client;
    },
  },
  {
    name: "that is ignored",
    stranger: true,
    options: { kind: "simple", front: false },
    reach: async (rig) => {
      const client = rig.connect();
      await client.sendRaw(noise(100));
      return client;
    },
  },
];

/** Nothing is read from these clients, so that a reset of theirs shows only when something is to be written to them. */
const unread = ["whose site is dialed", "that has ended one way"];

for (const { name, options, stranger, reach } of states) {
  Deno.test(`Proxy does end a client ${name} when it is disposed`, async () => {
    await using rig = new Rig(options);
    const client = await reach(rig);
    await settle();
    assertEquals([rig.slots.taken, rig.proxy.connections], [stranger ? 0 : 1, 1]);
    await rig.proxy[Symbol.asyncDispose]();
    assertEquals([rig.slots.taken, rig.proxy.connections], [0, 0]);
    assertEquals(rig.ledger.of("closed").map(({ reason }) => reason), ["shutdown"]);
    assertEquals([rig.ledger.of("dial-failed"), rig.ledger.of("front-failed")], [[], []]);
    assert(client.proxyEnd.isClosed);
    assert(rig.dialed.every(({ far, signal }) => far !== undefined || signal.aborted), "an attempt goes on");
  });

  Deno.test(`Proxy.drain() does give a client ${name} its time, and no more`, async () => {
    await using rig = new Rig(options);
    const client = await reach(rig);
    await settle();
    let drained = false;
    const draining = rig.proxy.drain(700).then(() => drained = true);
    await rig.advance(699);
    assertEquals([drained, rig.ledger.of("closed").length], [false, 0]);
    await rig.advance(1);
    assertEquals(drained, true);
    await draining;
    assert(!client.proxyEnd.isClosed, "it is for the owner to end it");
  });

  Deno.test(`Proxy.drain() does resolve when a client ${name} resets`, async () => {
    await using rig = new Rig(options);
    const client = await reach(rig);
    await settle();
    let drained = false;
    const draining = rig.proxy.drain(5_000).then(() => drained = true);
    client.end.reset();
    await rig.advance(4_999);
    if (!drained) assert(unread.includes(name), "the reset is not noticed");
    await rig.proxy[Symbol.asyncDispose]();
    await draining;
    assertEquals(rig.ledger.of("closed").length, 1);
  });
}

Deno.test("Proxy.drain() does resolve at once without clients, and leaves no timer behind", async () => {
  await using rig = new Rig();
  const sleepers = rig.clock.pendingMs.length;
  await rig.proxy.drain(60_000);
  await settle();
  assertEquals(rig.clock.pendingMs.length, sleepers);
});

Deno.test("Proxy does wait for clients that came after a drain when it is disposed", async () => {
  await using rig = new Rig();
  const first = rig.connect();
  const draining = rig.proxy.drain(5_000);
  await first.end.closeWrite();
  await draining;
  const [client] = await rig.relay();
  const disposing = rig.proxy[Symbol.asyncDispose]();
  await disposing;
  assertEquals([rig.proxy.connections, rig.slots.taken, client.proxyEnd.isClosed], [0, 0, true]);
});

Deno.test("Proxy does end in order when it is disposed twice, or while it drains", async () => {
  await using rig = new Rig();
  await rig.relay();
  const draining = rig.proxy.drain(60_000);
  await Promise.all([rig.proxy[Symbol.asyncDispose](), rig.proxy[Symbol.asyncDispose]()]);
  await draining;
  assertEquals(rig.ledger.story(1), ["opened", "connected", "closed shutdown"]);
});

Deno.test("Proxy does close clients at once that come when it is disposed", async () => {
  await using rig = new Rig();
  await rig.proxy[Symbol.asyncDispose]();
  const client = rig.connect();
  assertEquals([client.proxyEnd.deeds, rig.slots.taken], [["close"], 0]);
});

Deno.test("Proxy does close clients beyond the limit once they have proven the secret, and says so", async () => {
  for (const kind of ["tls", "simple"] as const) {
    await using rig = new Rig({ kind, concurrency: 3 });
    const served = [];
    for (let i = 0; i < 3; i++) served.push((await rig.relay())[0]);
    const stranger = rig.connect();
    const turnedAway = [rig.connect(), rig.connect()];
    for (const client of turnedAway) {
      await client.prove();
      assertEquals(await client.receiveRaw(), new Uint8Array(0));
      assert(client.proxyEnd.isClosed);
    }
    assertEquals([rig.slots.taken, rig.proxy.connections, stranger.proxyEnd.isClosed], [3, 4, false]);
    assertEquals(rig.ledger.of("limited").map(({ id, concurrency }) => [id, concurrency]), [[5, 3], [6, 3]]);
    assertEquals(rig.ledger.of("limited").map(({ remote }) => remote), turnedAway.map(({ end }) => end.local));
    assertEquals([rig.ledger.story(6), rig.dialed.length], [["opened", "limited", "closed limited"], 3]);
    served[0]!.end.reset();
    await settle();
    assertEquals(rig.slots.taken, 2);
    await stranger.greet();
    await stranger.send(noise(1));
    await rig.dc();
    assertEquals([rig.slots.taken, rig.dialed.length], [3, 4]);
  }
});

Deno.test("Proxy does count sessions from 1 and tells how long they took and what they moved", async () => {
  await using rig = new Rig({ kind: "simple" });
  const [client, dc] = await rig.relay({ payload: noise(36) });
  await dc.receive(36);
  await dc.send(noise(1_000));
  await client.receive(1_000);
  await rig.advance(12_000);
  await client.end.closeWrite();
  await dc.end.closeWrite();
  await settle();
  const { type: _, remote, ...rest } = rig.ledger.of("closed")[0]!;
  assertEquals(remote, client.end.local);
  assertEquals(rest, { id: 1, reason: "ended", upBytes: 100, downBytes: 1_000, durationMs: 12_000 });
});

const ends = ["client", "dc"] as const;

for (const first of ends) {
  Deno.test(`Proxy does pass the end of the ${first} on alone, and brings the rest of the other way`, async () => {
    for (const kind of ["simple", "tls"] as const) {
      await using rig = new Rig({ kind });
      const [client, dc] = await rig.relay();
      const [tail, rest] = [noise(3_333, "tail"), noise(150_000, "rest")];
      if (first === "client") {
        await client.send(tail);
        await client.end.closeWrite();
        assertEquals(await dc.receiveAll(), tail);
        await rig.advance(60_000);
        await dc.send(rest);
        dc.end[Symbol.dispose]();
        assertEquals(await client.receiveAll(), rest);
      } else {
        await dc.send(tail);
        await dc.end.closeWrite();
        assertEquals(await client.receiveAll(), tail);
        await rig.advance(60_000);
        await client.send(rest);
        client.end[Symbol.dispose]();
        assertEquals(await dc.receiveAll(), rest);
      }
      await settle();
      assertEquals(rig.ledger.story(1), ["opened", "connected", "closed ended"]);
    }
  });

  Deno.test(`Proxy does close both sides when the ${first} resets`, async () => {
    await using rig = new Rig();
    const [client, dc] = await rig.relay();
    (first === "client" ? client : dc).end.reset();
    await settle();
    assertEquals([client.proxyEnd.isClosed, rig.ledger.story(1)], [true, ["opened", "connected", "closed reset"]]);
    if (first === "client") assertEquals(await dc.receiveAll(), new Uint8Array(0));
    else assertEquals(await client.receiveAll(), new Uint8Array(0));
  });
}

Deno.test("Proxy does serve many clients at a time, each its own", async () => {
  await using rig = new Rig();
  const pairs = [];
  for (let i = 0; i < 40; i++) pairs.push(await rig.relay({ payload: noise(100, `client ${i}`) }));
  await Promise.all(pairs.map(async ([client, dc], i) => {
    assertEquals(await dc.receive(100), noise(100, `client ${i}`));
    for (let round = 0; round < 5; round++) {
      const size = 1 + (i * 7_919 + round * 104_729) % 30_000;
      await Promise.all([client.send(noise(size, `up ${i}`)), dc.send(noise(size, `down ${i}`))]);
      assertEquals(await dc.receive(size), noise(size, `up ${i}`));
      assertEquals(await client.receive(size), noise(size, `down ${i}`));
    }
  }));
  assertEquals(rig.slots.taken, 40);
});

Deno.test("Proxy does refuse timeouts that are not positive", () => {
  for (const name of ["tcpMs", "handshakeMs", "idleMs"]) {
    for (const ms of [0, -1, NaN]) {
      assertThrows(() => new Rig({ timeouts: { ...timeouts, [name]: ms } }), RangeError, name);
    }
  }
});
