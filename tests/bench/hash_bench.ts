/** HMAC and SHA-256 at the sizes of a handshake: `deno task bench:micro`. */
import { createHash, createHmac } from "node:crypto";
import { hmacSha256, sha256 } from "../../lib/crypto/hash.ts";

const key = crypto.getRandomValues(new Uint8Array(16));

for (const [what, size] of [["ClientHello", 1_780], ["server flight", 3_700]] as const) {
  const bytes = crypto.getRandomValues(new Uint8Array(size));
  Deno.bench(`HMAC of a ${what}: createHmac`, { group: what, baseline: true }, () => {
    createHmac("sha256", key).update(bytes).digest();
  });
  Deno.bench(`HMAC of a ${what}: hmacSha256()`, { group: what }, () => {
    hmacSha256(key, bytes);
  });
}

const prekey = crypto.getRandomValues(new Uint8Array(32));
Deno.bench("key of a stream: createHash", { group: "key", baseline: true }, () => {
  createHash("sha256").update(prekey).update(key).digest();
});
Deno.bench("key of a stream: sha256()", { group: "key" }, () => {
  sha256(prekey, key);
});
