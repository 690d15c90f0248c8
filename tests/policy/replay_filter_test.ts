import { assert, assertEquals, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { ReplayFilter } from "../../lib/policy/replay_filter.ts";

const lifetimeMs = 240_000;
const startMs = Date.UTC(2026, 0, 1);

/** The `number`th key: a digest, as real ones are. */
function key(number: number, kind = "key"): Uint8Array {
  return createHash("sha256").update(`${kind} ${number}`).digest();
}

function filterOf(size = 4_096, errorRate = 0.001, memory: ArrayBufferLike = new ArrayBuffer(size)): ReplayFilter {
  return new ReplayFilter({ memory, errorRate, lifetimeMs });
}

/** How many of the keys `[from, to)` the filter says it has seen. */
function seen(filter: ReplayFilter, from: number, to: number, nowMs: number): number {
  let count = 0;
  for (let i = from; i < to; i++) if (filter.testAndSet(key(i), nowMs)) count++;
  return count;
}

Deno.test("ReplayFilter knows a key from the second time on, and takes no other for it", () => {
  const filter = filterOf();
  assertEquals(filter.testAndSet(key(1), startMs), false);
  for (let again = 0; again < 3; again++) assertEquals(filter.testAndSet(key(1), startMs), true);
  assertEquals(filter.testAndSet(key(2), startMs), false);
  assertEquals(filter.count, 2);
});

Deno.test("ReplayFilter knows a hello whose time was moved: a key counts by its first 16 bytes", () => {
  const filter = filterOf();
  filter.testAndSet(key(1), startMs);
  const moved = key(1).map((byte, at) => at < 28 ? byte : byte ^ 0x55);
  assertEquals(filter.testAndSet(moved, startMs), true);
});

for (const factor of [1, 4]) {
  Deno.test(`ReplayFilter forgets none of its keys after ${factor} × its capacity of others`, () => {
    const filter = filterOf();
    const { capacity } = filter;
    for (let i = 0; i < capacity; i++) filter.testAndSet(key(i), startMs + i);
    for (let i = 0; i < factor * capacity; i++) filter.testAndSet(key(i, "other"), startMs + lifetimeMs / 2);
    assertEquals(seen(filter, 0, capacity, startMs + lifetimeMs - 1), capacity, "within the lifetime of the filter");
  });
}

Deno.test("ReplayFilter remembers each key for its lifetime at least and two at most, whenever it came", () => {
  // Keys every 10 s over eight lifetimes; each is asked for at one age, so that no question refreshes a memory.
  for (const [ageMs, expected] of [[lifetimeMs, true], [2 * lifetimeMs, false]] as const) {
    const filter = filterOf(65_536);
    const wrong: number[] = [];
    for (let second = 0; second < 8 * lifetimeMs / 1_000; second += 10) {
      const nowMs = startMs + second * 1_000 + 137;
      filter.testAndSet(key(second), nowMs);
      const old = second - ageMs / 1_000;
      if (old >= 0 && filter.testAndSet(key(old), nowMs) !== expected) wrong.push(old);
    }
    assertEquals(wrong, [], `of age ${ageMs} ms`);
  }
});

Deno.test("ReplayFilter forgets a key after two lifetimes even if next to nobody came meanwhile", () => {
  for (
    const [touchMs, askMs, expected] of [
      [lifetimeMs - 1_000, 2 * lifetimeMs - 1_000, true],
      [lifetimeMs, 2 * lifetimeMs - 1_000, true],
      [lifetimeMs, 2 * lifetimeMs, false],
      [2 * lifetimeMs - 1_000, 2 * lifetimeMs - 1, true],
      [2 * lifetimeMs - 1_000, 2 * lifetimeMs, false],
      [2 * lifetimeMs, 2 * lifetimeMs, false],
      [10 * lifetimeMs, 10 * lifetimeMs, false],
    ] as const
  ) {
    const filter = filterOf();
    filter.testAndSet(key(1), startMs);
    filter.testAndSet(key(2), startMs + touchMs);
    assertEquals(filter.testAndSet(key(1), startMs + askMs), expected, `touched at ${touchMs}, asked at ${askMs}`);
  }
});

Deno.test("ReplayFilter remembers a key that came just before the filters changed", () => {
  const filter = filterOf();
  filter.testAndSet(key(0), startMs);
  filter.testAndSet(key(1), startMs + lifetimeMs - 1);
  filter.testAndSet(key(2), startMs + lifetimeMs);
  assertEquals(filter.testAndSet(key(1), startMs + 2 * lifetimeMs - 1), true);
});

Deno.test("ReplayFilter counts the keys of the current filter alone", () => {
  const filter = filterOf();
  for (let i = 0; i < 10; i++) filter.testAndSet(key(i), startMs);
  for (let i = 0; i < 10; i++) filter.testAndSet(key(i), startMs);
  assertEquals(filter.count, 10);
  filter.testAndSet(key(10), startMs + lifetimeMs);
  assertEquals(filter.count, 1);
  filter.testAndSet(key(3), startMs + lifetimeMs);
  assertEquals(filter.count, 1, "one that the older filter knows is not new");
});

Deno.test("ReplayFilter forgets nothing when the clock is set back", () => {
  const filter = filterOf();
  filter.testAndSet(key(0), startMs);
  filter.testAndSet(key(1), startMs + lifetimeMs - 2_000);
  filter.testAndSet(key(2), startMs + lifetimeMs);
  for (const [step, backMs] of [1_000, 60_000, 3 * lifetimeMs, 3 * lifetimeMs + 1_000].entries()) {
    const nowMs = startMs + lifetimeMs - backMs;
    filter.testAndSet(key(3 + step), nowMs);
    assertEquals(seen(filter, 1, 4 + step, nowMs), 3 + step, `set back by ${backMs} ms`);
  }
});

Deno.test("ReplayFilter goes on forgetting after the clock was set back", () => {
  const filter = filterOf();
  filter.testAndSet(key(1), startMs);
  const backMs = startMs - 86_400_000;
  filter.testAndSet(key(2), backMs);
  filter.testAndSet(key(3), backMs + lifetimeMs);
  assertEquals(filter.count, 1, "the filters have changed");
  assertEquals(seen(filter, 1, 3, backMs + 2 * lifetimeMs), 0);
});

Deno.test("ReplayFilter remembers for a lifetime after the clock was set back", () => {
  const filter = filterOf();
  filter.testAndSet(key(1), startMs);
  const backMs = startMs - 86_400_000;
  filter.testAndSet(key(2), backMs);
  assertEquals(filter.testAndSet(key(1), backMs + lifetimeMs - 1_000), true);
  assertEquals(filter.testAndSet(key(2), backMs + 2 * lifetimeMs - 2_000), true);
});

for (
  const [name, nowMs] of [
    ["the epoch", 0],
    ["just after the epoch", 1_500],
    ["2038, when seconds outgrow 31 bits", 2 ** 31 * 1_000 - 500],
    ["2100", Date.UTC(2100, 0, 1)],
  ] as const
) {
  Deno.test(`ReplayFilter works at ${name}`, () => {
    const filter = filterOf();
    for (let i = 0; i < 100; i++) assertEquals(filter.testAndSet(key(i), nowMs + i * 10), false);
    assertEquals(seen(filter, 0, 100, nowMs + lifetimeMs - 1_000), 100);
    assertEquals(filter.testAndSet(key(1), nowMs + 3 * lifetimeMs), false);
  });
}

for (const [size, errorRate] of [[8_192, 0.01], [65_536, 0.001], [16_384, 0.1], [4_096, 0.5]] as const) {
  Deno.test(`ReplayFilter of ${size} bytes errs no more often than ${errorRate} with both filters full`, () => {
    const filter = filterOf(size, errorRate);
    const { capacity } = filter;
    for (let i = 0; i < capacity; i++) filter.testAndSet(key(i, "first"), startMs);
    for (let i = 0; i < capacity; i++) filter.testAndSet(key(i, "second"), startMs + lifetimeMs);
    // A question remembers its key: the ones that are asked for here are few beside the capacity.
    const memory = new Map<number, boolean>();
    const asked = Math.max(200, Math.min(20_000, Math.ceil(capacity / 20)));
    for (let i = 0; i < asked; i++) memory.set(i, filter.testAndSet(key(i, "new"), startMs + lifetimeMs));
    const errors = [...memory.values()].filter(Boolean).length;
    const bound = asked * errorRate * 1.25 + 5 * Math.sqrt(asked * errorRate) + 1;
    assert(errors <= bound, `${errors} of ${asked}, expected at most ${bound}`);
  });
}

Deno.test("ReplayFilter at 1 MiB and 0.001 holds as many keys as its formula says, and errs as seldom", () => {
  const filter = filterOf(1 << 20);
  assert(filter.capacity > 260_000 && filter.capacity < 300_000, `${filter.capacity}`);
  const words = new Uint32Array(8);
  const bytes = new Uint8Array(words.buffer);
  let errors = 0;
  for (let i = 0; i < filter.capacity; i++) {
    crypto.getRandomValues(words);
    if (filter.testAndSet(bytes, startMs)) errors++;
  }
  // While it fills, one filter errs far less often than a full one, for which half the rate is meant.
  assert(errors < filter.capacity * 0.0005, `${errors} of ${filter.capacity}`);
  assertEquals(filter.count, filter.capacity - errors);
});

Deno.test("ReplayFilter fits its error rate: less memory or fewer errors make room for fewer keys", () => {
  assert(filterOf(8_192).capacity < filterOf(16_384).capacity);
  assert(filterOf(8_192, 1e-6).capacity < filterOf(8_192, 0.001).capacity);
  assert(filterOf(1_024, 1e-9).capacity >= 1);
});

Deno.test("ReplayFilter takes 1 KiB to 1 GiB", () => {
  for (const size of [0, 16, 1_023]) assertThrows(() => filterOf(size), RangeError, `${size} bytes`);
  assertEquals(filterOf(1_024).testAndSet(key(1), startMs), false);
  const tooLarge = { byteLength: 2 ** 30 + 1 } as ArrayBuffer;
  assertThrows(() => filterOf(0, 0.001, tooLarge), RangeError, "1 GiB");
});

for (const size of [1_024, 1_025, 1_031, 4_099]) {
  Deno.test(`ReplayFilter uses ${size} bytes without going beyond them`, () => {
    const filter = filterOf(size);
    for (let i = 0; i < 300; i++) filter.testAndSet(key(i), startMs + i * 3_000);
    assertEquals(filter.testAndSet(key(299), startMs + 299 * 3_000), true);
  });
}

Deno.test("ReplayFilters over one shared memory know each other's keys, rotations included", () => {
  const memory = new SharedArrayBuffer(4_096);
  const [one, two] = [filterOf(0, 0.001, memory), filterOf(0, 0.001, memory)];
  assertEquals(one.testAndSet(key(1), startMs), false);
  assertEquals(two.testAndSet(key(1), startMs), true);
  assertEquals(two.testAndSet(key(2), startMs + lifetimeMs), false);
  assertEquals([one.count, two.count], [1, 1]);
  assertEquals(one.testAndSet(key(1), startMs + lifetimeMs), true, "from the older filter");
  assertEquals(one.testAndSet(key(1), startMs + 3 * lifetimeMs), false);
});

Deno.test("ReplayFilter does not wait for ever for a lock that somebody died with", () => {
  const memory = new SharedArrayBuffer(4_096);
  const filter = filterOf(0, 0.001, memory);
  filter.testAndSet(key(1), startMs);
  const lock = new Int32Array(memory, 0, 1);
  Atomics.store(lock, 0, 1);
  const before = performance.now();
  assertEquals(filter.testAndSet(key(1), startMs), true);
  assertEquals(filter.testAndSet(key(2), startMs), false);
  assert(performance.now() - before < 2_000, "the spins took too long");
  assertEquals(Atomics.load(lock, 0), 0, "the lock is free again");
});

Deno.test("ReplayFilter does not wait at all once the lock of a worker that is gone was given back", () => {
  const memory = new SharedArrayBuffer(4_096);
  const [one, two] = [0, 1].map((worker) => new ReplayFilter({ memory, errorRate: 0.001, lifetimeMs, worker }));
  const lock = new Int32Array(memory, 0, 1);
  Atomics.store(lock, 0, 2);
  one!.giveBack(0);
  assertEquals(Atomics.load(lock, 0), 2, "it is not the first one's");
  one!.giveBack(1);
  assertEquals(Atomics.load(lock, 0), 0);
  assertEquals([one!.testAndSet(key(1), startMs), two!.testAndSet(key(1), startMs)], [false, true]);
});

const racer = `
  import { ReplayFilter } from ${JSON.stringify(new URL("../../lib/policy/replay_filter.ts", import.meta.url).href)};
  self.onmessage = ({ data: { memory, gate, keys, nowMs, worker } }) => {
    const filter = new ReplayFilter({ memory, errorRate: 0.001, lifetimeMs: ${lifetimeMs}, worker });
    self.postMessage(keys.map((key, number) => {
      Atomics.add(gate, 0, 1);
      while (Atomics.load(gate, 0) < 2 * (number + 1));
      return filter.testAndSet(key, nowMs);
    }));
  };
`;

Deno.test("ReplayFilter admits each key once to two workers at the same time", async () => {
  const memory = new SharedArrayBuffer(262_144);
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const keys = Array.from({ length: 1_000 }, (_, number) => new Uint8Array(key(number)));
  const url = URL.createObjectURL(new Blob([racer], { type: "text/javascript" }));
  const workers = [1, 2].map(() => new Worker(url, { type: "module" }));
  try {
    const answers = await Promise.all(workers.map((worker, number) =>
      new Promise<boolean[]>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage({ memory, gate, keys, nowMs: startMs, worker: number });
      })
    ));
    const admitted = keys.map((_, number) => answers.filter((answer) => !answer[number]).length);
    assertEquals(admitted.filter((count) => count > 1).length, 0, "keys that both let in");
    assert(admitted.filter((count) => count === 0).length <= 2, "keys that nobody let in");
  } finally {
    for (const worker of workers) worker.terminate();
    URL.revokeObjectURL(url);
  }
});
