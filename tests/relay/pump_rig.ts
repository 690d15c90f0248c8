/** A pump between two pipes, with a test at the far end of each. */
import { type Chunk, type ChunkClass, ChunkPool } from "../../lib/relay/chunk.ts";
import { type Meter, pump, type PumpEnd, type PumpOptions, type Shaper, unshaped } from "../../lib/relay/pump.ts";
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
  readonly #options: PumpOptions;

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
    this.#options = { shaper: noting, pool: this.pool, meter: this.meter, largest };
  }

  run(more: Partial<PumpOptions> = {}): Promise<PumpEnd> {
    return pump(this.from, this.to, { ...this.#options, ...more });
  }

  /** Everything that arrives until the end. */
  received(): Promise<Uint8Array> {
    return new ByteReader((into) => this.receiver.read(into)).all();
  }

  /** Chunks that were shaped and have not come back to the pool, which holds none afterwards. */
  missing(): Set<Chunk> {
    const missing = new Set(this.shaped);
    for (const size of [0, 1, 2, 3, 4] as const) {
      for (let chunk = this.pool.take(size); missing.delete(chunk);) chunk = this.pool.take(size);
    }
    return missing;
  }
}
