import { assert, assertEquals, assertThrows } from "@std/assert";
import { Slots } from "../../lib/policy/slots.ts";

Deno.test("Slots gives as many permits as it has, and one more for each that comes back", () => {
  const slots = new Slots(3);
  const permits = [slots.tryTake(), slots.tryTake(), slots.tryTake()];
  assert(permits.every((permit) => permit !== undefined));
  assertEquals([slots.taken, slots.tryTake(), slots.taken], [3, undefined, 3]);
  permits[1]![Symbol.dispose]();
  assertEquals(slots.taken, 2);
  assert(slots.tryTake() !== undefined);
  assertEquals([slots.taken, slots.tryTake()], [3, undefined]);
});

Deno.test("a permit of Slots counts once, however often it is disposed", () => {
  const slots = new Slots(2);
  const permit = slots.tryTake()!;
  slots.tryTake();
  for (let again = 0; again < 5; again++) permit[Symbol.dispose]();
  assertEquals(slots.taken, 1);
});

Deno.test("Slots gets a permit back when its holder throws", () => {
  const slots = new Slots(1);
  const fail = () => {
    using _ = slots.tryTake();
    throw new Error("as it happens");
  };
  for (let again = 0; again < 3; again++) assertThrows(fail, Error, "as it happens");
  assertEquals(slots.taken, 0);
});

Deno.test("Slots over one shared memory share one limit, whoever gives back", () => {
  const memory = new SharedArrayBuffer(Slots.bytesFor(2));
  const [one, two] = [new Slots(2, memory, 0), new Slots(2, memory, 1)];
  const permits = [one.tryTake()!, two.tryTake()!];
  assertEquals([one.taken, two.taken, one.tryTake(), two.tryTake()], [2, 2, undefined, undefined]);
  permits[0]![Symbol.dispose]();
  assert(two.tryTake() !== undefined);
  assertEquals([one.tryTake(), one.taken], [undefined, 2]);
});

Deno.test("Slots takes back what a worker held that is gone, once", () => {
  const memory = new SharedArrayBuffer(Slots.bytesFor(3));
  const [one, two, supervisor] = [new Slots(3, memory, 0), new Slots(3, memory, 1), new Slots(3, memory)];
  const permits = [one.tryTake()!, two.tryTake()!, two.tryTake()!];
  assertEquals([one.tryTake(), supervisor.taken], [undefined, 3]);
  supervisor.giveBack(1);
  supervisor.giveBack(1);
  assertEquals(supervisor.taken, 1);
  for (const permit of permits) permit[Symbol.dispose]();
  assertEquals([supervisor.taken, one.taken], [0, 0], "those of the second one had been given back already");
  const again = two.tryTake()!;
  assertEquals(two.taken, 1);
  again[Symbol.dispose]();
  assertEquals(two.taken, 0);
});

const racer = `
  import { Slots } from ${JSON.stringify(new URL("../../lib/policy/slots.ts", import.meta.url).href)};
  self.onmessage = ({ data: { memory, gate, capacity, rounds, tries, worker } }) => {
    const slots = new Slots(capacity, memory, worker);
    const meet = (number) => {
      Atomics.add(gate, 0, 1);
      while (Atomics.load(gate, 0) < 2 * number);
    };
    let meetings = 0;
    const taken = [];
    for (let round = 0; round < rounds; round++) {
      meet(++meetings);
      const permits = [];
      for (let i = 0; i < tries; i++) {
        const permit = slots.tryTake();
        if (permit !== undefined) permits.push(permit);
      }
      meet(++meetings);
      taken.push(permits.length);
      meet(++meetings);
      for (const permit of permits) permit[Symbol.dispose]();
    }
    self.postMessage(taken);
  };
`;

Deno.test("Slots gives two workers that race for 200 exactly as many as it has, in every round", async () => {
  const [capacity, rounds] = [60, 500];
  const memory = new SharedArrayBuffer(Slots.bytesFor(2));
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const url = URL.createObjectURL(new Blob([racer], { type: "text/javascript" }));
  const workers = [1, 2].map(() => new Worker(url, { type: "module" }));
  try {
    const [one = [], two = []] = await Promise.all(
      workers.map((worker, number) =>
        new Promise<number[]>((resolve, reject) => {
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = (event) => reject(new Error(event.message));
          worker.postMessage({ memory, gate, capacity, rounds, tries: 100, worker: number });
        })
      ),
    );
    assertEquals(one.map((count, round) => count + two[round]!), Array.from({ length: rounds }, () => capacity));
    assertEquals(new Slots(capacity, memory).taken, 0);
  } finally {
    for (const worker of workers) worker.terminate();
    URL.revokeObjectURL(url);
  }
});

Deno.test("Slots of different memory do not disturb each other", () => {
  const [one, two] = [new Slots(1), new Slots(1)];
  assert(one.tryTake() !== undefined);
  assertEquals([one.tryTake(), two.taken], [undefined, 0]);
});

for (const capacity of [0, -1, 1.5, NaN, Infinity]) {
  Deno.test(`Slots does not take ${capacity} for a capacity`, () => {
    assertThrows(() => new Slots(capacity), RangeError, String(capacity));
  });
}

Deno.test("Slots takes a million", () => {
  const slots = new Slots(1_000_000);
  for (let taken = 0; taken < 1_000_000; taken++) if (slots.tryTake() === undefined) throw new Error(`Only ${taken}`);
  assertEquals([slots.tryTake(), slots.taken], [undefined, 1_000_000]);
});
