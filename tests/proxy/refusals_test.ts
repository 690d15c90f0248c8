/** Clients that do not prove the secret: each gets what the fronted site says, and the site every byte of the client. */
import { assert, assertEquals } from "@std/assert";
import type { ProtocolErrorCode } from "../../lib/errors.ts";
import { ReplayFilter } from "../../lib/policy/replay_filter.ts";
import { type Secret, secretOf } from "../../lib/policy/secret.ts";
import { concat } from "../support/byte_reader.ts";
import { clientHello } from "../support/client_hello.ts";
import { settle } from "../support/fake_clock.ts";
import { clientFrame, frameNoise } from "../support/obfuscated2_client.ts";
import { front, host, noise, Rig, secretFor, toleranceMs } from "./rig.ts";
import type { WireClient } from "./wire_client.ts";

const text = (value: string) => new TextEncoder().encode(value);
const other: Secret = secretOf("tls", noise(16, "another key"), host);

/** What a stranger sends, and why it is refused. `offSeconds` is what its clock is off. */
interface Stranger {
  readonly name: string;
  readonly code: ProtocolErrorCode;
  readonly bytes: (nowSeconds: number) => Uint8Array;
}

const helloAt = (timeSeconds: number, changes: Partial<Parameters<typeof clientHello>[0]> = {}) =>
  clientHello({ shape: "tdlib", host, key: secretFor("tls").key, timeSeconds, ...changes });
const skewSeconds = toleranceMs / 1000 + 1;

const strangers: readonly Stranger[] = [
  { name: "a wrong digest", code: "bad-digest", bytes: (now) => helloAt(now, { key: other.key }) },
  { name: "an old timestamp", code: "bad-timestamp", bytes: (now) => helloAt(now - skewSeconds) },
  { name: "a future timestamp", code: "bad-timestamp", bytes: (now) => helloAt(now + skewSeconds) },
  { name: "no time at all", code: "bad-timestamp", bytes: () => helloAt(0) },
  { name: "the last time of all", code: "bad-timestamp", bytes: () => helloAt(0xffff_ffff) },
  { name: "another server name", code: "bad-sni", bytes: (now) => helloAt(now, { host: "other.test" }) },
  { name: "a server name with a dot behind", code: "bad-sni", bytes: (now) => helloAt(now, { host: `${host}.` }) },
  { name: "plain HTTP", code: "bad-client-hello", bytes: () => text("GET / HTTP/1.1\r\nhost: front.test\r\n\r\n") },
  { name: "one byte of garbage", code: "bad-client-hello", bytes: () => Uint8Array.of(0) },
  { name: "much garbage", code: "bad-client-hello", bytes: () => concat(Uint8Array.of(0xff), noise(4_000)) },
  { name: "a record of SSL 3", code: "bad-client-hello", bytes: () => Uint8Array.of(0x16, 3, 0, 0, 4, 1, 0, 0, 0) },
  { name: "an alert", code: "bad-client-hello", bytes: () => Uint8Array.of(0x15, 3, 3, 0, 2, 1, 0) },
  { name: "a ServerHello", code: "bad-client-hello", bytes: () => Uint8Array.of(0x16, 3, 3, 0, 4, 2, 0, 0, 0) },
  {
    name: "a byte behind the hello in its record",
    code: "bad-client-hello",
    bytes: (now) => {
      const hello = helloAt(now);
      const longer = concat(hello, Uint8Array.of(0));
      new DataView(longer.buffer).setUint16(3, longer.length - 5);
      return longer;
    },
  },
  {
    name: "a hello in seventeen records",
    code: "bad-client-hello",
    bytes: () => concat(...Array.from({ length: 17 }, () => Uint8Array.of(0x16, 3, 1, 0, 0))),
  },
  { name: "a hello of more than 16 KiB", code: "bad-client-hello", bytes: () => Uint8Array.of(0x16, 3, 1, 0x3f, 0xff) },
  {
    name: "an obfuscated2 frame with the key",
    code: "bad-client-hello",
    bytes: () => {
      const { frame, ciphers } = clientFrame({ key: secretFor("tls").key, tag: 0xdd, dc: 2, random: frameNoise() });
      using _ = ciphers;
      return frame;
    },
  },
];

const answer = noise(3_000, "answer");
const more = noise(500, "more");

