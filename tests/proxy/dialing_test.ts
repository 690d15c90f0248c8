/** The way to a data centre: which one, what it is told, and what happens when it cannot be reached. */
import { assertEquals } from "@std/assert";
import { type Address, formatAddress } from "../../lib/address.ts";
import { settle } from "../support/fake_clock.ts";
import { noise, Rig, type RigOptions, timeouts } from "./rig.ts";
import type { WireClient } from "./wire_client.ts";

const tcp = (host: string, port = 443): Address => ({ kind: "tcp", host, port });

/** What the client asks for; the first address that is dialed, and the number that Telegram is told. */
const known: readonly (readonly [number, string, number])[] = [
  [1, "149.154.175.50:443", 1],
  [0, "", 2],
  [-2, "", -2],
  [4, "149.154.167.91:443", 4],
  [-5, "149.154.171.5:443", -5],
  [203, "91.105.192.100:443", 203],
  [-203, "91.105.192.100:443", -203],
  [10_001, "149.154.175.10:443", 10_001],
  [-10_002, "149.154.167.40:443", -10_002],
];

for (const [asked, address, told] of known) {
  Deno.test(`Proxy does take a client that asks for data centre ${asked} there, and tells Telegram ${told}`, async () => {
    await using rig = new Rig();
    const [, dc] = await rig.relay({ dc: asked });
    assertEquals(dc.dc, told);
    if (address !== "") assertEquals(formatAddress(rig.dialed[0]!.to), address);
    const [connected] = rig.ledger.of("connected");
    assertEquals([connected?.dc, connected?.address], [told, rig.dialed[0]!.to]);
    assertEquals(rig.ledger.of("dc-replaced"), []);
  });
}

for (const asked of [6, -6, 99, 10_000, 10_004, -10_005, 32_767, -32_768]) {
  Deno.test(`Proxy does close a client that asks for data centre ${asked}`, async () => {
    for (const kind of ["simple", "tls"] as const) {
      await using rig = new Rig({ kind });
      const client = rig.connect({ dc: asked });
      await client.greet();
      await client.send(noise(10));
      await settle();
      assertEquals(rig.dialed.length, 0);
      assertEquals(rig.ledger.story(1), ["opened", "refused unknown-dc closed", "closed unknown-dc"]);
    }
  });

  Deno.test(`Proxy does take data centre 2 for ${asked} where that is allowed`, async () => {
    await using rig = new Rig({ fallbackOnUnknownDc: true });
    const [client, dc] = await rig.relay({ dc: asked, payload: noise(10) });
    assertEquals([dc.dc, await dc.receive(10)], [2, noise(10)]);
    await dc.send(noise(20));
    assertEquals(await client.receive(20), noise(20));
    assertEquals(rig.ledger.story(1), ["opened", "dc-replaced", "connected"]);
    assertEquals(rig.ledger.of("dc-replaced").map(({ asked, given }) => [asked, given]), [[asked, 2]]);
  });
}

Deno.test("Proxy does let overrides stand in for Telegram's addresses, media and test ones included", async () => {
  const dcOverrides = new Map([[2, [tcp("127.0.0.1", 1)]], [-3, [tcp("127.0.0.1", 2)]], [77, [tcp("127.0.0.1", 3)]]]);
  await using rig = new Rig({ dcOverrides });
  for (const dc of [2, -2, 10_002, -10_002, 0, -3, 77, -77]) {
    const [, far] = await rig.relay({ dc });
    assertEquals(far.dc, dc === 0 ? 2 : dc);
  }
  const ports = rig.dialed.map(({ to }) => to.kind === "tcp" ? to.port : 0);
  assertEquals(ports, [1, 1, 1, 1, 1, 2, 3, 3]);
});

Deno.test("Proxy does try what Telegram has named since after what is built in, and only without an override", async () => {
  const update = tcp("198.51.100.7");
  const dcUpdates = new Map([[2, [update]], [203, [update]]]);
  for (const [dc, count] of [[2, 4], [-203, 3]] as const) {
    await using rig = new Rig({ dcUpdates, dial: () => "hold" });
    const client = rig.connect({ dc });
    await client.greet();
    await client.send(noise(1));
    await rig.advance(2_000);
    const dialed = rig.dialed.map(({ to }) => to);
    assertEquals([dialed.length, dialed.at(-1)], [count, update]);
  }
  await using overridden = new Rig({
    dcUpdates,
    dcOverrides: new Map([[2, [tcp("127.0.0.1")]]]),
  });
  await overridden.relay({ dc: 2 });
  assertEquals(overridden.dialed.map(({ to }) => to), [tcp("127.0.0.1")]);
});

