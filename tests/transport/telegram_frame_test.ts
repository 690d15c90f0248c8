import { assertEquals, assertNotEquals } from "@std/assert";
import { CtrKeystream } from "../../lib/crypto/aes_ctr.ts";
import { CtrXor } from "../../lib/crypto/ctr_xor.ts";
import { systemRandom } from "../../lib/crypto/random.ts";
import { joinDownlinks, joinUplinks, makeTelegramFrame } from "../../lib/transport/obfuscated2.ts";
import { patterned } from "../crypto/oracle.ts";
import vectors from "../fixtures/vectors/obfuscated2.json" with { type: "json" };
import { concat, randomBytes } from "../support/byte_reader.ts";
import { acceptFrame, frameFault } from "../support/obfuscated2_client.ts";
import { greet, scripted, tags, throughCipher } from "./frames.ts";

const dcs = [2, -2, 5, 203, -203, 10_001, -10_003, 0, 32_767, -32_768];

Deno.test("makeTelegramFrame() makes the frame of the vector", () => {
  const vector = vectors.find(({ secret }) => secret === null)!;
  // What Telegram deciphers at 56..63 is what stood there before: tag, data centre, noise.
  const start = concat(
    Uint8Array.fromHex(vector.frame).subarray(0, 56),
    Uint8Array.fromHex(vector.framePlain).subarray(56),
  );
  const frame = makeTelegramFrame({ tag: 0xee, dc: vector.dc, random: scripted(start) });
  assertEquals(frame.bytes.toHex(), vector.frame);
  assertEquals(frame.downlinkKey.key.toHex(), vector.downlinkKey);
  assertEquals(frame.downlinkKey.iv.toHex(), vector.downlinkIv);
  const uplink = new CtrXor(frame.uplink, undefined, frame.ahead);
  assertEquals(throughCipher(uplink, Uint8Array.fromHex(vector.uplinkPlain), 16).toHex(), vector.uplinkCipher);
  uplink.release();
});

for (const tag of tags) {
  Deno.test(`makeTelegramFrame() tells Telegram tag ${tag.toString(16)} and every number of a data centre`, () => {
    for (const dc of dcs) {
      for (const downlinkKey of [undefined, { key: randomBytes(32), iv: randomBytes(16) }]) {
        const frame = makeTelegramFrame({ tag, dc, random: systemRandom, downlinkKey });
        assertEquals(frame.bytes.length, 64);
        assertEquals(frameFault(frame.bytes), undefined);
        const accepted = acceptFrame(frame.bytes);
        using ciphers = accepted.ciphers;
        assertEquals([accepted.tag, accepted.dc], [tag, dc]);
        const data = randomBytes(1_500);
        const uplink = new CtrXor(frame.uplink, undefined, frame.ahead);
        assertEquals(concat(ciphers.decrypt.update(throughCipher(uplink, data, 400))), data);
        const downlink = new CtrXor(new CtrKeystream(frame.downlinkKey.key, frame.downlinkKey.iv));
        assertEquals(throughCipher(downlink, ciphers.encrypt.update(data), 400), data);
        if (downlinkKey !== undefined) assertEquals(frame.downlinkKey, downlinkKey);
        uplink.release();
        downlink.release();
      }
    }
  });
}

const forbidden: readonly [string, string][] = [
  ["ef, the whole of an abridged connection's frame", "ef0102030405060708"],
  ["HEAD", "4845414405060708"],
  ["POST", "504f535405060708"],
  ["GET", "4745542005060708"],
  ["OPTI", "4f50544905060708"],
  ["the start of a TLS record", "1603010205060708"],
  ["the tag of intermediate", "eeeeeeee05060708"],
  ["the tag of padded intermediate", "dddddddd05060708"],
  ["a zero as second word", "0102030400000000"],
];

for (const [name, start] of forbidden) {
  Deno.test(`makeTelegramFrame() throws away randomness that begins with ${name}, with either kind of downlink`, () => {
    for (const downlinkKey of [undefined, { key: patterned(32, 1), iv: patterned(16, 2) }]) {
      const bad = concat(Uint8Array.fromHex(start), patterned(64, 3)).slice(0, 64);
      const good = concat(Uint8Array.fromHex("0102030405060708"), patterned(56, 4));
      const random = scripted(bad, bad, good);
      const { bytes } = makeTelegramFrame({ tag: 0xdd, dc: 2, random, downlinkKey });
      assertEquals(random.left, 0);
      assertEquals(bytes.subarray(0, 8), good.subarray(0, 8));
      assertEquals(frameFault(bytes), undefined);
    }
  });
}

