/**
 * All that the workers of this process share. `allocate()` makes the memory once, it goes to each worker as it is, and there
 * `SharedState` makes the same things of it. What is to be shared later gets a line in each of the three.
 */
import { SharedSequence } from "../bytes/shared_memory.ts";
import type { Config } from "../config/config.ts";
import { Counters } from "../metrics/counters.ts";
import { ReplayFilter } from "../policy/replay_filter.ts";
import { Slots } from "../policy/slots.ts";
import { Heartbeats } from "./heartbeats.ts";

/**
 * Two days, or as long as the memory lasts. The time in a ClientHello does not bound it: the digest does not cover it, so whoever
 * has recorded a hello can move its time to now.
 */
const replayLifetimeMs = 48 * 3_600_000;
/** However busy the proxy is, what is replayed at once must be known. */
const leastReplayLifetimeMs = 60_000;

export interface SharedBuffers {
  readonly heartbeats: SharedArrayBuffer;
  readonly connectionIds: SharedArrayBuffer;
  readonly slots: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  readonly replayFilter: SharedArrayBuffer | undefined;
}

export function allocate(config: Config, workers: number): SharedBuffers {
  const { enabled, maxSizeBytes } = config.defense.antiReplay;
  return {
    heartbeats: new SharedArrayBuffer(Heartbeats.bytesFor(workers)),
    connectionIds: new SharedArrayBuffer(SharedSequence.bytesFor()),
    slots: new SharedArrayBuffer(Slots.bytesFor(workers)),
    counters: new SharedArrayBuffer(Counters.bytesFor(workers)),
    replayFilter: enabled && maxSizeBytes > 0 ? new SharedArrayBuffer(maxSizeBytes) : undefined,
  };
}

export class SharedState {
  readonly heartbeats: Heartbeats;
  readonly connectionIds: SharedSequence;
  readonly slots: Slots;
  readonly counters: Counters;
  readonly replayFilter: ReplayFilter | undefined;

  /** As `worker` sees it. The supervisor is none; it only looks, and gives back what workers leave behind. */
  constructor(config: Config, buffers: SharedBuffers, worker: number = 0) {
    this.heartbeats = new Heartbeats(buffers.heartbeats, worker);
    this.connectionIds = new SharedSequence(buffers.connectionIds);
    this.slots = new Slots(config.concurrency, buffers.slots, worker);
    this.counters = new Counters(buffers.counters, worker);
    this.replayFilter = buffers.replayFilter && new ReplayFilter({
      memory: buffers.replayFilter,
      errorRate: config.defense.antiReplay.errorRate,
      lifetimeMs: replayLifetimeMs,
      leastLifetimeMs: Math.max(leastReplayLifetimeMs, 2 * config.tolerateTimeSkewnessMs),
      worker,
    });
  }

  /** Gives back what `worker` held, which is gone. */
  giveBack(worker: number): void {
    this.slots.giveBack(worker);
    this.counters.giveBack(worker);
    this.replayFilter?.giveBack(worker);
  }
}
