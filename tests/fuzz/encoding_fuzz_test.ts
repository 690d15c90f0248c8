import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createHash, createHmac } from "node:crypto";
import { decodeBase64, decodeHex, encodeBase64Url, encodeHex } from "../../lib/bytes/encoding.ts";
import { ByteReader } from "../../lib/bytes/reader.ts";
import { hmacSha256, sha256 } from "../../lib/crypto/hash.ts";
import { parseSecret } from "../../lib/policy/secret.ts";
import { cutAt } from "../faketls/records.ts";
import { concat } from "../support/byte_reader.ts";
import { bytes, cuts, runs } from "./arbitraries.ts";

Deno.test("hex and base64 are read back, in any case, alphabet and padding", () => {
  fc.assert(
    fc.property(bytes(1, 100), fc.boolean(), fc.boolean(), (data, upper, padded) => {
      const hex = encodeHex(data);
      assertEquals(decodeHex(upper ? hex.toUpperCase() : hex), data);
      const url = encodeBase64Url(data);
      assert(/^[A-Za-z0-9_-]+$/.test(url));
      const text = padded ? data.toBase64() : upper ? data.toBase64({ omitPadding: true }) : url;
      assertEquals(decodeBase64(text), data);
    }),
    { numRuns: runs },
  );
});

Deno.test("decodeHex() and decodeBase64() give bytes or undefined for any text, and parseSecret() throws SyntaxError alone", () => {
  const text = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[0-9a-fA-F]*$/),
    fc.stringMatching(/^[A-Za-z0-9+/_-]*={0,3}$/),
  );
  fc.assert(
    fc.property(text, (text) => {
      const [hex, base64] = [decodeHex(text), decodeBase64(text)];
      if (hex !== undefined) assertEquals(encodeHex(hex), text.toLowerCase());
      if (base64 !== undefined) assertEquals(base64.length, Math.floor(text.replace(/=+$/, "").length * 3 / 4));
      try {
        parseSecret(text);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        assert(text.trim().length < 8 || !error.message.includes(text), "the message repeats the text");
      }
    }),
    { numRuns: 5 * runs },
  );
});

Deno.test("ByteReader reads as DataView does, and never past the end", () => {
  const steps = fc.array(fc.oneof(fc.constantFrom("uint8", "uint16"), fc.nat(20)), { maxLength: 20 });
  fc.assert(
    fc.property(bytes(0, 60), steps, fc.nat(70), (data, steps, start) => {
      const offset = Math.min(start, data.length);
      const reader = new ByteReader(data, offset);
      const view = new DataView(data.buffer, data.byteOffset, data.length);
      let at = offset;
      for (const step of steps) {
        const size = step === "uint8" ? 1 : step === "uint16" ? 2 : step as number;
        const fits = at + size <= data.length;
        if (step === "uint8") assertEquals(reader.uint8(), fits ? view.getUint8(at) : undefined);
        else if (step === "uint16") assertEquals(reader.uint16(), fits ? view.getUint16(at) : undefined);
        else assertEquals(reader.take(size), fits ? data.slice(at, at + size) : undefined);
        if (fits) at += size;
        assertEquals(reader.remaining, data.length - at);
      }
    }),
    { numRuns: runs },
  );
});

Deno.test("sha256() and hmacSha256() hash any parts as the runtime hashes the whole", () => {
  fc.assert(
    fc.property(bytes(0, 64), bytes(0, 30_000), cuts(30_000, 4), (key, data, offsets) => {
      const parts = cutAt(data, offsets.filter((offset) => offset <= data.length));
      assertEquals(concat(sha256(...parts)), concat(createHash("sha256").update(data).digest()));
      assertEquals(concat(hmacSha256(key, ...parts)), concat(createHmac("sha256", key).update(data).digest()));
    }),
    { numRuns: runs },
  );
});
