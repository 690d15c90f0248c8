/**
 * What the keystream and its XOR cost, and what each trick in `lib/crypto/` saves: `deno task bench:micro`.
 *
 * Every variant makes, or combines, 64 KiB.
 */
import { createCipheriv } from "node:crypto";
import { CtrKeystream } from "../../lib/crypto/aes_ctr.ts";
import { CtrXor } from "../../lib/crypto/ctr_xor.ts";

const size = 65_536;
const pieces = size / 16_384;
const key = crypto.getRandomValues(new Uint8Array(32));
const iv = crypto.getRandomValues(new Uint8Array(16));
const plain = new Uint8Array(size);
const piece = new Uint8Array(size / pieces);

const ctr = createCipheriv("aes-256-ctr", key, iv);
Deno.bench("64 KiB of keystream: aes-256-ctr of node:crypto", { group: "keystream" }, () => {
  ctr.update(plain);
});

const ecb = createCipheriv("aes-256-ecb", key, null);
ecb.setAutoPadding(false);
Deno.bench("64 KiB of keystream: aes-256-ecb, as node:crypto has it", { group: "keystream" }, () => {
  for (let i = 0; i < pieces; i++) ecb.update(piece);
});

const bare = createCipheriv("aes-256-ecb", key, null);
bare.setAutoPadding(false);
if ("_needsBlockCache" in bare) bare._needsBlockCache = false;
Deno.bench("64 KiB of keystream: aes-256-ecb, without the cache of unfinished blocks", { group: "keystream" }, () => {
  for (let i = 0; i < pieces; i++) bare.update(piece);
});

Deno.bench("64 KiB of keystream: the same, memory given back at once", { group: "keystream" }, () => {
  for (let i = 0; i < pieces; i++) {
    const { buffer } = bare.update(piece);
    if (buffer instanceof ArrayBuffer) buffer.transfer(0);
  }
});

const keystream = new CtrKeystream(key, iv);
Deno.bench("64 KiB of keystream: CtrKeystream, counters included", { group: "keystream" }, () => {
  for (let i = 0; i < pieces; i++) {
    const { buffer } = keystream.next(1024);
    if (buffer instanceof ArrayBuffer) buffer.transfer(0);
  }
});

Deno.bench("64 KiB of keystream: CtrKeystream, in one piece, as a bulk upload has it", { group: "keystream" }, () => {
  const { buffer } = keystream.next(4096);
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
});

/** What a message of 512 bytes wants, and 16 times as much for the next ones too. */
for (const ahead of [1, 16]) {
  const some = new CtrKeystream(key, iv);
  Deno.bench(`keystream for 16 messages of 512 bytes, made for ${ahead} at a time`, { group: "chat" }, () => {
    for (let made = 0; made < 16; made += ahead) some.next(32 * ahead);
  });
}

const webKey = await crypto.subtle.importKey("raw", key, "AES-CTR", false, ["encrypt"]);
Deno.bench("64 KiB of keystream: WebCrypto, which keeps no stream state", { group: "keystream" }, async () => {
  await crypto.subtle.encrypt({ name: "AES-CTR", counter: iv, length: 128 }, webKey, plain);
});

const data = new Uint8Array(size);
const first = crypto.getRandomValues(new Uint8Array(size));
const second = crypto.getRandomValues(new Uint8Array(size));

Deno.bench("XOR of two keystreams into 64 KiB: byte by byte", { group: "xor" }, () => {
  for (let i = 0; i < size; i++) data[i] = data[i]! ^ first[i]! ^ second[i]!;
});

const data32 = new Uint32Array(data.buffer);
const first32 = new Uint32Array(first.buffer);
const second32 = new Uint32Array(second.buffer);
Deno.bench("XOR of two keystreams into 64 KiB: words of four bytes", { group: "xor" }, () => {
  for (let i = 0; i < data32.length; i++) data32[i] = data32[i]! ^ first32[i]! ^ second32[i]!;
});

const data64 = new BigUint64Array(data.buffer);
const first64 = new BigUint64Array(first.buffer);
const second64 = new BigUint64Array(second.buffer);
Deno.bench("XOR of two keystreams into 64 KiB: words of eight bytes", { group: "xor" }, () => {
  for (let i = 0; i < data64.length; i++) data64[i] = data64[i]! ^ first64[i]! ^ second64[i]!;
});

const joined = new CtrXor(new CtrKeystream(key, iv), new CtrKeystream(second.slice(0, 32), iv));
Deno.bench("an upload's whole cipher: two keystreams made and combined with 64 KiB", { group: "upload" }, () => {
  joined.apply({ bytes: data, words: data64 }, 0, size);
});
