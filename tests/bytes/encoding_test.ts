import { assertEquals } from "@std/assert";
import { ascii, decodeBase64, decodeHex, encodeBase64Url, encodeHex } from "../../lib/bytes/encoding.ts";

const bytes = Uint8Array.of(0xfb, 0xef, 0xbe, 0x00, 0xff);

Deno.test("encodeHex() writes lower case, and decodeHex() reads either", () => {
  assertEquals(encodeHex(bytes), "fbefbe00ff");
  for (const text of ["fbefbe00ff", "FBEFBE00FF", "fBeFbE00Ff"]) assertEquals(decodeHex(text), bytes);
});

Deno.test("encodeBase64Url() writes no padding, and nothing that a link would have to escape", () => {
  assertEquals(encodeBase64Url(bytes), "----AP8");
  assertEquals(encodeBase64Url(Uint8Array.of(0xff, 0xff)), "__8");
});

Deno.test("decodeBase64() reads either alphabet, mixed too, padded or not", () => {
  for (const text of ["----AP8", "----AP8=", "++++AP8", "++++AP8=", "+-+-AP8"]) assertEquals(decodeBase64(text), bytes);
  for (const text of ["__8", "__8=", "//8", "//8="]) assertEquals(decodeBase64(text), Uint8Array.of(0xff, 0xff));
});

for (const text of ["", "a", "abc", "0x12", "12 ", " 12", "12\n", "1g", "--", "ａｂ", "é1"]) {
  Deno.test(`decodeHex() does not take ${JSON.stringify(text)}`, () => assertEquals(decodeHex(text), undefined));
}

for (const text of ["", "=", "==", "A", "AAAAA", "AA===", "A=A=", "AB", "_9=", "AA AA", "AA\n", "AA.", "é1"]) {
  Deno.test(`decodeBase64() does not take ${JSON.stringify(text)}`, () => assertEquals(decodeBase64(text), undefined));
}

Deno.test("ascii() gives a character for each byte, none of them a letter where the byte is not", () => {
  assertEquals(ascii(new TextEncoder().encode("Front.test")), "Front.test");
  assertEquals(ascii(Uint8Array.of(0x00, 0x7f, 0x80, 0xff)), "\u0000\u007f\u0080\u00ff");
  assertEquals(ascii(new Uint8Array(16_384).fill(0x61)).length, 16_384);
});
