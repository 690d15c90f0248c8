import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { CtrKeystream } from "../../lib/crypto/aes_ctr.ts";
import { CtrXor } from "../../lib/crypto/ctr_xor.ts";
import { ProtocolError } from "../../lib/errors.ts";
import { openClientFrame } from "../../lib/transport/obfuscated2.ts";
import vectors from "../fixtures/vectors/obfuscated2.json" with { type: "json" };
import { concat, randomBytes } from "../support/byte_reader.ts";
import { acceptFrame, aesCtr } from "../support/obfuscated2_client.ts";
import { greet, secret, tags, throughCipher } from "./frames.ts";

for (const vector of vectors.filter(({ secret }) => secret !== null)) {
  Deno.test(`openClientFrame() agrees with the vector ${vector.name}`, () => {
    const opened = openClientFrame(Uint8Array.fromHex(vector.frame), Uint8Array.fromHex(vector.secret!));
    assertEquals(Uint8Array.of(opened.tag, opened.tag, opened.tag, opened.tag).toHex(), vector.tag);
    assertEquals(opened.dc, vector.dc);
    assertEquals(opened.replayKey.toHex(), vector.uplinkKey);
    assertEquals(opened.downlinkKey.key.toHex(), vector.downlinkKey);
    assertEquals(opened.downlinkKey.iv.toHex(), vector.downlinkIv);
    const uplink = new CtrXor(opened.uplink, undefined, opened.ahead);
    assertEquals(throughCipher(uplink, Uint8Array.fromHex(vector.uplinkCipher), 5).toHex(), vector.uplinkPlain);
    const downlink = new CtrXor(new CtrKeystream(opened.downlinkKey.key, opened.downlinkKey.iv));
    assertEquals(throughCipher(downlink, Uint8Array.fromHex(vector.downlinkPlain), 5).toHex(), vector.downlinkCipher);
    uplink.release();
    downlink.release();
  });
}

for (const vector of vectors) {
  Deno.test(`the stand-in client of the tests agrees with the vector ${vector.name}`, () => {
    const key = vector.secret === null ? undefined : Uint8Array.fromHex(vector.secret);
    const { plain, ciphers } = acceptFrame(Uint8Array.fromHex(vector.frame), key);
    using _ = ciphers;
    assertEquals(plain.toHex(), vector.framePlain);
  });
}

for (const tag of tags) {
  for (const dc of [1, 2, -2, 4, -4, 203, -203, 10_002, -10_002, 0, -1, 255, 256, -256, 32_767, -32_768]) {
    Deno.test(`openClientFrame() reads data centre ${dc} with tag ${tag.toString(16)}`, () => {
      const { opened, ciphers } = greet(tag, dc);
      using _ = ciphers;
      assertEquals([opened.tag, opened.dc], [tag, dc]);
    });
  }

  Deno.test(`openClientFrame() goes on with the client's streams of tag ${tag.toString(16)}`, () => {
    const { opened, ciphers } = greet(tag, 2);
    using _ = ciphers;
    const data = randomBytes(9_000);
    const uplink = new CtrXor(opened.uplink, undefined, opened.ahead);
    assertEquals(throughCipher(uplink, ciphers.encrypt.update(data), 1_111), data);
    const downlink = new CtrXor(new CtrKeystream(opened.downlinkKey.key, opened.downlinkKey.iv));
    assertEquals(concat(ciphers.decrypt.update(throughCipher(downlink, data, 777))), data);
    uplink.release();
    downlink.release();
  });
}

Deno.test("openClientFrame() refuses a frame of another secret, and of none", () => {
  // A wrong secret gives four equal bytes of the right kind once in a billion times; these frames are fixed.
  for (const vector of vectors) {
    const wrong = vector.secret === null ? secret : secret.toReversed();
    refuses(Uint8Array.fromHex(vector.frame), wrong);
    for (let bit = 0; bit < 128; bit += 5) {
      const at = bit >> 3;
      if (vector.secret !== null) {
        refuses(Uint8Array.fromHex(vector.frame), secret.with(at, secret[at]! ^ 1 << bit % 8));
      }
    }
  }
});

Deno.test("openClientFrame() refuses every tag but the three, and each of them with a wrong byte", () => {
  const key = secret;
  for (let byte = 0; byte <= 0xff; byte++) {
    const frame = frameWithTag(Uint8Array.of(byte, byte, byte, byte));
    if (tags.some((tag) => tag === byte)) assertEquals(openClientFrame(frame, key).tag, byte);
    else refuses(frame, key);
  }
  for (const tag of tags) {
    for (let at = 0; at < 4; at++) {
      for (const other of [tag ^ 1, tag ^ 0x80, 0xef, 0xee, 0xdd]) {
        if (other !== tag) refuses(frameWithTag(Uint8Array.of(tag, tag, tag, tag).with(at, other)), key);
      }
    }
  }
});

Deno.test("openClientFrame() knows a replay by what a replayer cannot change", () => {
  const frame = frameWithTag(Uint8Array.of(0xdd, 0xdd, 0xdd, 0xdd));
  const { replayKey } = openClientFrame(frame, secret);
  assertEquals(replayKey.length, 32);
  for (const at of [0, 7, 62, 63]) {
    const changed = frame.with(at, frame[at]! ^ 0xff) as Uint8Array<ArrayBuffer>;
    assertEquals(openClientFrame(changed, secret).replayKey, replayKey, `byte ${at} is free`);
  }
  // The data centre is enciphered, not signed: a replayer may ask for another one and is known all the same.
  const elsewhere = frame.with(60, frame[60]! ^ 1) as Uint8Array<ArrayBuffer>;
  assertEquals(openClientFrame(elsewhere, secret).replayKey, replayKey);
  assertNotEquals(openClientFrame(frameWithTag(Uint8Array.of(0xdd, 0xdd, 0xdd, 0xdd)), secret).replayKey, replayKey);
});

Deno.test("openClientFrame() keeps nothing of the frame's memory, and leaves it as it is", () => {
  const { frame, ciphers, opened } = greet(0xdd, 2);
  using _ = ciphers;
  const memory = concat(randomBytes(3), frame, randomBytes(5));
  const again = openClientFrame(memory.subarray(3, 67), secret);
  assertEquals(memory.subarray(3, 67), frame);
  memory.fill(0);
  assertEquals(again.downlinkKey, opened.downlinkKey);
  assertEquals(again.replayKey, opened.replayKey);
  const data = randomBytes(2_000);
  const uplink = new CtrXor(again.uplink, undefined, again.ahead);
  assertEquals(throughCipher(uplink, ciphers.encrypt.update(data), 2_000), data);
  uplink.release();
});

/** A frame whose tag deciphers to `tag`. */
function frameWithTag(tag: Uint8Array): Uint8Array<ArrayBuffer> {
  const { frame, ciphers } = greet(0xee, 2);
  ciphers[Symbol.dispose]();
  const changed = frame.slice();
  for (let i = 0; i < 4; i++) changed[56 + i]! ^= 0xee ^ tag[i]!;
  return changed;
}

function refuses(frame: Uint8Array, key: Uint8Array): void {
  const error = assertThrows(() => openClientFrame(frame, key), ProtocolError);
  assertEquals(error.code, "bad-frame");
}

// The oracle of this file: AES-CTR of the runtime, in one piece with its own counter.
Deno.test("aesCtr() of the tests is AES-256-CTR", () => {
  const key = Uint8Array.fromHex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
  using cipher = aesCtr(key, Uint8Array.fromHex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"));
  assertEquals(concat(cipher.update(new Uint8Array(16))).toHex(), "0bdf7df1591716335e9a8b15c860c502");
});
