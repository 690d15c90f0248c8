import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  bool,
  bytes,
  choice,
  duration,
  errorRate,
  integer,
  type Parser,
  port,
  secret,
} from "../../lib/config/values.ts";
import { formatSecret, secretOf } from "../../lib/policy/secret.ts";

function check<T>(
  parser: Parser<T>,
  good: readonly (readonly [unknown, T])[],
  wrong: readonly unknown[],
  expected: string,
) {
  for (const [raw, value] of good) assertEquals(parser(raw), { ok: true, value }, JSON.stringify(raw));
  for (const raw of wrong) assertEquals(parser(raw), { ok: false, expected }, JSON.stringify(raw));
}

Deno.test("duration() does give milliseconds of every unit, compound and decimal", () => {
  check(
    duration,
    [
      ["10s", 10_000],
      ["1m30s", 90_000],
      ["1h2m3s4ms", 3_723_004],
      ["250ms", 250],
      ["500us", 0.5],
      ["500µs", 0.5],
      ["500μs", 0.5],
      ["1000000ns", 1],
      ["1ns", 1e-6],
      ["1.5h", 5_400_000],
      [".5s", 500],
      ["2.s", 2000],
      ["0.1s", 100],
      ["4.35s", 4350],
      ["10S", 10_000],
      [" 1 M\t30 S ", 90_000],
      ["+5s", 5000],
      ["0", 0],
      [0, 0],
      ["0s", 0],
      ["576h", 2_073_600_000],
    ],
    ["", "5", "5x", "s", "5d", "-5s", "1m-5s", "5s5", "1,5s", "five", "1..5s", 5, -1, true, undefined, ["5s"], {}],
    'expected a duration such as "10s" or "1m30s"',
  );
});

Deno.test("duration() does refuse more than a timer can wait", () => {
  check(duration, [], ["576h1ns", "1000h", "99999999999999h"], 'expected a duration of at most "576h"');
});

Deno.test("bytes() does take units of powers of 1024, which may follow one another", () => {
  check(
    bytes({ bytes: 2 ** 30, text: "1gib" }),
    [
      ["1b", 1],
      ["1kb", 1024],
      ["1KiB", 1024],
      ["1mib", 2 ** 20],
      ["1MB", 2 ** 20],
      ["1MB512KB", 2 ** 20 + 512 * 1024],
      ["1.5 mib", 1.5 * 2 ** 20],
      ["0.3b", 0],
      ["1gib", 2 ** 30],
      ["0", 0],
      [0, 0],
    ],
    ["", "1", "1m", "1k", "-1mb", "mb", "1 megabyte", "1mbit", 1, 1024, true, undefined],
    'expected a size with its unit such as "512kib" or "1mib"',
  );
  check(bytes({ bytes: 1024, text: "1kib" }), [], ["1025b", "2kib", "1tb"], 'expected a size of at most "1kib"');
});

Deno.test("integer() does take whole numbers in its range, as text too", () => {
  check(
    integer(1, 1_000_000),
    [[1, 1], [8192, 8192], [1_000_000, 1_000_000], ["8192", 8192], [" +7 ", 7]],
    [0, -1, 1_000_001, 1.5, NaN, Infinity, "", "x", "1e3", "0x10", "8k", true, undefined, [1]],
    "expected a whole number from 1 to 1000000",
  );
});

Deno.test("port() does take 1 to 65535", () => {
  check(
    port,
    [[1, 1], [443, 443], ["65535", 65_535]],
    [0, 65_536, "https", ":443", ""],
    "expected a port, which is a number from 1 to 65535",
  );
});

Deno.test("bool() does take true and false, and no other words for them", () => {
  check(
    bool,
    [[true, true], [false, false], ["true", true], ["False", false]],
    [0, 1, "yes", "no", "", undefined],
    "expected true or false",
  );
});

Deno.test("choice() does ignore case and know aliases", () => {
  const level = choice<"info" | "warning">(["info", "warning"], { warn: "warning" });
  check(
    level,
    [["info", "info"], ["INFO", "info"], ["Warn", "warning"], [" warning ", "warning"]],
    ["", "warnings", 1, true, undefined, "constructor", "__proto__"],
    "expected one of info, warning",
  );
});

Deno.test("errorRate() does take what lies between 0 and 1", () => {
  check(
    errorRate,
    [[0.001, 0.001], ["0.5", 0.5], [1e-9, 1e-9]],
    [0, 1, 1.5, -0.1, 100, NaN, "", " ", "1%", true, undefined],
    "expected a number between 0 and 1 such as 0.001 (a probability, not a percentage)",
  );
});

const key = Uint8Array.from({ length: 16 }, (_, index) => index * 7 + 3);

Deno.test("secret() does read what formatSecret() writes", () => {
  for (const made of [secretOf("simple", key, ""), secretOf("secured", key, ""), secretOf("tls", key, "example.com")]) {
    for (const encoding of ["hex", "base64"] as const) {
      assertEquals(secret(formatSecret(made, encoding)), { ok: true, value: made });
    }
  }
});

Deno.test("secret() does say what is wrong without any part of it", () => {
  const hex = key.toHex();
  const hostAsText = (host: string) => `ee${hex}${new TextEncoder().encode(host).toHex()}`;
  const wrong: readonly (readonly [unknown, string])[] = [
    [`${hex}0`, "cannot decode the secret: expected 32 hex digits"],
    ["not a secret", "cannot decode the secret"],
    [`ee${hex}`, "it has 17 bytes"],
    [`dd${hex}ff`, "it has 18 bytes"],
    ["00".repeat(16), "its key is all zeros"],
    [hostAsText("a.b"), "it has 3 bytes"],
    [hostAsText('odd"na\\me'), "cannot use what it holds as host of a secret: expected a DNS name"],
    [`ee${hex}${hex}`, "cannot use what it holds as host of a secret"],
    [12, "expected a text in quotes"],
    [undefined, "expected a text in quotes"],
  ];
  for (const [raw, part] of wrong) {
    const parsed = secret(raw);
    if (parsed.ok) throw new Error(`${raw} was accepted`);
    assertStringIncludes(parsed.expected, part);
    for (const piece of [hex.slice(0, 8), "odd", "a.b", "\\u00"]) {
      assertEquals(parsed.expected.includes(piece), false, parsed.expected);
    }
  }
});
