/** What happens when somebody keeps silent: handshake, dialing, idle and quiet sessions. */
import { assert, assertEquals } from "@std/assert";
import { concat } from "../support/byte_reader.ts";
import { settle } from "../support/fake_clock.ts";
import { noise, Rig, timeouts } from "./rig.ts";

/** Deadlines are looked at twice a second. */
const slackMs = 500;

for (const size of [0, 1, 5, 700]) {
  Deno.test(`Proxy does front ${size} bytes of a hello and silence at the handshake timeout, and loses none`, async () => {
    await using rig = new Rig();
    const client = rig.connect();
    const hello = client.hello;
    await client.sendRaw(hello.subarray(0, size), 100);
    await rig.advance(timeouts.handshakeMs - slackMs - 1);
    assertEquals(rig.ledger.story(1), ["opened"]);
    await rig.advance(2 * slackMs);
    assertEquals(rig.ledger.story(1), ["opened", "refused handshake-timeout fronted"]);
    assertEquals(client.proxyEnd.writes, []);
    const site = rig.far();
    // The rest of a hello that is good: too late, it is the site's.
    await client.sendRaw(hello.subarray(size), 300);
    await client.end.closeWrite();
    await settle();
    const got: Uint8Array[] = [];
    const buffer = new Uint8Array(4_096);
    for (let count = await site.read(buffer); count !== null; count = await site.read(buffer)) {
      got.push(buffer.slice(0, count));
    }
    assertEquals(concat(...got), hello);
    await site.write(noise(70));
    await site.closeWrite();
    assertEquals(await client.receiveRaw(), noise(70));
    await settle();
    assertEquals(rig.ledger.story(1).at(-1), "closed ended");
  });
}

Deno.test("Proxy does lose no byte that comes while the site of a silent client is dialed", async () => {
  await using rig = new Rig({ dial: () => "hold" });
  const client = rig.connect();
  await client.sendRaw(client.hello.subarray(0, 50));
  await rig.advance(timeouts.handshakeMs + slackMs);
  await client.sendRaw(client.hello.subarray(50), 111);
  await settle();
  const site = rig.dialed[0]!.connect();
  await settle();
  await client.sendRaw(noise(9_000), 1_500);
  const got = new Uint8Array(client.hello.length + 9_000);
  for (let at = 0; at < got.length;) at += (await site.read(got.subarray(at)))!;
  assertEquals(got, concat(client.hello, noise(9_000)));
});

Deno.test("Proxy does lose no byte of a client that fills its buffer and falls silent", async () => {
  // Buffers have 4,096 and 16,448 bytes: the read that is handed on begins at, before and behind their ends.
  for (const size of [4_095, 4_096, 4_097, 16_000]) {
    await using rig = new Rig();
    const client = rig.connect();
    const start = concat(Uint8Array.of(0x16, 3, 1, 0x3f, 0xf0, 1, 0, 0x3f, 0xec), noise(size - 9));
    await client.sendRaw(start, 1_000);
    await rig.advance(timeouts.handshakeMs + slackMs);
    const rest = noise(40_000, "rest");
    await client.sendRaw(rest, 7_000);
    const got = new Uint8Array(start.length + rest.length);
    const site = rig.far();
    for (let at = 0; at < got.length;) at += (await site.read(got.subarray(at)))!;
    assertEquals(got, concat(start, rest), `${size} bytes`);
  }
});

Deno.test("Proxy does close a client that falls silent after the flight", async () => {
  for (const size of [0, 6, 40]) {
    await using rig = new Rig();
    const client = rig.connect();
    await client.greet();
    await client.sendRaw(client.seal(new Uint8Array(0)).subarray(0, size));
    await rig.advance(timeouts.handshakeMs + slackMs);
    assertEquals([rig.dialed.length, client.proxyEnd.deeds], [0, ["write", "close"]]);
    assertEquals(rig.ledger.story(1), ["opened", "refused handshake-timeout closed", "closed handshake-timeout"]);
  }
});

