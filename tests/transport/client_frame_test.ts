import { assertEquals } from "@std/assert";
import { CtrKeystream } from "../../lib/crypto/aes_ctr.ts";
import { CtrXor } from "../../lib/crypto/ctr_xor.ts";
import { systemRandom } from "../../lib/crypto/random.ts";
import { makeClientFrame, openClientFrame } from "../../lib/transport/obfuscated2.ts";
import vectors from "../fixtures/vectors/obfuscated2.json" with { type: "json" };
import { concat, randomBytes } from "../support/byte_reader.ts";
import { acceptFrame } from "../support/obfuscated2_client.ts";
import { scripted, secret, tags, throughCipher } from "./frames.ts";

const hex = (text: string) => Uint8Array.fromHex(text);

for (const vector of vectors.filter((each) => each.secret !== null)) {
  Deno.test(`makeClientFrame() makes the frame of the vector ${vector.name}`, () => {
    const tag = tags.find((each) => vector.tag.startsWith(each.toString(16)))!;
    const noise = concat(hex(vector.frame).subarray(0, 56), hex(vector.framePlain).subarray(56));
    const frame = makeClientFrame({ tag, dc: vector.dc, random: scripted(noise), secret: hex(vector.secret!) });
    assertEquals(frame.bytes.toHex(), vector.frame);
    assertEquals(frame.downlinkKey.key.toHex(), vector.downlinkKey);
    assertEquals(frame.downlinkKey.iv.toHex(), vector.downlinkIv);
    const uplink = new CtrXor(frame.uplink, undefined, frame.ahead);
    assertEquals(throughCipher(uplink, hex(vector.uplinkPlain), 16).toHex(), vector.uplinkCipher);
    uplink.release();
  });
}

for (const tag of tags) {
  Deno.test(`makeClientFrame() is understood by a proxy with the secret, both ways: tag ${tag.toString(16)}`, () => {
    for (const dc of [2, -4, 203, -10_003]) {
      const frame = makeClientFrame({ tag, dc, random: systemRandom, secret });
      const opened = openClientFrame(frame.bytes, secret);
      assertEquals([opened.tag, opened.dc, opened.downlinkKey], [tag, dc, frame.downlinkKey]);
      const { ciphers } = acceptFrame(frame.bytes, secret);
      using _ = ciphers;
      const data = randomBytes(900);
      const uplink = new CtrXor(frame.uplink, undefined, frame.ahead);
      assertEquals(concat(ciphers.decrypt.update(throughCipher(uplink, data, 400))), data);
      const downlink = new CtrXor(new CtrKeystream(frame.downlinkKey.key, frame.downlinkKey.iv));
      assertEquals(throughCipher(downlink, ciphers.encrypt.update(data), 400), data);
      uplink.release();
      downlink.release();
    }
  });
}
