/**
 * What a pump costs beside its reads and writes, for 1,000 messages of 500 bytes: `deno task bench:micro`.
 *
 * The pump waits by callbacks; the loop below is the plain way to say the same. What one waiting direction holds cannot be seen
 * here: `deno task bench --only idle` counts it, 6.5 MB less for 4,000 clients with callbacks.
 */
import type { Address } from "../../lib/address.ts";
import { Chunk, ChunkPool } from "../../lib/relay/chunk.ts";
import type { Conn } from "../../lib/relay/conn.ts";
import { Pump, unshaped } from "../../lib/relay/pump.ts";

const messages = 1_000;
const messageSize = 500;
const nowhere: Address = { kind: "unix", path: "" };

/** Brings so many messages and then its end; takes whatever it is given. Neither waits for anything. */
function source(): Conn {
  let left = messages;
  return {
    remote: nowhere,
    local: nowhere,
    read: () => Promise.resolve(left-- > 0 ? messageSize : null),
    write: (bytes) => Promise.resolve(bytes.length),
    closeWrite: () => Promise.resolve(),
    [Symbol.dispose]() {},
  };
}

const pool = new ChunkPool();
const meter = { bytes: 0, active: false };

Deno.bench("1,000 messages through a pump: callbacks made once", { group: "pump", baseline: true }, async () => {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const owner = { isLast: () => false, ended: resolve, failed: reject };
  new Pump({ from: source(), to: source(), shaper: unshaped, pool, meter, largest: 0, owner });
  await promise;
});

Deno.bench("1,000 messages through a loop: await", { group: "pump" }, async () => {
  const [from, to] = [source(), source()];
  const chunk = new Chunk(0);
  for (;;) {
    const offset = unshaped.readOffset;
    const room = unshaped.readSize(chunk.size);
    const count = await from.read(chunk.space(offset, offset + room));
    if (count === null) break;
    meter.bytes += count;
    meter.active = true;
    chunk.start = offset;
    chunk.end = offset + count;
    unshaped.shape(chunk);
    for (let sent = 0; sent < count;) sent += await to.write(chunk.bytes.subarray(chunk.start + sent, chunk.end));
  }
  await to.closeWrite();
});

Deno.bench("1,000 of the smallest chunks: cut out of slabs", { group: "chunks", baseline: true }, () => {
  const fresh = new ChunkPool();
  for (let i = 0; i < 1_000; i++) fresh.take(0);
});

Deno.bench("1,000 of the smallest chunks: a buffer each", { group: "chunks" }, () => {
  for (let i = 0; i < 1_000; i++) new Chunk(0);
});
