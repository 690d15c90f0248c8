import { assertEquals } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import { Counters, type Counts } from "../../lib/metrics/counters.ts";

const remote: Address = { kind: "tcp", host: "192.0.2.1", port: 50_000 };
const none: Counts = { open: 0, accepted: 0, served: 0, refused: 0, limited: 0, upBytes: 0, downBytes: 0 };

/** Two clients: one served and gone, one refused and still there; a third for whom there was no room. */
function visit(counters: Counters): void {
  counters.emit({ type: "opened", id: 1, remote });
  counters.emit({ type: "connected", id: 1, dc: 2, address: remote });
  counters.emit({ type: "opened", id: 2, remote });
  counters.emit({ type: "refused", id: 2, remote, code: "bad-digest", reason: "", outcome: "fronted" });
  counters.emit({ type: "limited", id: 3, remote, concurrency: 2 });
  counters.emit({ type: "front-loop", front: remote });
  const [upBytes, downBytes] = [3_000, 5_000_000_000];
  counters.emit({ type: "closed", id: 1, remote, reason: "ended", upBytes, downBytes, durationMs: 1 });
}

Deno.test("Counters counts what happens", () => {
  const counters = new Counters(new ArrayBuffer(Counters.bytesFor(1)));
  assertEquals(counters.total, none);
  visit(counters);
  const expected = {
    open: 1,
    accepted: 2,
    served: 1,
    refused: 1,
    limited: 1,
    upBytes: 3_000,
    downBytes: 5_000_000_000,
  };
  assertEquals([counters.total, counters.of(0)], [expected, expected]);
});

Deno.test("Counters adds up all workers, and forgets the open connections of one that is gone, but not what it did", () => {
  const memory = new SharedArrayBuffer(Counters.bytesFor(3));
  const supervisor = new Counters(memory);
  for (const worker of [0, 2, 2]) visit(new Counters(memory, worker));
  assertEquals([supervisor.total.open, supervisor.total.accepted, supervisor.total.upBytes], [3, 6, 9_000]);
  assertEquals([supervisor.of(0).open, supervisor.of(1), supervisor.of(2).open], [1, none, 2]);
  supervisor.giveBack(2);
  assertEquals([supervisor.total.open, supervisor.of(2).accepted], [1, 4]);
  visit(new Counters(memory, 2));
  assertEquals([supervisor.of(2).open, supervisor.of(2).served], [1, 3]);
});
