import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { randomInteger, type RandomSource, systemRandom } from "../../lib/crypto/random.ts";

/** Gives the same bytes again and again. */
function constant(byte: number): RandomSource {
  return { fill: (into) => into.fill(byte), x25519PublicKey: () => new Uint8Array(32) };
}

Deno.test("systemRandom.fill() fills the whole of a view, gives it back, and touches nothing around it", () => {
  const memory = new Uint8Array(96);
  const view = memory.subarray(32, 64);
  assert(systemRandom.fill(view) === view);
  assert(new Set(view).size > 8, "32 random bytes have more than 8 values");
  assertEquals([...memory.subarray(0, 32), ...memory.subarray(64)], new Array(64).fill(0));
  assertNotEquals(systemRandom.fill(new Uint8Array(16)), systemRandom.fill(new Uint8Array(16)));
  assertEquals(systemRandom.fill(new Uint8Array(0)).length, 0);
});

Deno.test("systemRandom.x25519PublicKey() gives another point of the curve each time", async () => {
  const keys = [systemRandom.x25519PublicKey(), systemRandom.x25519PublicKey()];
  assertNotEquals(keys[0], keys[1]);
  const own = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]) as CryptoKeyPair;
  for (const bytes of keys) {
    assertEquals(bytes.length, 32);
    const theirs = await crypto.subtle.importKey("raw", bytes.slice(), "X25519", false, []);
    const shared = await crypto.subtle.deriveBits({ name: "X25519", public: theirs }, own.privateKey, 256);
    assert(new Uint8Array(shared).some((byte) => byte !== 0));
  }
});

Deno.test("randomInteger() stays within its bounds and reaches both", () => {
  const seen = new Set<number>();
  for (let i = 0; i < 2_000; i++) seen.add(randomInteger(systemRandom, -2, 3));
  assertEquals([...seen].sort((a, b) => a - b), [-2, -1, 0, 1, 2, 3]);
  assertEquals(randomInteger(systemRandom, 7, 7), 7);
});

Deno.test("randomInteger() stays within its bounds for the extremes of the source", () => {
  for (const [least, most] of [[2_500, 4_700], [0, 2 ** 32], [1, 1]] as const) {
    for (const byte of [0, 0x7f, 0x80, 0xff]) {
      const value = randomInteger(constant(byte), least, most);
      assert(Number.isInteger(value) && value >= least && value <= most, `${value} from bytes ${byte}`);
    }
    assertEquals(randomInteger(constant(0), least, most), least);
  }
});

Deno.test("randomInteger() is even over its range", () => {
  const counts = new Array<number>(10).fill(0);
  const rounds = 20_000;
  for (let i = 0; i < rounds; i++) counts[randomInteger(systemRandom, 0, 9)]!++;
  // Six standard deviations of a binomial with p = 0.1 are 255 of 20,000.
  for (const count of counts) assert(Math.abs(count - rounds / 10) < 300, `${counts}`);
});
