import { assert, assertEquals } from "@std/assert";
import {
  blockLength,
  contentBlockSize,
  TransferCheck,
  windowBytes,
  windowSize,
  windowStart,
} from "../../scripts/bench/content.ts";
import { KeyStream } from "../../scripts/bench/keystream.ts";

const base = 80;
const totals = [1, windowSize, windowSize + 1, contentBlockSize - 1, contentBlockSize, contentBlockSize + 5, 300_003];

function keyStream(): KeyStream {
  return new KeyStream(new Uint8Array(32).fill(3), new Uint8Array(16).fill(9));
}

function transferOf(total: number): Uint8Array<ArrayBuffer> {
  using keys = keyStream();
  const bytes = crypto.getRandomValues(new Uint8Array(Math.min(total, 65_536)));
  const whole = new Uint8Array(total);
  for (let at = 0; at < total; at += bytes.length) whole.set(bytes.subarray(0, Math.min(bytes.length, total - at)), at);
  for (let block = 0; block * contentBlockSize < total; block++) {
    const window = windowBytes(new Uint8Array(windowSize), block, { total, base, keys });
    whole.set(window, block * contentBlockSize + windowStart(block, total));
  }
  return whole;
}

function isIntact(bytes: Uint8Array, total: number, piece: number): boolean {
  using keys = keyStream();
  const check = new TransferCheck(total, base, keys);
  for (let at = 0; at < bytes.length; at += piece) check.feed(bytes.subarray(at, at + piece));
  return check.intact && check.left === 0;
}

Deno.test("TransferCheck.feed() accepts what windowBytes() has made, in pieces of any size", () => {
  for (const total of totals) {
    const bytes = transferOf(total);
    for (const piece of [997, 2878, 65_536, 1_000_000]) assert(isIntact(bytes, total, piece), `${total} by ${piece}`);
  }
});

Deno.test("TransferCheck.feed() notices bytes that were changed, lost or doubled", () => {
  const total = 300_003;
  const bytes = transferOf(total);
  for (const at of [0, windowSize - 1, total - windowSize, total - 1]) {
    const changed = bytes.slice();
    changed[at]! ^= 1;
    assert(!isIntact(changed, total, 5000), `changed at ${at}`);
  }
  for (const at of [70_000, 150_000, 200_000]) {
    const lost = new Uint8Array(total);
    lost.set(bytes.subarray(0, at));
    lost.set(bytes.subarray(at + 1), at);
    assert(!isIntact(lost, total, 5000), `lost at ${at}`);
    const doubled = new Uint8Array(total);
    doubled.set(bytes.subarray(0, at));
    doubled.set(bytes.subarray(at - 1, -1), at);
    assert(!isIntact(doubled, total, 5000), `doubled at ${at}`);
  }
});

Deno.test("windowStart() keeps windows inside their block, at the start of the first and the end of the last", () => {
  for (const total of totals) {
    const blocks = Math.ceil(total / contentBlockSize);
    assertEquals(windowStart(0, total), 0);
    for (let block = 0; block < blocks; block++) {
      const end = windowStart(block, total) + Math.min(windowSize, blockLength(block, total));
      assert(end <= blockLength(block, total), `block ${block} of ${total}`);
      if (block > 0 && block === blocks - 1) assertEquals(end, blockLength(block, total));
    }
  }
});
