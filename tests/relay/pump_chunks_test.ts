import { assert, assertEquals } from "@std/assert";
import { chunkSizes, headroom } from "../../lib/relay/chunk.ts";
import { writeAll } from "../../lib/relay/conn.ts";
import { type EarlyRead, type PumpEnd, unshaped } from "../../lib/relay/pump.ts";
import { patterned } from "../crypto/oracle.ts";
import { settle } from "../support/fake_clock.ts";
import { PumpRig, run } from "./pump_rig.ts";

const wide = { bufferSize: 4 << 20 };

/** What `rig.from` has read, call by call. */
function reads(rig: PumpRig): string[] {
  return rig.from.deeds.filter((deed) => deed.startsWith("read"));
}

Deno.test("Pump grows its chunk by one size with each read that fills it, up to the largest", async () => {
  const rooms = chunkSizes.map((size) => `read ${size - headroom}`);
  for (const largest of [0, 2, 4] as const) {
    const rig = new PumpRig({ largest, before: wide, after: wide });
    await writeAll(rig.sender, patterned(600_000, 1));
    await rig.sender.closeWrite();
    assertEquals(await rig.run(), "ended");
    const grown = rooms.slice(0, largest + 1);
    assertEquals(reads(rig).slice(0, grown.length + 1), [...grown, grown.at(-1)]);
    assertEquals(rig.receiver.unreadBytes, 600_000);
    assertEquals(rig.missing().size, 0);
  }
});

Deno.test("Pump does not grow its chunk while reads leave room", async () => {
  const rig = new PumpRig();
  const running = rig.run();
  for (let round = 0; round < 20; round++) {
    await writeAll(rig.sender, patterned(chunkSizes[0] - headroom - 1, round));
    await settle();
  }
  await rig.sender.closeWrite();
  await running;
  assertEquals(new Set(rig.shaped.map(({ size }) => size)), new Set([chunkSizes[0]]));
});

Deno.test("Pump takes a small chunk again once reads are small", async () => {
  const rig = new PumpRig({ before: wide, after: wide });
  const running = rig.run();
  await writeAll(rig.sender, patterned(400_000, 1));
  await settle();
  assertEquals(rig.shaped.at(-1)!.size, chunkSizes[4]);
  const sizes: number[] = [];
  // One small read may be the rest of a message. The third of each is read into what follows from the two before it.
  for (const size of [60_000, 20_000, 20_000, 20_000, 3_000, 3_000, 3_000, 200, 200, 200, 10, 10, 10]) {
    await writeAll(rig.sender, patterned(size, size));
    await settle();
    sizes.push(rig.shaped.at(-1)!.size);
  }
  await rig.sender.closeWrite();
  assertEquals(await running, "ended");
  assert(sizes.every((size, index) => index === 0 || size <= sizes[index - 1]!), `${sizes}`);
  assertEquals(sizes, [
    ...[chunkSizes[4], chunkSizes[4], chunkSizes[4], chunkSizes[3]],
    ...[chunkSizes[3], chunkSizes[3], chunkSizes[2]],
    ...[chunkSizes[2], chunkSizes[0], chunkSizes[0]],
    ...[chunkSizes[0], chunkSizes[0], chunkSizes[0]],
  ]);
  assertEquals(rig.missing().size, 0, "every chunk that it has grown out of, too");
});

Deno.test("Pump does not grow and shrink in turn over pieces that a grown chunk takes whole", async () => {
  for (const size of [490, 496, 1_000, 2_500, 4_080, 16_432, 65_584, 131_128]) {
    const rig = new PumpRig({ before: wide, after: wide });
    const running = rig.run();
    for (let round = 0; round < 12; round++) {
      await writeAll(rig.sender, patterned(size, round));
      await settle();
    }
    await rig.sender.closeWrite();
    await running;
    const last = rig.shaped.slice(-6).map((chunk) => chunk.class);
    assertEquals(new Set(last).size, 1, `pieces of ${size} bytes: ${last}`);
  }
});

Deno.test("Pump gives every chunk back at every end", async () => {
  const ends: readonly [string, (rig: PumpRig) => void | Promise<void>][] = [
    ["ended", (rig) => rig.sender.closeWrite()],
    ["sender-gone", (rig) => rig.sender.reset()],
    ["receiver-gone", (rig) => rig.receiver.reset()],
  ];
  for (const [end, leave] of ends) {
    const rig = new PumpRig({ before: wide, after: { bufferSize: 300_000 } });
    const running = rig.run();
    await writeAll(rig.sender, patterned(290_000, 1));
    await settle();
    await leave(rig);
    if (end === "receiver-gone") await writeAll(rig.sender, patterned(10, 1));
    assertEquals(await running, end);
    assert(new Set(rig.shaped).size > 3);
    assertEquals(rig.missing().size, 0, end);
  }
});

function earlyRead(rig: PumpRig, offset: number, room: number): EarlyRead {
  const chunk = rig.pool.take(0);
  return { chunk, offset, room, reading: rig.from.read(chunk.space(offset, offset + room)) };
}

Deno.test("Pump goes on with a read that was begun before it", async () => {
  for (const room of [509, 300]) {
    const rig = new PumpRig();
    const early = earlyRead(rig, 3, room);
    await writeAll(rig.sender, patterned(500, 1));
    await settle();
    const running = rig.run({ early });
    await writeAll(rig.sender, patterned(500, 2));
    await rig.sender.closeWrite();
    assertEquals([...await rig.received()], [...patterned(500, 1), ...patterned(500, 2)]);
    assertEquals([await running, rig.meter.bytes], ["ended", 1_000]);
    assert(rig.shaped[0] === early.chunk);
    assertEquals(rig.missing().size, 0);
  }
});

Deno.test("Pump takes an end or a failure from a read that was begun before it", async () => {
  for (const [leave, end] of [["closeWrite", "ended"], ["reset", "sender-gone"]] as const) {
    const rig = new PumpRig();
    const early = earlyRead(rig, 0, 500);
    early.reading.catch(() => {});
    await rig.sender[leave]();
    await settle();
    assertEquals(await rig.run({ early }), end);
    assertEquals(rig.pool.take(0), early.chunk, "its chunk comes back");
    assertEquals(rig.to.deeds, end === "ended" ? ["closeWrite"] : []);
  }
});

Deno.test("Pump leaves the chunk of an early read that filled it for a larger one", async () => {
  const rig = new PumpRig({ before: wide, after: wide });
  const early = earlyRead(rig, 0, 400);
  await writeAll(rig.sender, patterned(10_000, 1));
  const running = rig.run({ early });
  await rig.sender.closeWrite();
  assertEquals(await running, "ended");
  assertEquals(reads(rig).slice(0, 2), ["read 400", `read ${chunkSizes[1] - headroom}`]);
});

Deno.test("two pumps over the same pool and pipes make a relay with half-close each way", async () => {
  const rig = new PumpRig();
  const up = rig.run();
  const down = pumpBack(rig);
  await writeAll(rig.sender, patterned(100, 1));
  await rig.sender.closeWrite();
  assertEquals(await rig.received(), patterned(100, 1));
  assertEquals(await up, "ended");
  await writeAll(rig.receiver, patterned(5_000, 2));
  await rig.receiver.closeWrite();
  assertEquals(await down, "ended");
  assertEquals(rig.sender.unreadBytes, 5_000);
});

async function pumpBack(rig: PumpRig): Promise<PumpEnd> {
  const meter = { bytes: 0, active: false };
  return await run({ from: rig.to, to: rig.from, shaper: unshaped, pool: rig.pool, meter, largest: 4 });
}
