import { assert, assertEquals } from "@std/assert";
import { SharedLock, SharedSequence } from "../../lib/bytes/shared_memory.ts";

/** Runs `body` in two workers at the same time, each with `memory` and its number, and gives what it returns. */
async function inTwoWorkers<T>(body: string, memory: SharedArrayBuffer): Promise<readonly T[]> {
  const module = JSON.stringify(new URL("../../lib/bytes/shared_memory.ts", import.meta.url).href);
  const source = `import { SharedLock, SharedSequence } from ${module};
    self.onmessage = ({ data: { memory, gate, worker } }) => {
      Atomics.add(gate, 0, 1);
      while (Atomics.load(gate, 0) < 2);
      self.postMessage((() => { ${body} })());
    };`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const workers = [0, 1].map(() => new Worker(url, { type: "module" }));
  const gate = new Int32Array(new SharedArrayBuffer(4));
  try {
    return await Promise.all(workers.map((worker, number) =>
      new Promise<T>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage({ memory, gate, worker: number });
      })
    ));
  } finally {
    for (const worker of workers) worker.terminate();
    URL.revokeObjectURL(url);
  }
}

Deno.test("SharedLock lets one in at a time: no step of two workers is lost", async () => {
  const memory = new SharedArrayBuffer(8);
  await inTwoWorkers(
    `const words = new Int32Array(memory);
     const lock = new SharedLock(words, worker);
     for (let i = 0; i < 200_000; i++) { lock.acquire(); words[1] = words[1] + 1; lock.release(); }`,
    memory,
  );
  assertEquals([...new Int32Array(memory)], [0, 400_000]);
});

Deno.test("SharedLock is taken from a worker that keeps it for too long, whose release then does nothing", () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const [dead, other] = [new SharedLock(words, 4), new SharedLock(words, 0)];
  dead.acquire();
  const startMs = performance.now();
  other.acquire();
  assert(performance.now() - startMs >= 100, "it has waited");
  assertEquals(words[0], 1);
  dead.release();
  assertEquals(words[0], 1, "still the other's");
  other.release();
  assertEquals(words[0], 0);
});

Deno.test("SharedLock is free once it was given back for a worker that is gone", () => {
  const words = new Int32Array(new SharedArrayBuffer(4));
  const lock = new SharedLock(words, 0);
  new SharedLock(words, 1).acquire();
  lock.giveBack(2);
  assertEquals(words[0], 2);
  lock.giveBack(1);
  // Of several tries one at least is not held up by something else.
  const tries = Array.from({ length: 5 }, () => {
    const startMs = performance.now();
    lock.acquire();
    const tookMs = performance.now() - startMs;
    lock.release();
    return tookMs;
  });
  assert(Math.min(...tries) < 100, "it did not wait");
});

Deno.test("SharedLock works over memory of one thread alone", () => {
  const words = new Int32Array(1);
  const lock = new SharedLock(words, 0);
  for (let i = 0; i < 3; i++) {
    lock.acquire();
    assertEquals(words[0], 1);
    lock.release();
  }
  new SharedLock(words, 1).acquire();
  lock.acquire();
  assertEquals(words[0], 1, "nobody is there who could release it");
});

Deno.test("SharedSequence counts from 1, and gives no number to two workers", async () => {
  const memory = new SharedArrayBuffer(SharedSequence.bytesFor());
  const lists = await inTwoWorkers<readonly number[]>(
    "const sequence = new SharedSequence(memory); return Array.from({ length: 10_000 }, () => sequence.next());",
    memory,
  );
  assertEquals(lists.flat().toSorted((a, b) => a - b), Array.from({ length: 20_000 }, (_, i) => i + 1));
  assertEquals(new SharedSequence(memory).next(), 20_001);
});