Deno.test("makeTelegramFrame() keeps randomness that only looks a little like something forbidden", () => {
  for (
    const start of ["0102030400000001", "16030302ffffffff", "5445470a00000100", "00ef0000ef000000", "0000000000000001"]
  ) {
    const good = concat(Uint8Array.fromHex(start), patterned(56, 4));
    const { bytes } = makeTelegramFrame({ tag: 0xdd, dc: 2, random: scripted(good) });
    assertEquals(bytes.subarray(0, 56), good.subarray(0, 56));
  }
});

Deno.test("makeTelegramFrame() does not change the downlink key that it is given, nor keep hold of it", () => {
  const downlinkKey = { key: patterned(32, 1), iv: patterned(16, 2) };
  const frame = makeTelegramFrame({ tag: 0xdd, dc: 2, random: systemRandom, downlinkKey });
  assertEquals(downlinkKey, { key: patterned(32, 1), iv: patterned(16, 2) });
  downlinkKey.key.fill(0);
  assertEquals(frame.downlinkKey.key, patterned(32, 1));
});

Deno.test("makeTelegramFrame() never makes two frames alike", () => {
  const [one, two] = [1, 2].map(() => makeTelegramFrame({ tag: 0xdd, dc: 2, random: systemRandom }).bytes);
  assertNotEquals(one!.subarray(0, 56), two!.subarray(0, 56));
  assertNotEquals(one!.subarray(56), two!.subarray(56));
});

for (const tag of tags) {
  for (const fast of [true, false]) {
    Deno.test(`a client and Telegram understand each other: tag ${tag.toString(16)}, fast mode ${fast}`, () => {
      const { opened, ciphers: client } = greet(tag, -4);
      using _ = client;
      const downlinkKey = fast ? opened.downlinkKey : undefined;
      const frame = makeTelegramFrame({ tag, dc: -4, random: systemRandom, downlinkKey });
      const { ciphers: telegram } = acceptFrame(frame.bytes);
      using __ = telegram;
      const up = joinUplinks(opened, frame);
      const down = joinDownlinks(opened, frame);
      for (const size of [1, 16, 440, 5, 496, 497, 3_000, 150_000]) {
        const data = randomBytes(size);
        const atTelegram = telegram.decrypt.update(throughCipher(up, client.encrypt.update(data), 70_001));
        assertEquals(concat(atTelegram), data);
        const answer = concat(telegram.encrypt.update(data));
        assertEquals(concat(client.decrypt.update(fast ? answer : throughCipher(down, answer, 70_001))), data);
        up.release();
      }
      up.release();
      down.release();
    });
  }
}

Deno.test("fast mode keys Telegram's downlink as the client's, and nothing else of the frame", () => {
  const { opened, ciphers } = greet(0xdd, 2);
  using _ = ciphers;
  const random = patterned(64, 9).with(0, 1);
  const frame = makeTelegramFrame({ tag: 0xdd, dc: 2, random: scripted(random), downlinkKey: opened.downlinkKey });
  assertEquals(frame.bytes.subarray(0, 8), random.subarray(0, 8));
  const { key, iv } = opened.downlinkKey;
  assertEquals(frame.bytes.slice(8, 56).reverse(), concat(key, iv));
  assertNotEquals(frame.bytes.slice(8, 40), opened.replayKey, "Telegram must not learn the client's uplink key");
});

Deno.test("without fast mode Telegram's downlink has a key of its own", () => {
  const { opened, ciphers } = greet(0xdd, 2);
  using _ = ciphers;
  const frame = makeTelegramFrame({ tag: 0xdd, dc: 2, random: systemRandom });
  assertNotEquals(frame.downlinkKey.key, opened.downlinkKey.key);
  assertNotEquals(frame.downlinkKey.iv, opened.downlinkKey.iv);
});
