import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { formatSecret, parseSecret, type SecretKind, secretOf } from "../../lib/policy/secret.ts";

const hexKey = "fbf0112233445566778899aabbccddef";
const key = Uint8Array.fromHex(hexKey);
const host = "www.example.com";
const hexHost = new TextEncoder().encode(host).toHex();

const kinds: readonly { readonly kind: SecretKind; readonly host: string; readonly hex: string }[] = [
  { kind: "simple", host: "", hex: hexKey },
  { kind: "secured", host: "", hex: `dd${hexKey}` },
  { kind: "tls", host, hex: `ee${hexKey}${hexHost}` },
];

Deno.test("parseSecret() does read each kind in every encoding", () => {
  for (const { kind, host, hex } of kinds) {
    const bytes = Uint8Array.fromHex(hex);
    const texts = [
      hex,
      hex.toUpperCase(),
      ` ${hex}\n`,
      bytes.toBase64(),
      bytes.toBase64({ omitPadding: true }),
      bytes.toBase64({ alphabet: "base64url" }),
      bytes.toBase64({ alphabet: "base64url", omitPadding: true }),
    ];
    for (const text of texts) assertEquals(parseSecret(text), { kind, key, host }, text);
  }
});

Deno.test("formatSecret() does write lower-case hex and base64url without padding", () => {
  for (const { kind, host, hex } of kinds) {
    const secret = secretOf(kind, key, host);
    assertEquals(formatSecret(secret, "hex"), hex);
    const base64 = Uint8Array.fromHex(hex).toBase64({ alphabet: "base64url", omitPadding: true });
    assertEquals(formatSecret(secret, "base64"), base64);
  }
});

Deno.test("parseSecret() does read whatever formatSecret() writes", () => {
  const anyKey = fc.uint8Array({ minLength: 16, maxLength: 16 }).filter((bytes) => bytes.some((byte) => byte !== 0));
  const anyKind = fc.constantFrom(...kinds);
  fc.assert(
    fc.property(
      anyKey,
      anyKind,
      fc.constantFrom("hex" as const, "base64" as const),
      (key, { kind, host }, encoding) => {
        const secret = secretOf(kind, Uint8Array.from(key), host);
        assertEquals(parseSecret(formatSecret(secret, encoding)), secret);
      },
    ),
  );
});

Deno.test("parseSecret() does refuse what is no secret, and quotes no part of its key", () => {
  const wrong = [
    "",
    "secret",
    hexKey.slice(1),
    `${hexKey}ff`,
    `dd${hexKey}ff`,
    `dd${hexKey.slice(2)}ff00`.slice(0, 32) + "zz",
    `ee${hexKey}`,
    `ee${hexKey}616263`,
    `ee${hexKey}${"61".repeat(183)}`,
    `ee${hexKey}${new TextEncoder().encode("no spaces.example").toHex()}`,
    `ee${hexKey}${new TextEncoder().encode("127.0.0.1").toHex()}`,
    `ee${hexKey}ffffffff`,
    `ef${hexKey}${hexHost}`,
    "00".repeat(16),
    `dd${"00".repeat(16)}`,
    `tg://proxy?server=a&port=1&secret=${hexKey}`,
  ];
  for (const text of wrong) {
    const { message } = assertThrows(() => parseSecret(text), SyntaxError);
    assertEquals(message.includes(hexKey.slice(0, 6)), false, message);
  }
});

Deno.test("secretOf() does take hosts of 4 to 182 bytes that are DNS names", () => {
  const longest = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}`;
  assertEquals(longest.length, 182);
  for (const good of ["a.bc", "localhost", "WWW.Example.Com", "xn--e1afmkfd.example", "a_b.example", longest]) {
    assertEquals(secretOf("tls", key, good).host, good);
  }
  for (const wrong of ["", "a.b", `${longest}d`, "a..example", ".example", "-a.example", "1.2.3.4", "exämple.com"]) {
    assertThrows(() => secretOf("tls", key, wrong), SyntaxError);
  }
});

Deno.test("secretOf() does keep the kinds apart", () => {
  assertThrows(() => secretOf("simple", key, host), SyntaxError, "takes no host");
  assertThrows(() => secretOf("secured", key, host), SyntaxError, "takes no host");
  assertThrows(() => secretOf("simple", new Uint8Array(16), ""), SyntaxError, "all zeros");
  assertThrows(() => secretOf("simple", key.subarray(1), ""), RangeError);
});

Deno.test("secretOf() does keep a copy of the key", () => {
  const mine = key.slice();
  const secret = secretOf("simple", mine, "");
  mine.fill(0);
  assertEquals(secret.key, key);
});
