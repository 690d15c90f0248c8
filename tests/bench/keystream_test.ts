import { assertEquals } from "@std/assert";
import { KeyStream } from "../../scripts/bench/keystream.ts";

async function oracle(key: Uint8Array<ArrayBuffer>, iv: Uint8Array<ArrayBuffer>, size: number): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey("raw", key, "AES-CTR", false, ["encrypt"]);
  return new Uint8Array(
    await crypto.subtle.encrypt({ name: "AES-CTR", counter: iv, length: 128 }, imported, new Uint8Array(size)),
  );
}

const ivs = {
  plain: new Uint8Array(16).fill(7),
  "about to carry out of 32 bits": new Uint8Array(16).fill(0xff, 12),
  "about to wrap": new Uint8Array(16).fill(0xff),
};

for (const [name, iv] of Object.entries(ivs)) {
  Deno.test(`KeyStream.apply() gives AES-256-CTR in order and out of it, counter ${name}`, async () => {
    const key = crypto.getRandomValues(new Uint8Array(32));
    const expected = await oracle(key, iv, 40_000);
    using keys = new KeyStream(key, iv);
    for (
      const [offset, length] of [[0, 64], [64, 16], [80, 513], [593, 12_000], [30_001, 1024], [17, 3], [20, 39_980]]
    ) {
      const bytes = new Uint8Array(length!);
      keys.apply(bytes, offset!);
      assertEquals(bytes, expected.slice(offset!, offset! + length!), `${length} bytes at ${offset}`);
    }
  });
}
