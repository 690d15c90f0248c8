import { assert, assertEquals, assertRejects } from "@std/assert";
import { writeAll } from "../../lib/relay/conn.ts";
import { type Shaper, unshaped } from "../../lib/relay/pump.ts";
import { patterned } from "../crypto/oracle.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { PumpRig } from "./pump_rig.ts";

Deno.test("Pump moves everything, then tells the receiver the end, and says so", async () => {
  const rig = new PumpRig();
  const running = rig.run();
  const data = patterned(300_000, 1);
  const sending = writeAll(rig.sender, data).then(() => rig.sender.closeWrite());
  assertEquals(await rig.received(), data);
  await sending;
  assertEquals(await running, "ended");
  assertEquals([rig.to.deeds.at(-1), rig.from.isClosed, rig.to.isClosed], ["closeWrite", false, false]);
  assertEquals([rig.meter.bytes, rig.meter.active], [300_000, true]);
});

Deno.test("Pump passes an end on alone, and leaves the other direction be", async () => {
  const rig = new PumpRig();
  const running = rig.run();
  await rig.sender.closeWrite();
  assertEquals(await running, "ended");
  assertEquals((await rig.received()).length, 0);
  await writeAll(rig.receiver, patterned(10, 1));
  assertEquals([rig.to.unreadBytes, rig.meter], [10, { bytes: 0, active: false }]);
});

Deno.test("Pump loses nothing that was sent right before the end, nor before the sender went away", async () => {
  for (const leave of ["closeWrite", "dispose"] as const) {
    for (const size of [1, 1_007, 1_008, 1_009, 5_000, 60_000]) {
      const rig = new PumpRig();
      await writeAll(rig.sender, patterned(size, size));
      if (leave === "dispose") rig.sender[Symbol.dispose]();
      else await rig.sender.closeWrite();
      const running = rig.run();
      assertEquals(await rig.received(), patterned(size, size));
      assertEquals(await running, "ended");
    }
  }
});

Deno.test("Pump writes what has come before it asks for more, small as it is", async () => {
  const rig = new PumpRig();
  const running = rig.run();
  for (let round = 0; round < 5; round++) {
    await writeAll(rig.sender, patterned(3, round));
    await settle();
    assertEquals(rig.receiver.unreadBytes, 3, "nothing waits for more to come");
    await rig.receiver.read(new Uint8Array(10));
  }
  await rig.sender.closeWrite();
  await running;
});

Deno.test("Pump does not read while a write waits: a slow receiver slows the sender down", async () => {
  const rig = new PumpRig({ before: { bufferSize: 2_000 }, after: { bufferSize: 500 } });
  const running = rig.run();
  let sent = 0;
  const sending = (async () => {
    for (; sent < 20_000; sent += 100) await writeAll(rig.sender, patterned(100, sent / 100));
    await rig.sender.closeWrite();
  })();
  for (let received = 0; received < 10_000;) {
    await settle();
    assert(rig.to.isWriting && !rig.from.isReading, "reads while it cannot write");
    // What the pipes hold, and one chunk between them: no queue.
    assert(sent - received <= 2_000 + 500 + 4_080 + 100, `${sent - received} bytes on the way`);
    received += (await rig.receiver.read(new Uint8Array(400)))!;
  }
  const rest = await rig.received();
  await sending;
  assertEquals([await running, rest.length, rig.meter.bytes], ["ended", 10_000, 20_000]);
});

Deno.test("Pump finishes what a write took only a part of", async () => {
  const rig = new PumpRig({ after: { writeAtMost: 7 } });
  const running = rig.run();
  const data = patterned(9_001, 1);
  const sending = writeAll(rig.sender, data).then(() => rig.sender.closeWrite());
  assertEquals(await rig.received(), data);
  await sending;
  assertEquals(await running, "ended");
});

Deno.test("Pump carries on over a slow network in both pipes", async () => {
  const clock = new FakeClock();
  const latency = { clock, ms: 30 };
  const rig = new PumpRig({ before: { latency, bufferSize: 700 }, after: { latency, bufferSize: 300 } });
  const running = rig.run();
  const data = patterned(3_000, 1);
  const sending = writeAll(rig.sender, data).then(() => rig.sender.closeWrite());
  const receiving = rig.received();
  await clock.advance(2_000);
  await sending;
  assertEquals(await receiving, data);
  assertEquals(await running, "ended");
});

