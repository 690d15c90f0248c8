import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { RandomSource } from "../../lib/crypto/random.ts";
import { systemRandom } from "../../lib/crypto/random.ts";
import { ProtocolError } from "../../lib/errors.ts";
import { joinDownlinks, joinUplinks, makeTelegramFrame, openClientFrame } from "../../lib/transport/obfuscated2.ts";
import { patterned } from "../crypto/oracle.ts";
import { concat } from "../support/byte_reader.ts";
import { acceptFrame, clientFrame, frameFault } from "../support/obfuscated2_client.ts";
import { tags, throughCipher } from "../transport/frames.ts";
import { bytes, fewRuns, runs, sizes } from "./arbitraries.ts";

const secret = bytes(16, 16);
const tag = fc.constantFrom(...tags);
const dc = fc.oneof(
  fc.constantFrom(2, -2, 203, -203, 10_002, -10_002, 0, 32_767, -32_768),
  fc.integer({ min: -32_768, max: 32_767 }),
);

Deno.test("openClientFrame() opens what any client makes with the same secret", () => {
  fc.assert(
    fc.property(secret, tag, dc, bytes(64, 64), (key, tag, dc, random) => {
      const { frame, ciphers } = clientFrame({ key, tag, dc, random });
      using _ = ciphers;
      const opened = openClientFrame(frame, key);
      assertEquals([opened.tag, opened.dc], [tag, dc]);
    }),
    { numRuns: runs },
  );
});

Deno.test("openClientFrame() takes garbage for a frame or a ProtocolError, never for anything else", () => {
  fc.assert(
    fc.property(bytes(64, 64), secret, (frame, key) => {
      try {
        const { dc } = openClientFrame(frame, key);
        assert(Number.isInteger(dc) && dc >= -32_768 && dc <= 32_767);
      } catch (error) {
        assert(error instanceof ProtocolError && error.code === "bad-frame", String(error));
      }
    }),
    { numRuns: 5 * runs },
  );
});

/** First eight bytes that are often forbidden, and at last such as are not. */
const starts = fc.array(
  fc.oneof(
    fc.constantFrom(
      "ef00000000000001",
      "4845414400000001",
      "504f535400000001",
      "4745542000000001",
      "4f50544900000001",
      "1603010200000001",
      "dddddddd00000001",
      "eeeeeeee00000001",
      "0000000100000000",
    ).map((hex) => Uint8Array.fromHex(hex)),
    bytes(8, 8),
  ),
  { maxLength: 6 },
);

Deno.test("makeTelegramFrame() makes frames that Telegram takes, whatever the randomness begins with", () => {
  const downlinkKey = fc.option(fc.record({ key: bytes(32, 32), iv: bytes(16, 16) }), { nil: undefined });
  fc.assert(
    fc.property(starts, tag, dc, downlinkKey, (starts, tag, dc, downlinkKey) => {
      const queue = [...starts, Uint8Array.fromHex("0102030405060708")];
      const random: RandomSource = {
        ...systemRandom,
        fill(into) {
          into.set(patterned(into.length, queue.length));
          into.set(queue.shift()!);
          return into;
        },
      };
      const { bytes, downlinkKey: used } = makeTelegramFrame({ tag, dc, random, downlinkKey });
      assertEquals(frameFault(bytes), undefined);
      const accepted = acceptFrame(bytes);
      using _ = accepted.ciphers;
      assertEquals([accepted.tag, accepted.dc], [tag, dc]);
      if (downlinkKey !== undefined) assertEquals(used, downlinkKey);
    }),
    { numRuns: runs },
  );
});

Deno.test("a client and Telegram understand each other through any pieces, with fast mode and without", () => {
  const setup = fc.record({ key: secret, tag, dc, fast: fc.boolean() });
  const pieces = fc.array(
    fc.record({ size: sizes(40_000, [448, 496, 512]), cut: fc.integer({ min: 1, max: 9_000 }) }),
    {
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(setup, pieces, ({ key, tag, dc, fast }, pieces) => {
      const { frame, ciphers: client } = clientFrame({ key, tag, dc, random: patterned(64, 5) });
      using _ = client;
      const opened = openClientFrame(frame, key);
      const downlinkKey = fast ? opened.downlinkKey : undefined;
      const towards = makeTelegramFrame({ tag, dc, random: systemRandom, downlinkKey });
      const { ciphers: telegram } = acceptFrame(towards.bytes);
      using __ = telegram;
      const [up, down] = [joinUplinks(opened, towards), joinDownlinks(opened, towards)];
      for (const { size, cut } of pieces) {
        const data = patterned(size, size);
        const there = telegram.decrypt.update(throughCipher(up, client.encrypt.update(data), cut));
        assert(equal(there, data), `up ${size}`);
        const answer = concat(telegram.encrypt.update(data));
        const back = client.decrypt.update(fast ? answer : throughCipher(down, answer, cut));
        assert(equal(back, data), `down ${size}`);
      }
      up.release();
      down.release();
    }),
    { numRuns: fewRuns },
  );
});

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
