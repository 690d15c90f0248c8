/** Clients of every kind reach their data centre, and bytes arrive as they were sent, both ways. */
import { assertEquals } from "@std/assert";
import type { SecretKind } from "../../lib/policy/secret.ts";
import { concat } from "../support/byte_reader.ts";
import { helloShapes } from "../support/client_hello.ts";
import { frameFault, type TransportTag } from "../support/obfuscated2_client.ts";
import { noise, Rig } from "./rig.ts";

const combinations: readonly (readonly [SecretKind, TransportTag])[] = [
  ["simple", 0xef],
  ["simple", 0xee],
  ["secured", 0xdd],
  ["tls", 0xdd],
  ["tls", 0xee],
  ["tls", 0xef],
];
/** Around what ciphers, records and buffers are made of; together they wander over every alignment. */
const sizes = [1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 500, 1_023, 1_025, 2_878, 4_096, 16_384, 16_385, 65_537, 131_100];

for (const [kind, tag] of combinations) {
  for (const fastMode of [true, false]) {
    const name = `${kind} secret, tag ${tag.toString(16)}, ${fastMode ? "fast mode" : "no fast mode"}`;
    Deno.test(`Proxy does carry bytes both ways: ${name}`, async () => {
      await using rig = new Rig({ kind, fastMode });
      const payload = noise(333, "first packet");
      const [client, dc] = await rig.relay({ tag, payload });
      assertEquals([dc.tag, dc.dc, frameFault(dc.frame)], [tag, 2, undefined]);
      assertEquals(await dc.receive(payload.length), payload);
      for (const size of sizes) {
        const up = noise(size, `up ${size}`);
        const down = noise(size, `down ${size}`);
        const [, , gotUp, gotDown] = await Promise.all([
          client.send(up),
          dc.send(down),
          dc.receive(size),
          client.receive(size),
        ]);
        assertEquals(gotUp, up, `${size} bytes up`);
        assertEquals(gotDown, down, `${size} bytes down`);
      }
      assertEquals(rig.ledger.story(1), ["opened", "connected"]);
    });
  }
}

for (const shape of helloShapes) {
  for (const recordVersion of [0x0301, 0x0303] as const) {
    Deno.test(`Proxy does answer a hello of shape ${shape}, record version ${recordVersion.toString(16)}`, async () => {
      await using rig = new Rig();
      const client = rig.connect({ hello: { shape, recordVersion } });
      const flight = await client.greet();
      assertEquals(flight?.version, 0x0304);
      assertEquals(flight?.suite, shape === "ios" ? 0x1302 : 0x1301);
      await client.send(noise(40));
      assertEquals(await (await rig.dc()).receive(40), noise(40));
    });
  }
}

Deno.test("Proxy does take the host of the hello in any case of letters", async () => {
  await using rig = new Rig();
  const client = rig.connect({ hello: { host: "FRONT.Test" } });
  await client.greet();
});

for (const sessionIdSize of [0, 1, 32, 255]) {
  Deno.test(`Proxy does echo a session id of ${sessionIdSize} bytes`, async () => {
    await using rig = new Rig();
    const sessionId = noise(sessionIdSize);
    const flight = await rig.connect({ hello: { sessionId } }).greet();
    assertEquals(flight?.sessionId, sessionId);
  });
}

Deno.test("Proxy does send its flight as one write, and nothing more until the client has spoken", async () => {
  await using rig = new Rig();
  const client = rig.connect();
  const flight = await client.greet();
  assertEquals(client.proxyEnd.writes.map(({ length }) => length), [flight?.totalSize]);
  await rig.advance(9_000);
  assertEquals([client.proxyEnd.writes.length, client.proxyEnd.deeds], [1, ["write"]]);
});

for (const size of [1, 2, 3, 5, 63, 64, 65, 600]) {
  Deno.test(`Proxy does read hello, frame and packets in segments of ${size} bytes`, async () => {
    for (const kind of ["simple", "secured", "tls"] as const) {
      await using rig = new Rig({ kind });
      const client = rig.connect();
      if (kind === "tls") {
        await client.sendRaw(client.hello, size);
        await client.readFlight();
      }
      const payload = noise(1_000);
      await client.sendRaw(client.seal(payload), size);
      await rig.settle();
      assertEquals(await (await rig.dc()).receive(payload.length), payload, kind);
    }
  });
}