Deno.test("Proxy does not wait for ever for a client that takes nothing of the flight", async () => {
  await using rig = new Rig({ limits: { window: 1_900 } });
  const client = rig.connect();
  await client.sendRaw(client.hello);
  await rig.advance(timeouts.handshakeMs + timeouts.tcpMs + 2 * slackMs);
  assertEquals(rig.ledger.story(1), ["opened", "closed handshake-timeout"]);
});

Deno.test("Proxy does not wait for ever for a data centre that takes nothing", async () => {
  await using rig = new Rig({ limits: { window: 2_000 } });
  const client = rig.connect();
  await client.greet();
  const sent = client.sendRaw(client.seal(noise(3_000))).catch(() => {});
  await rig.advance(timeouts.tcpMs + 2 * slackMs);
  assertEquals(rig.ledger.of("closed").length, 0, "a full window is not the end of a relay");
  await rig.advance(timeouts.idleMs);
  assertEquals(rig.ledger.story(1), ["opened", "connected", "closed idle"]);
  await sent;
});

Deno.test("Proxy does give up a data centre that does not answer in time", async () => {
  await using rig = new Rig({ dial: () => "hold" });
  const client = rig.connect();
  await client.greet();
  await client.send(noise(10));
  await rig.advance(timeouts.tcpMs - slackMs);
  assertEquals(rig.ledger.story(1), ["opened"]);
  await rig.advance(2 * slackMs);
  assertEquals(rig.ledger.story(1), ["opened", "dial-failed", "closed dial-failed"]);
  assert(rig.dialed.every(({ signal }) => signal.aborted));
  assertEquals(rig.ledger.of("dial-failed")[0]?.reason, `no answer within ${timeouts.tcpMs / 1_000} s`);
});

Deno.test("Proxy does give up a site that does not answer in time", async () => {
  await using rig = new Rig({ dial: () => "hold" });
  await rig.connect().sendRaw(noise(10));
  await rig.advance(timeouts.tcpMs + slackMs);
  assertEquals(rig.ledger.story(1), [
    "opened",
    "refused bad-client-hello fronted",
    "front-failed",
    "closed front-failed",
  ]);
  assertEquals(rig.dialed[0]?.signal.aborted, true);
});

for (const direction of ["up", "down"] as const) {
  Deno.test(`Proxy does count bytes ${direction} alone as life of a session`, async () => {
    await using rig = new Rig();
    const [client, dc] = await rig.relay();
    for (let i = 0; i < 3; i++) {
      await rig.advance(timeouts.idleMs - 2 * slackMs);
      if (direction === "up") {
        await client.send(noise(5));
        assertEquals(await dc.receive(5), noise(5));
      } else {
        await dc.send(noise(5));
        assertEquals(await client.receive(5), noise(5));
      }
    }
    await rig.advance(timeouts.idleMs - 2 * slackMs);
    assertEquals(rig.ledger.of("closed").length, 0);
    await rig.advance(3 * slackMs);
    assertEquals(rig.ledger.story(1), ["opened", "connected", "closed idle"]);
    assertEquals([client.proxyEnd.isClosed, await dc.receiveAll()], [true, new Uint8Array(0)]);
  });
}

for (const byMs of [-3_600_000, 3_600_000]) {
  Deno.test(`Proxy does keep its deadlines when the machine's clock is set by ${byMs} ms`, async () => {
    await using rig = new Rig();
    const silent = rig.connect();
    await silent.sendRaw(noise(1).fill(0x16));
    await rig.advance(1_000);
    rig.clock.set(rig.clock.nowMs() + byMs);
    await rig.advance(timeouts.handshakeMs - 1_000 - slackMs);
    assertEquals(rig.ledger.story(1), ["opened"]);
    await rig.advance(2 * slackMs);
    assertEquals(rig.ledger.story(1), ["opened", "refused handshake-timeout fronted"]);
  });
}