/** The stranger and the site talk on, then end in this order: client, site. */
async function talkOn(rig: Rig, client: WireClient, sent: Uint8Array): Promise<void> {
  await settle();
  const site = rig.far();
  await client.sendRaw(more);
  for (let at = 0; at < answer.length;) at += await site.write(answer.subarray(at));
  await client.end.closeWrite();
  await settle();
  const got: Uint8Array[] = [];
  const buffer = new Uint8Array(65_536);
  for (let count = await site.read(buffer); count !== null; count = await site.read(buffer)) {
    got.push(buffer.slice(0, count));
  }
  assertEquals(concat(...got), concat(sent, more), "what the site got");
  assertEquals(rig.ledger.of("closed"), [], "the session outlives the client's end");
  await site.closeWrite();
  assertEquals(await client.receiveRaw(), answer, "what the client got");
  await settle();
}

for (const { name, code, bytes } of strangers) {
  for (const segment of [Infinity, 3]) {
    const how = segment === Infinity ? "at once" : "in small segments";
    Deno.test(`Proxy does front ${name}, ${how}`, async () => {
      await using rig = new Rig();
      const client = rig.connect();
      const sent = bytes(Math.floor(rig.clock.nowMs() / 1000));
      await client.sendRaw(sent, Math.min(segment, sent.length));
      await talkOn(rig, client, sent);
      assertEquals(rig.dialed.map(({ to }) => to), [front]);
      assertEquals(rig.ledger.story(1), ["opened", `refused ${code} fronted`, "closed ended"]);
      const [closed] = rig.ledger.of("closed");
      assertEquals([closed?.upBytes, closed?.downBytes], [sent.length + more.length, answer.length]);
    });
  }
}

for (const seconds of [-toleranceMs / 1000, toleranceMs / 1000]) {
  Deno.test(`Proxy does bear a clock that is off by exactly ${seconds} s`, async () => {
    await using rig = new Rig();
    await rig.connect({ timeSeconds: Math.floor(rig.clock.nowMs() / 1000) + seconds }).greet();
  });
}

Deno.test("Proxy does front a replayed hello, and one that lost the race too", async () => {
  await using rig = new Rig();
  const [client, dc] = await rig.relay({ payload: noise(10) });
  assertEquals(await dc.receive(10), noise(10));
  const replays = [rig.connect(), rig.connect()];
  for (const replay of replays) await replay.sendRaw(client.hello);
  await talkOn(rig, replays[1]!, client.hello);
  assertEquals(rig.ledger.story(2), ["opened", "refused replayed fronted"]);
  assertEquals(rig.ledger.story(3), ["opened", "refused replayed fronted", "closed ended"]);
  await client.send(noise(10, "after"));
  assertEquals(await dc.receive(10), noise(10, "after"), "the first client is not disturbed");
});

Deno.test("Proxy does know a replay as long as its timestamp is good", async () => {
  await using rig = new Rig();
  const timeSeconds = Math.floor(rig.clock.nowMs() / 1000) + toleranceMs / 1000;
  const first = rig.connect({ timeSeconds });
  await first.greet();
  await rig.advance(2 * toleranceMs);
  await rig.connect().sendRaw(first.hello);
  await settle();
  assertEquals(rig.ledger.story(2), ["opened", "refused replayed fronted"]);
});

Deno.test("Proxy does know a replay whose time was moved, which anybody can do without the secret", async () => {
  const hourMs = 3_600_000;
  const replayFilter = new ReplayFilter({ memory: new ArrayBuffer(65_536), errorRate: 0.001, lifetimeMs: 48 * hourMs });
  await using rig = new Rig({ replayFilter });
  const first = rig.connect();
  await first.greet();
  const thenSeconds = Math.floor(rig.clock.nowMs() / 1000);
  rig.clock.set(rig.clock.nowMs() + 24 * hourMs);
  const moved = first.hello.slice();
  const random = new DataView(moved.buffer, 11, 32);
  random.setUint32(28, random.getUint32(28, true) ^ thenSeconds ^ (thenSeconds + 24 * 3600), true);
  await rig.connect().sendRaw(moved);
  await settle();
  assertEquals(rig.ledger.story(2), ["opened", "refused replayed fronted"]);
});

Deno.test("Proxy does not remember what has not proven the secret", async () => {
  await using rig = new Rig();
  const soon = Math.floor(rig.clock.nowMs() / 1000) + skewSeconds;
  const early = rig.connect({ timeSeconds: soon });
  await early.sendRaw(early.hello);
  await settle();
  assertEquals(rig.ledger.story(1), ["opened", "refused bad-timestamp fronted"]);
  await rig.advance(2_000);
  const again = rig.connect({ timeSeconds: soon });
  await again.sendRaw(early.hello);
  await settle();
  assertEquals(rig.ledger.story(2), ["opened"], "the same bytes are good once their time has come");
  assert(again.proxyEnd.writes.length === 1);
});

