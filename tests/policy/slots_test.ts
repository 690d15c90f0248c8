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
  const memory = new SharedArrayBuffer(4);
  const [one, two] = [new Slots(2, memory), new Slots(2, memory)];
  const permits = [one.tryTake()!, two.tryTake()!];
  assertEquals([one.taken, two.taken, one.tryTake(), two.tryTake()], [2, 2, undefined, undefined]);
  permits[0]![Symbol.dispose]();
  assert(two.tryTake() !== undefined);
  assertEquals([one.tryTake(), one.taken], [undefined, 2]);
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