Deno.test("Proxy does end an idle session of a stranger as well", async () => {
  await using rig = new Rig();
  const client = rig.connect();
  await client.sendRaw(noise(1_000));
  await rig.advance(timeouts.idleMs + slackMs);
  assertEquals(rig.ledger.story(1), ["opened", "refused bad-client-hello fronted", "closed idle"]);
});

Deno.test("Proxy does end an idle session of which one side has ended", async () => {
  await using rig = new Rig();
  const [client] = await rig.relay();
  await client.end.closeWrite();
  await rig.advance(timeouts.idleMs + 2 * slackMs);
  assertEquals(rig.ledger.story(1), ["opened", "connected", "closed idle"]);
});

Deno.test("Proxy does end a session in which a receiver takes nothing for the idle time", async () => {
  await using rig = new Rig({ limits: { window: 30_000 } });
  const [, dc] = await rig.relay();
  const sending = dc.send(noise(200_000)).catch((error) => error);
  await rig.advance(timeouts.idleMs + 2 * slackMs);
  assertEquals(rig.ledger.story(1), ["opened", "connected", "closed idle"]);
  assert(await sending instanceof Error);
});

for (const direction of ["up", "down"] as const) {
  Deno.test(`Proxy does keep a session alive whose receiver takes a little at a time, ${direction}`, async () => {
    await using rig = new Rig({ kind: "simple", limits: { window: 4_000 }, timeouts: { idleMs: 20_000 } });
    const [client, dc] = await rig.relay();
    const bytes = noise(3 * 4_000);
    const sending = (direction === "up" ? client.send(bytes) : dc.send(bytes)).then(() => true, () => false);
    const receiver = direction === "up" ? dc.end : client.end;
    let got = 0;
    // The last window of bytes is out of the proxy's hands.
    while (got < bytes.length - 4_000) {
      const count = await receiver.read(new Uint8Array(200));
      if (count === null) break;
      got += count;
      await rig.advance(5_000);
    }
    assertEquals([await sending, rig.ledger.of("closed")], [true, []]);
  });
}

for (const kind of ["simple", "tls"] as const) {
  Deno.test(`Proxy does give the ciphers of a quiet session back: ${kind} secret`, async () => {
    // Not disposed: the session goes on beyond the test, whose sanitizer finds native ciphers that are still open.
    const rig = new Rig({ kind, fastMode: false });
    const [client, dc] = await rig.relay();
    const bytes = noise(20_000);
    await Promise.all([client.send(bytes), dc.send(bytes)]);
    assertEquals([await dc.receive(bytes.length), await client.receive(bytes.length)], [bytes, bytes]);
    await rig.advance(6_000);
    client.disposeCiphers();
    dc[Symbol.dispose]();
    assertEquals([rig.slots.taken, rig.ledger.story(1)], [1, ["opened", "connected"]]);
  });
}

const quietTimesMs = [4_000, 5_500, 60_000];

for (const kind of ["simple", "secured", "tls"] as const) {
  for (const fastMode of [true, false]) {
    const mode = fastMode ? "fast mode" : "no fast mode";
    Deno.test(`Proxy does go on right after quiet times, at any position: ${kind} secret, ${mode}`, async () => {
      await using rig = new Rig({ kind, fastMode });
      const [client, dc] = await rig.relay({ payload: noise(3) });
      assertEquals(await dc.receive(3), noise(3));
      for (const size of [1, 13, 16, 700, 495, 5_003, 40_000, 3]) {
        for (const quietMs of quietTimesMs) {
          const [up, down] = [noise(size, `up ${quietMs}`), noise(size + 5, `down ${quietMs}`)];
          await Promise.all([client.send(up), dc.send(down)]);
          assertEquals(await dc.receive(up.length), up, `${size} bytes up after ${quietMs} ms`);
          assertEquals(await client.receive(down.length), down, `${size + 5} bytes down after ${quietMs} ms`);
          await rig.advance(quietMs);
        }
      }
    });
  }
}
