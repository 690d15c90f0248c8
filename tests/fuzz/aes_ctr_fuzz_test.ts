import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CtrKeystream } from "../../lib/crypto/aes_ctr.ts";
import { CtrXor } from "../../lib/crypto/ctr_xor.ts";
import { Chunk } from "../../lib/relay/chunk.ts";
import { addBlocks, oracleKeystream, patterned, xor } from "../crypto/oracle.ts";
import { fewRuns, runs, sizes } from "./arbitraries.ts";

/** Counters anywhere, and such that a carry out of 8 to 128 bits comes within the next blocks. */
const iv = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.constantFrom(1, 2, 4, 8, 12, 16), fc.nat(600)).map(
    ([start, low, before]) => addBlocks(start.fill(0xff, 16 - low), -before),
  ),
);

const keystreamStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("next" as const), blocks: sizes(4_095, [1, 256, 512]) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("release" as const), blocks: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("rewind" as const), blocks: fc.nat(5_000) }) },
);

Deno.test("CtrKeystream gives WebCrypto's keystream through any sequence of next, release and rewind", async () => {
  await fc.assert(
    fc.asyncProperty(iv, fc.nat(1_000), fc.array(keystreamStep, { maxLength: 10 }), async (iv, firstBlock, steps) => {
      const key = patterned(32, iv[0]!);
      const stream = new CtrKeystream(key, iv, firstBlock);
      let position = firstBlock;
      for (const { kind, blocks } of steps) {
        if (kind === "release") stream.release();
        else if (kind === "rewind") {
          stream.rewind(blocks);
          position -= blocks;
        } else {
          const made = stream.next(blocks + 1);
          const expected = await oracleKeystream(key, addBlocks(iv, position), 0, made.length);
          assert(equal(made, expected), `${blocks + 1} blocks at ${position}`);
          position += blocks + 1;
        }
      }
      stream.release();
    }),
    { numRuns: runs },
  );
});

const cipherStep = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("apply" as const),
      size: sizes(90_000, [16, 512, 2_048, 8_192, 65_536]),
      // Where the cipher wants it, or anywhere.
      start: fc.oneof(fc.constant(undefined), fc.nat(40)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("release" as const) }) },
);

Deno.test("CtrXor combines as WebCrypto does, whatever is split, released and out of line, with one stream or two", async () => {
  const properties = fc.record({
    iv,
    second: fc.boolean(),
    aheadBlocks: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 })),
    steps: fc.array(cipherStep, { minLength: 1, maxLength: 14 }),
  });
  await fc.assert(
    fc.asyncProperty(properties, async ({ iv, second, aheadBlocks, steps }) => {
      const [key, otherKey] = [patterned(32, 1), patterned(32, 2)];
      const otherIv = iv.toReversed();
      const total = steps.reduce((sum, step) => sum + (step.kind === "apply" ? step.size : 0), 0);
      let keystream = await oracleKeystream(key, iv, 0, total);
      if (second) keystream = xor(keystream, await oracleKeystream(otherKey, otherIv, 0, total)) as typeof keystream;
      const cipher = cipherOf(
        [new CtrKeystream(key, iv), second ? new CtrKeystream(otherKey, otherIv) : undefined],
        aheadBlocks,
      );
      let done = 0;
      for (const step of steps) {
        if (step.kind === "release") cipher.release();
        else {
          const data = patterned(step.size, done);
          const result = applyAt(cipher, data, step.start ?? cipher.alignment);
          assert(equal(result, xor(data, keystream.subarray(done, done + step.size))), `${step.size} bytes at ${done}`);
          done += step.size;
        }
      }
      cipher.release();
    }),
    { numRuns: runs },
  );
});

Deno.test("two CtrXors over the same streams undo each other", () => {
  const pieces = fc.array(fc.record({ size: sizes(20_000), start: fc.nat(16) }), { maxLength: 10 });
  fc.assert(
    fc.property(pieces, pieces, (there, back) => {
      const make = () => new CtrXor(new CtrKeystream(patterned(32, 1), patterned(16, 2)));
      const total = Math.min(...[there, back].map((cut) => cut.reduce((sum, { size }) => sum + size, 0)));
      const data = patterned(total, 3);
      assertEquals(inPieces(make(), inPieces(make(), data, there), back), data);
    }),
    { numRuns: fewRuns },
  );
});

function cipherOf([first, second]: [CtrKeystream, CtrKeystream | undefined], aheadBlocks: number): CtrXor {
  if (aheadBlocks === 0) return new CtrXor(first, second);
  const own = first.next(aheadBlocks);
  const ahead = second === undefined ? own : xor(own, second.next(aheadBlocks));
  first.release();
  return new CtrXor(first, second, ahead);
}

function applyAt(cipher: CtrXor, data: Uint8Array, start: number): Uint8Array {
  const chunk = new Chunk(0, new Uint8Array(Math.ceil((start + data.length + 1) / 8) * 8));
  chunk.bytes.set(data, start);
  cipher.apply(chunk, start, start + data.length);
  return chunk.bytes.subarray(start, start + data.length);
}

function inPieces(cipher: CtrXor, data: Uint8Array, pieces: readonly { size: number; start: number }[]): Uint8Array {
  const out = new Uint8Array(data.length);
  let at = 0;
  for (const { size, start } of pieces) {
    const piece = data.subarray(at, at + size);
    out.set(applyAt(cipher, piece, start), at);
    at += piece.length;
  }
  cipher.release();
  return out;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
