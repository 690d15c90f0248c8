import { assert, assertEquals } from "@std/assert";
import { concat, randomBytes } from "./byte_reader.ts";
import { ByteReader } from "./byte_reader.ts";
import { command, isPattern, patternAt } from "./dc_handlers.ts";
import { FakeDc } from "./fake_dc.ts";
import type { TransportTag } from "./obfuscated2_client.ts";
import { RawClient } from "./raw_client.ts";
import { framePacket, readPacket } from "./transports.ts";

for (const tag of [0xef, 0xee, 0xdd] as const) {
  Deno.test(`FakeDc echoes what a client of tag ${tag.toString(16)} sends, and its end`, async () => {
    await using dc = FakeDc.start({ mode: "echo" });
    using client = await RawClient.connect({ port: dc.port, tag, dc: -10_002 });
    const payload = randomBytes(300_001);
    const [, received] = await Promise.all([client.write(payload).then(() => client.closeWrite()), client.readAll()]);
    assertEquals(received, payload);
    const [seen] = dc.connections;
    assertEquals([seen?.tag, seen?.dc, seen?.fault, seen?.end], [tag, -10_002, undefined, "fin"]);
    assertEquals([seen?.receivedBytes, seen?.sentBytes], [payload.length, payload.length]);
  });

  Deno.test(`FakeDc echoes packets of tag ${tag.toString(16)}`, async () => {
    await using dc = FakeDc.start({ mode: "packets" });
    using client = await RawClient.connect({ port: dc.port, tag });
    for (const size of [4, 504, 508, 1_024, 70_000]) assertEquals(await echoed(client, tag, size), size);
  });
}

async function echoed(client: RawClient, tag: TransportTag, size: number): Promise<number> {
  const payload = randomBytes(size);
  await client.write(framePacket(tag, payload));
  const reader = new ByteReader(async (into) => {
    const byte = await client.readExactly(1);
    into.set(byte);
    return 1;
  });
  const packet = await readPacket(tag, reader);
  assertEquals(packet?.subarray(0, size), payload);
  return Math.min(packet!.length, size);
}

Deno.test("FakeDc obeys the commands of the load generator", async () => {
  await using dc = FakeDc.start({ mode: "commands" });
  using client = await RawClient.connect({ port: dc.port });
  await client.write(command("D", 200_000));
  assert(isPattern(await client.readExactly(200_000), 0));
  await client.write(concat(command("U", 70_000), patternAt(0, 65_536), patternAt(65_536, 70_000 - 65_536)));
  assertEquals(await client.readExactly(16), concat(new TextEncoder().encode("ok"), new Uint8Array(14)));
  await client.write(concat(command("U", 10), new Uint8Array(10).fill(9)));
  assertEquals(new TextDecoder().decode(await client.readExactly(7)), "corrupt");
  await client.readExactly(9);
  await client.write(concat(command("E", 512), patternAt(7, 512)));
  assertEquals(await client.readExactly(512), patternAt(7, 512).slice());
});

Deno.test("FakeDc tells every listener apart and closes them with all connections", async () => {
  const clients: RawClient[] = [];
  {
    await using dc = FakeDc.start({ mode: "echo", listeners: 3 });
    for (const address of dc.addresses) {
      const client = await RawClient.connect({ port: Number(address.split(":")[1]) });
      await client.write(randomBytes(8));
      await client.readExactly(8);
      clients.push(client);
    }
    assertEquals(dc.connections.map((seen) => [seen.listener, seen.end]), [[0, "open"], [1, "open"], [2, "open"]]);
  }
  for (const client of clients) {
    assertEquals(await client.read(), null);
    client.close();
  }
});

Deno.test("FakeDc reports a head that Telegram would take for something else", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  const random = randomBytes(64);
  random[0] = 0xef;
  using client = await RawClient.connect({ port: dc.port, random });
  await client.write(randomBytes(4));
  await client.readExactly(4);
  assertEquals(dc.connections[0]?.fault, "the first byte is ef, as of an abridged connection");
});
