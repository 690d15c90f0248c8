/** A pump between two pipes, with a test at the far end of each. */
import { type Chunk, type ChunkClass, ChunkPool } from "../../lib/relay/chunk.ts";
import {
  type EarlyRead,
  type Meter,
  Pump,
  type PumpEnd,
  type PumpOptions,
  type Shaper,
  unshaped,
} from "../../lib/relay/pump.ts";
import { ByteReader } from "../support/byte_reader.ts";
import { type MemoryConn, memoryPipe, type MemoryPipeOptions } from "../support/memory_pipe.ts";

export interface PumpRigOptions {
  readonly shaper?: Shaper | undefined;
  readonly largest?: ChunkClass | undefined;
  /** Between the sender and the pump, and between the pump and the receiver. */
  readonly before?: MemoryPipeOptions | undefined;
  readonly after?: MemoryPipeOptions | undefined;
}

export class PumpRig {
  readonly pool = new ChunkPool();
  readonly meter: Meter = { bytes: 0, active: false };
  /** Ends in the test's hands. */
  readonly sender: MemoryConn;
  readonly receiver: MemoryConn;
  /** Ends in the pump's hands. */
  readonly from: MemoryConn;
  readonly to: MemoryConn;
  /** Every chunk that was shaped, once for each time. */
  readonly shaped: Chunk[] = [];
  readonly #options: Omit<PumpOptions, "owner">;

  constructor({ shaper = unshaped, largest = 4, before, after }: PumpRigOptions = {}) {
    [this.sender, this.from] = memoryPipe(before);
    [this.to, this.receiver] = memoryPipe(after);
    const noting: Shaper = {
      get readOffset() {
        return shaper.readOffset;
      },
      readSize: (size) => shaper.readSize(size),
      shape: (chunk) => {
        this.shaped.push(chunk);
        shaper.shape(chunk);
      },
      release: () => shaper.release(),
    };
    this.#options = { from: this.from, to: this.to, shaper: noting, pool: this.pool, meter: this.meter, largest };
  }

  run({ early, isLast }: { readonly early?: EarlyRead; readonly isLast?: () => boolean } = {}): Promise<PumpEnd> {
    return run(this.#options, early, isLast);
  }

  /** Everything that arrives until the end. */
  received(): Promise<Uint8Array> {
    return new ByteReader((into) => this.receiver.read(into)).all();
  }

  /** Chunks that were shaped and have not come back to the pool, which holds none afterwards. */
  missing(): Set<Chunk> {
    const missing = new Set(this.shaped);
    for (const size of [0, 1, 2, 3, 4, 5] as const) {
      for (let chunk = this.pool.take(size); missing.delete(chunk);) chunk = this.pool.take(size);
    }
    return missing;
  }
}

/** Runs a pump to its end, which must come once; rejects with what the shaper throws. */
export function run(
  options: Omit<PumpOptions, "owner">,
  early?: EarlyRead,
  isLast: () => boolean = () => false,
): Promise<PumpEnd> {
  const { promise, resolve, reject } = Promise.withResolvers<PumpEnd>();
  let ends = 0;
  const once = <T>(tell: (value: T) => void) => (value: T) => {
    if (++ends > 1) throw new Error("A pump has ended twice");
    tell(value);
  };
  new Pump({ ...options, owner: { isLast, ended: once(resolve), failed: once(reject) } }, early);
  return promise;
}