Deno.test("Proxy does let replays in without a filter", async () => {
  await using rig = new Rig({ replayFilter: undefined });
  const first = rig.connect();
  await first.greet();
  const second = rig.connect();
  await second.sendRaw(first.hello);
  await settle();
  assertEquals(second.proxyEnd.writes.length, 1);
});

Deno.test("Proxy does let a client go that came and went without a byte", async () => {
  for (const fronts of [true, false]) {
    await using rig = new Rig({ front: fronts });
    const client = rig.connect();
    await client.end.closeWrite();
    await settle();
    assertEquals([rig.dialed.length, client.proxyEnd.writes.length], [0, 0]);
    assertEquals(rig.ledger.story(1), ["opened", "refused closed-early closed", "closed closed-early"]);
  }
});

Deno.test("Proxy does let a client go that resets in its handshake", async () => {
  for (const bytes of [new Uint8Array(0), noise(1), helloAt(0).subarray(0, 600)]) {
    await using rig = new Rig();
    const client = rig.connect();
    if (bytes.length > 1) await client.sendRaw(bytes);
    await settle();
    client.end.reset();
    await settle();
    assertEquals([rig.dialed.length, rig.ledger.story(1)], [0, ["opened", "closed reset"]]);
  }
});

Deno.test("Proxy does front a client that ends in the midst of its hello", async () => {
  await using rig = new Rig();
  const client = rig.connect();
  const half = client.hello.subarray(0, 700);
  await client.sendRaw(half);
  await client.end.closeWrite();
  await settle();
  const site = rig.far();
  const buffer = new Uint8Array(2_000);
  assertEquals(await site.read(buffer), half.length);
  assertEquals(await site.read(buffer), null, "the site learns of the client's end");
  await site.write(answer);
  site[Symbol.dispose]();
  assertEquals(await client.receiveRaw(), answer);
  await settle();
  assertEquals(rig.ledger.story(1), ["opened", "refused closed-early fronted", "closed ended"]);
});

for (const size of [5, 6, 12, 700]) {
  Deno.test(`Proxy does not decide before it must: ${size} bytes of a hello`, async () => {
    await using rig = new Rig();
    const client = rig.connect();
    await client.sendRaw(client.hello.subarray(0, size));
    await rig.advance(9_000);
    assertEquals([rig.dialed.length, rig.ledger.story(1)], [0, ["opened"]]);
    await client.sendRaw(client.hello.subarray(size));
    await client.readFlight();
  });
}

Deno.test("Proxy does close on a bad record after the handshake, and says so once", async () => {
  const bad = [
    Uint8Array.of(0x15, 3, 3, 0, 2, 1, 0),
    Uint8Array.of(0x16, 3, 3, 0, 1, 0),
    Uint8Array.of(0x17, 3, 1, 0, 1, 0),
    Uint8Array.of(0x17, 3, 3, 0x41, 1),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff),
  ];
  for (const bytes of bad) {
    await using rig = new Rig();
    const [client, dc] = await rig.relay({ payload: noise(20) });
    const written = client.proxyEnd.writes.length;
    await client.sendRaw(concat(client.seal(noise(30)), bytes));
    await settle();
    assertEquals(rig.ledger.story(1), ["opened", "connected", "refused bad-record closed", "closed bad-record"]);
    assertEquals(client.proxyEnd.writes.length, written, "no alert, nothing");
    assertEquals((await dc.receiveAll()).subarray(0, 20), noise(20));
  }
});

Deno.test("Proxy does close on a bad record in place of the frame, and never fronts what has seen its flight", async () => {
  for (const early of [true, false]) {
    await using rig = new Rig();
    const client = rig.connect();
    const bad = Uint8Array.of(0x15, 3, 3, 0, 2, 1, 0);
    if (early) await client.sendRaw(concat(client.hello, bad));
    else {
      await client.greet();
      await client.sendRaw(bad);
    }
    await settle();
    assertEquals(rig.dialed.length, 0);
    assertEquals(rig.ledger.story(1), ["opened", "refused bad-record closed", "closed bad-record"]);
    assertEquals(client.proxyEnd.writes.length, 1);
  }
});

Deno.test("Proxy does close where the frame inside fake TLS was made with another key", async () => {
  await using rig = new Rig();
  const client = rig.connect();
  await client.greet();
  await client.sendRaw(concat(Uint8Array.of(0x17, 3, 3, 0, 64), noise(64)));
  await settle();
  assertEquals([rig.dialed.length, client.proxyEnd.writes.length], [0, 1]);
  assertEquals(rig.ledger.story(1), ["opened", "refused bad-frame closed", "closed bad-frame"]);
});