const xor: Shaper = {
  ...unshaped,
  readOffset: 5,
  readSize: (size) => size - 16,
  shape(chunk) {
    for (let at = chunk.start; at < chunk.end; at++) chunk.bytes[at]! ^= 0x5a;
    // A byte of its own before and behind, as records and their headers do.
    chunk.bytes[--chunk.start] = 0x01;
    chunk.bytes[chunk.end++] = 0x02;
  },
};

Deno.test("Pump gives the shaper what was read where it asked for it, and writes what it made", async () => {
  const rig = new PumpRig({ shaper: xor });
  const running = rig.run();
  for (const size of [1, 10, 300]) {
    await writeAll(rig.sender, patterned(size, size));
    await settle();
    const into = new Uint8Array(1_000);
    const count = (await rig.receiver.read(into))!;
    const expected = [1, ...patterned(size, size).map((byte) => byte ^ 0x5a), 2];
    assertEquals([...into.subarray(0, count)], expected);
  }
  await rig.sender.closeWrite();
  assertEquals(await running, "ended");
  assertEquals(rig.meter.bytes, 311, "what was read counts, not what was written");
});

Deno.test("Pump does not write when nothing is left after shaping, and goes on", async () => {
  let swallow = true;
  const shaper: Shaper = { ...unshaped, shape: (chunk) => swallow ? void (chunk.end = chunk.start) : undefined };
  const rig = new PumpRig({ shaper });
  const running = rig.run();
  for (let round = 0; round < 3; round++) {
    await writeAll(rig.sender, patterned(50, 1));
    await settle();
  }
  assertEquals([rig.to.deeds, rig.meter.bytes], [[], 150]);
  swallow = false;
  await writeAll(rig.sender, patterned(50, 2));
  await rig.sender.closeWrite();
  assertEquals(await rig.received(), patterned(50, 2));
  assertEquals(await running, "ended");
  assertEquals(rig.to.deeds, ["write 50", "closeWrite"]);
});

Deno.test("Pump ends with sender-gone when the sender is reset, waiting or not, and does not tell the receiver", async () => {
  const rig = new PumpRig();
  const running = rig.run();
  await writeAll(rig.sender, patterned(10, 1));
  await settle();
  rig.sender.reset();
  assertEquals(await running, "sender-gone");
  assertEquals([rig.to.deeds, rig.missing().size], [["write 10"], 0]);
});

Deno.test("Pump ends with sender-gone when its own end is disposed while it waits", async () => {
  const rig = new PumpRig();
  const running = rig.run();
  await settle();
  rig.from[Symbol.dispose]();
  assertEquals(await running, "sender-gone");
});

Deno.test("Pump ends with receiver-gone when a write fails, at once or while it waits", async () => {
  for (const bufferSize of [65_536, 4]) {
    for (const leave of ["reset", "dispose"] as const) {
      const rig = new PumpRig({ after: { bufferSize } });
      const running = rig.run();
      const goes = () => leave === "reset" ? rig.receiver.reset() : rig.receiver[Symbol.dispose]();
      if (bufferSize > 4) goes();
      await writeAll(rig.sender, patterned(10, 1));
      await settle();
      if (bufferSize === 4) goes();
      assertEquals(await running, "receiver-gone", `${leave} with ${bufferSize}`);
      assertEquals([rig.missing().size, rig.from.isClosed], [0, false]);
    }
  }
});

Deno.test("Pump ends with receiver-gone when the receiver cannot be told the end", async () => {
  const rig = new PumpRig();
  const running = rig.run();
  rig.receiver.reset();
  await rig.sender.closeWrite();
  assertEquals(await running, "receiver-gone");
});

Deno.test("Pump fails with what the shaper throws, and writes nothing of that chunk", async () => {
  const fault = new RangeError("of the shaper");
  const rig = new PumpRig({
    shaper: {
      ...unshaped,
      shape(chunk) {
        if (chunk.bytes[chunk.start] === 0xff) throw fault;
      },
    },
  });
  const running = rig.run();
  await writeAll(rig.sender, Uint8Array.of(1, 2));
  await settle();
  await writeAll(rig.sender, Uint8Array.of(0xff, 2));
  assertEquals(await assertRejects(() => running), fault);
  assertEquals([rig.to.deeds, rig.missing().size], [["write 2"], 0]);
});

Deno.test("Pump never releases the shaper: whoever runs both directions does", async () => {
  let released = 0;
  const rig = new PumpRig({ shaper: { ...unshaped, release: () => released++ } });
  await rig.sender.closeWrite();
  await rig.run();
  assertEquals(released, 0);
});