const ipv6 = "2001:db8::1";
const ipv4 = "192.0.2.77";
const preferences: readonly (readonly [RigOptions["preferIp"] & string, readonly string[]])[] = [
  ["prefer-ipv4", [ipv4, ipv6]],
  ["prefer-ipv6", [ipv6, ipv4]],
  ["only-ipv4", [ipv4]],
  ["only-ipv6", [ipv6]],
];

for (const [preferIp, hosts] of preferences) {
  Deno.test(`Proxy does dial in the order of ${preferIp}, a quarter of a second apart`, async () => {
    await using rig = new Rig({ preferIp, dcOverrides: new Map([[2, [tcp(ipv6), tcp(ipv4)]]]), dial: () => "hold" });
    const client = rig.connect();
    await client.greet();
    await client.send(noise(1));
    await settle();
    const dialed = () => rig.dialed.map(({ to }) => to.kind === "tcp" ? to.host : "");
    assertEquals(dialed(), hosts.slice(0, 1));
    await rig.advance(249);
    assertEquals(dialed(), hosts.slice(0, 1));
    await rig.advance(1);
    assertEquals(dialed(), hosts);
    rig.dialed.at(-1)!.connect();
    await settle();
    assertEquals(rig.ledger.story(1), ["opened", "connected"]);
    if (hosts.length > 1) assertEquals(rig.dialed[0]!.signal.aborted, true, "the slower attempt is given up");
  });
}

Deno.test("Proxy does say so where a data centre has no address of the only family allowed", async () => {
  await using rig = new Rig({ preferIp: "only-ipv6", dcOverrides: new Map([[2, [tcp(ipv4)]]]) });
  const client = rig.connect();
  await client.greet();
  await client.send(noise(1));
  await settle();
  assertEquals(rig.dialed.length, 0);
  assertEquals(rig.ledger.story(1), ["opened", "dial-failed", "closed dial-failed"]);
  assertEquals(rig.ledger.of("dial-failed")[0]?.reason, "data centre 2 has no address for only-ipv6");
});

Deno.test("Proxy does try three times more before it gives a data centre up", async () => {
  const dcOverrides = new Map([[2, [tcp(ipv4)]]]);
  await using rig = new Rig({ dcOverrides, dial: () => ({ refuse: "connection refused" }) });
  const client = rig.connect();
  await client.greet();
  await client.send(noise(1));
  const counts: number[] = [];
  for (const waitMs of [0, 199, 1, 399, 1, 799]) {
    await rig.advance(waitMs);
    counts.push(rig.dialed.length);
  }
  assertEquals(counts, [1, 1, 2, 2, 3, 3]);
  assertEquals(rig.ledger.story(1), ["opened"]);
  await rig.advance(1);
  assertEquals(rig.dialed.length, 4);
  assertEquals(rig.ledger.story(1), ["opened", "dial-failed", "closed dial-failed"]);
  assertEquals(rig.ledger.of("dial-failed")[0]?.reason, `${ipv4}:443: connection refused`);
  assertEquals(client.proxyEnd.deeds, ["write", "close"], "the flight, then the end");
});

Deno.test("Proxy does reach a data centre that comes back between two rounds", async () => {
  const dcOverrides = new Map([[2, [tcp(ipv4)]]]);
  let calls = 0;
  await using rig = new Rig({ dcOverrides, dial: () => ++calls < 3 ? { refuse: "no" } : "connect" });
  const client = rig.connect();
  await client.greet();
  await client.send(noise(30));
  await rig.advance(600);
  assertEquals(await (await rig.dc()).receive(30), noise(30));
});

/** How a client goes away while its data centre is dialed, with nothing sent but its frame. */
for (const how of ["closeWrite", "reset"] as const) {
  Deno.test(`Proxy does stop dialing for a client that goes away by ${how}`, async () => {
    for (const kind of ["simple", "tls"] as const) {
      await using rig = new Rig({ kind, dial: () => "hold" });
      const client = rig.connect();
      await client.greet();
      await client.send(new Uint8Array(0));
      await settle();
      assertEquals(rig.dialed[0]?.signal.aborted, false);
      await client.end[how]();
      await settle();
      assertEquals(rig.dialed[0]?.signal.aborted, true);
      assertEquals(rig.ledger.story(1), ["opened", "closed client-gone"], "it is no failure of the data centre");
    }
  });
}

Deno.test("Proxy does stop dialing for a client that resets, whatever it has sent", async () => {
  await using rig = new Rig({ dial: () => "hold" });
  const client = rig.connect();
  await client.greet();
  await client.send(noise(100));
  await settle();
  client.end.reset();
  await settle();
  assertEquals([rig.dialed[0]?.signal.aborted, rig.ledger.story(1).at(-1)], [true, "closed client-gone"]);
});

