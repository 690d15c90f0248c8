import { assertEquals } from "@std/assert";
import { Rig, toleranceMs } from "./rig.ts";

const hour = 3_600;

/** A client at an address of its own whose clock is `offSeconds` off; it is shown the site, or else answered. */
async function come(rig: Rig, index: number, offSeconds: number): Promise<void> {
  const timeSeconds = Math.floor(rig.clock.nowMs() / 1_000) + offSeconds;
  using client = rig.connect({ from: `198.51.100.${index}`, timeSeconds });
  await client.sendRaw(client.hello);
  await rig.settle();
}

const suspicions = (rig: Rig) => rig.ledger.events.filter(({ type }) => type === "clock-suspect");

for (const off of [hour, -hour]) {
  Deno.test(`a proxy warns where five clients are off by ${off} s and none is right`, async () => {
    await using rig = new Rig();
    for (let index = 1; index <= 4; index++) await come(rig, index, off);
    assertEquals(suspicions(rig), []);
    for (let index = 5; index <= 9; index++) await come(rig, index, off);
    assertEquals(suspicions(rig), [{ type: "clock-suspect", offsetSeconds: off, clients: 5 }]);
  });
}

Deno.test("a proxy believes its clock as long as clients do", async () => {
  await using rig = new Rig();
  for (let index = 1; index <= 9; index++) {
    await come(rig, index, hour);
    await come(rig, 100 + index, toleranceMs / 1_000);
  }
  assertEquals(suspicions(rig), []);
});

Deno.test("a proxy does not ask strangers for the time", async () => {
  await using rig = new Rig();
  const timeSeconds = Math.floor(rig.clock.nowMs() / 1_000) + hour;
  for (let index = 1; index <= 9; index++) {
    const key = new Uint8Array(16).fill(index);
    using client = rig.connect({ from: `198.51.100.${index}`, timeSeconds, hello: { key } });
    await client.sendRaw(client.hello);
    await rig.settle();
  }
  assertEquals(suspicions(rig), []);
});

Deno.test("a proxy that is given other options does not forget who came before", async () => {
  await using rig = new Rig();
  for (let index = 1; index <= 4; index++) await come(rig, index, hour);
  rig.reconfigure({ fastMode: false });
  await come(rig, 5, hour);
  assertEquals(suspicions(rig).length, 1);
});