for (const records of [2, 3, 16]) {
  Deno.test(`Proxy does answer a hello in ${records} records, a byte at a time`, async () => {
    await using rig = new Rig();
    const client = rig.connect({ helloCuts: records });
    await client.sendRaw(client.hello, 1);
    await client.readFlight();
  });
}

for (const recordSize of [1, 7, 63, 64, 16_408, 16_640]) {
  Deno.test(`Proxy does read the frame and packets in records of ${recordSize} bytes`, async () => {
    await using rig = new Rig();
    const payload = noise(40_000);
    const [, dc] = await rig.relay({ recordSize, payload });
    assertEquals(await dc.receive(payload.length), payload);
  });
}

Deno.test("Proxy does take frame and packets that come in one segment with the hello", async () => {
  await using rig = new Rig();
  const client = rig.connect();
  await client.sendRaw(concat(client.hello, client.seal(noise(700))));
  await client.readFlight();
  assertEquals(await (await rig.dc()).receive(700), noise(700));
});

Deno.test("Proxy does take all that a client has to say in one segment, its end included", async () => {
  await using rig = new Rig();
  const client = rig.connect();
  await client.sendRaw(concat(client.hello, client.seal(noise(700))));
  await client.end.closeWrite();
  await client.readFlight();
  const dc = await rig.dc();
  assertEquals(await dc.receiveAll(), noise(700));
  await dc.send(noise(90));
  await dc.end.closeWrite();
  assertEquals(await client.receiveAll(), noise(90));
  await rig.settle();
  assertEquals(rig.ledger.story(1), ["opened", "connected", "closed ended"]);
});

Deno.test("Proxy does close a client that ends behind its hello", async () => {
  await using rig = new Rig();
  const client = rig.connect();
  await client.greet();
  await client.end.closeWrite();
  await rig.settle();
  assertEquals([rig.dialed.length, client.proxyEnd.deeds], [0, ["write", "close"]]);
  assertEquals(rig.ledger.story(1), ["opened", "refused closed-early closed", "closed closed-early"]);
});

Deno.test("Proxy does skip ChangeCipherSpec and empty records wherever they come", async () => {
  await using rig = new Rig();
  const [client, dc] = await rig.relay();
  const changeCipherSpec = Uint8Array.of(0x14, 3, 3, 0, 1, 1);
  await client.sendRaw(concat(changeCipherSpec, client.seal(noise(10)), changeCipherSpec, changeCipherSpec), 4);
  await client.sendRaw(concat(Uint8Array.of(0x17, 3, 3, 0, 0), client.seal(noise(20))));
  assertEquals(await dc.receive(30), concat(noise(10), noise(20)));
});

Deno.test("Proxy does send records of 1 to 16,384 bytes, whole in each write", async () => {
  await using rig = new Rig();
  const [client, dc] = await rig.relay();
  const down = noise(400_000);
  const [got] = await Promise.all([client.receive(down.length), dc.send(down)]);
  assertEquals(got, down);
  for (const write of client.proxyEnd.writes.slice(1)) {
    let at = 0;
    while (at < write.length) at += 5 + (write[at + 3]! << 8 | write[at + 4]!);
    assertEquals(at, write.length, "a write ends inside a record");
  }
});

Deno.test("Proxy does go on where a write takes only a part", async () => {
  for (const kind of ["simple", "tls"] as const) {
    await using rig = new Rig({ kind, limits: { writeAtMost: 777 } });
    const [client, dc] = await rig.relay({ payload: noise(50) });
    assertEquals(await dc.receive(50), noise(50));
    const bytes = noise(100_000);
    const [up, down] = await Promise.all([
      dc.receive(bytes.length),
      client.receive(bytes.length),
      client.sendRaw(client.seal(bytes)),
      dc.send(bytes),
    ]);
    assertEquals([up, down], [bytes, bytes]);
  }
});