for (const apart of [false, true]) {
  const when = apart ? "behind its frame" : "with its frame";
  Deno.test(`Proxy does deliver what a client has sent ${when} that half-closes while dialing`, async () => {
    for (const kind of ["simple", "tls"] as const) {
      await using rig = new Rig({ kind, dial: () => "hold" });
      const client = rig.connect();
      await client.greet();
      if (apart) {
        await client.send(new Uint8Array(0));
        await settle();
        await client.send(noise(100));
      } else {
        await client.send(noise(100));
      }
      await client.end.closeWrite();
      await rig.advance(200);
      assertEquals(rig.ledger.story(1), ["opened"]);
      rig.dialed[0]!.connect();
      const dc = await rig.dc(0);
      assertEquals(await dc.receiveAll(), noise(100));
      await dc.send(noise(55));
      await dc.end.closeWrite();
      assertEquals(await client.receiveAll(), noise(55));
      await settle();
      assertEquals(rig.ledger.story(1), ["opened", "connected", "closed ended"]);
    }
  });
}

Deno.test("Proxy does deliver what a client sends while its data centre is dialed", async () => {
  for (const kind of ["simple", "tls"] as const) {
    for (const fastMode of [true, false]) {
      await using rig = new Rig({ kind, fastMode, dial: () => "hold" });
      const client = rig.connect();
      await client.greet();
      await client.send(noise(13, "first"));
      await settle();
      for (let i = 0; i < 5; i++) await client.send(noise(700, `while dialing ${i}`));
      await settle();
      rig.dialed[0]!.connect();
      const dc = await rig.dc(0);
      assertEquals(await dc.receive(13), noise(13, "first"));
      for (let i = 0; i < 5; i++) assertEquals(await dc.receive(700), noise(700, `while dialing ${i}`));
    }
  }
});

Deno.test("Proxy does close what is connected after the session is over", async () => {
  await using rig = new Rig({ dial: () => "hold", dcOverrides: new Map([[2, [tcp(ipv4), tcp(ipv6)]]]) });
  const client = rig.connect();
  await client.greet();
  await client.send(noise(1));
  await rig.advance(300);
  // Both at once: one wins, the other must not stay open.
  rig.dialed.forEach((dialed) => dialed.connect());
  await settle();
  assertEquals(rig.ledger.story(1), ["opened", "connected"]);
  client.end.reset();
  await settle();
  assertEquals(rig.ledger.story(1), ["opened", "connected", "closed reset"]);
});

Deno.test("Proxy does prefer addresses that have not failed within the last minute", async () => {
  const dcOverrides = new Map([[2, [tcp(ipv6), tcp(ipv4)]]]);
  const dial = (to: Address) => to.kind === "tcp" && to.host === ipv6 ? { refuse: "unreachable" } : "connect" as const;
  await using rig = new Rig({ dcOverrides, preferIp: "prefer-ipv6", dial });
  const hosts = () => rig.dialed.splice(0).map(({ to }) => to.kind === "tcp" ? to.host : "");
  await rig.relay();
  assertEquals(hosts(), [ipv6, ipv4]);
  await rig.relay();
  assertEquals(hosts(), [ipv4]);
  await rig.advance(60_001);
  await rig.relay();
  assertEquals(hosts(), [ipv6, ipv4]);
  assertEquals(timeouts.tcpMs, 10_000);
});

/** How it can end that a data centre is dialed. The ciphers that a long first packet has opened must not stay behind. */
const failures: Readonly<Record<string, (rig: Rig, client: WireClient) => void | Promise<void>>> = {
  "a refusal": (rig) => rig.dialed[0]!.fail("no"),
  "silence": (rig) => rig.advance(timeouts.tcpMs + 500),
  "the client's reset": (_, client) => client.end.reset(),
  "the end of the proxy": (rig) => rig.proxy[Symbol.asyncDispose](),
  "a data centre that resets at once": (rig) => rig.dialed[0]!.connect().reset(),
};

for (const [name, fail] of Object.entries(failures)) {
  Deno.test(`Proxy does keep nothing of a long first packet when dialing ends with ${name}`, async () => {
    for (const fastMode of [true, false]) {
      await using rig = new Rig({ fastMode, dial: () => "hold" });
      const client = rig.connect();
      await client.greet();
      await client.send(noise(2_500));
      await settle();
      await fail(rig, client);
      await rig.advance(timeouts.tcpMs + 500);
      assertEquals(rig.ledger.of("closed").length, 1);
    }
  });
}
