import { assertEquals } from "@std/assert";
import { hmacSha256, sha256 } from "../../lib/crypto/hash.ts";
import { patterned } from "./oracle.ts";

const text = (value: string) => new TextEncoder().encode(value);

Deno.test("sha256() gives the published digests, of one part and of several", () => {
  const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assertEquals([sha256(), sha256(text(""), text(""))].map((digest) => digest.toHex()), [empty, empty]);
  assertEquals([sha256(text("abc")), sha256(text("a"), text("bc"))].map((digest) => digest.toHex()), [abc, abc]);
});

Deno.test("hmacSha256() gives the digest of RFC 4231, of one part and of several", () => {
  const expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  assertEquals(hmacSha256(text("Jefe"), text("what do ya want for nothing?")).toHex(), expected);
  assertEquals(hmacSha256(text("Jefe"), text("what do ya "), text(""), text("want for nothing?")).toHex(), expected);
});

Deno.test("sha256() and hmacSha256() agree with WebCrypto, and look at a view's own bytes alone", async () => {
  for (const size of [0, 1, 55, 56, 63, 64, 65, 1_000]) {
    const memory = patterned(size + 20, size);
    const view = memory.subarray(7, 7 + size);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", view.slice()));
    assertEquals(new Uint8Array(sha256(view)), digest);
    const key = await crypto.subtle.importKey("raw", patterned(16, 1), { name: "HMAC", hash: "SHA-256" }, false, [
      "sign",
    ]);
    const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, view.slice()));
    assertEquals(new Uint8Array(hmacSha256(patterned(16, 1), view)), signature);
  }
});
