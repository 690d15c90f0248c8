import { assertEquals } from "@std/assert";
import { envName } from "../../lib/config/env.ts";
import { allFields } from "../../lib/config/fields.ts";
import { hideSecrets, showPath, showValue } from "../../lib/config/show.ts";
import { formatSecret, secretOf } from "../../lib/policy/secret.ts";

const key = Uint8Array.from({ length: 16 }, (_, index) => index * 13 + 100);
const secrets = [secretOf("simple", key, ""), secretOf("secured", key, ""), secretOf("tls", key, "example.com")];

Deno.test("showValue() does show values as in the file, and no secret", () => {
  assertEquals(showValue("5x", false), '"5x"');
  assertEquals(showValue(5, false), "5");
  assertEquals(showValue(NaN, false), "NaN");
  assertEquals(showValue(["a", 1], false), '["a",1]');
  assertEquals(showValue(undefined, false), "undefined");
  assertEquals(showValue("anything", true), "(hidden)");
  assertEquals(showValue("x y ".repeat(50), false).length, 101);
});

Deno.test("hideSecrets() does hide every kind in every encoding, wherever it stands", () => {
  for (const secret of secrets) {
    for (
      const text of [
        formatSecret(secret, "hex"),
        formatSecret(secret, "hex").toUpperCase(),
        formatSecret(secret, "base64"),
      ]
    ) {
      assertEquals(hideSecrets(text), "(hidden)");
      assertEquals(hideSecrets(`--${text}`), "--(hidden)");
      assertEquals(hideSecrets(`secret=${text}&x`), "secret=(hidden)&x");
    }
  }
  assertEquals(hideSecrets(`${formatSecret(secrets[0]!, "hex")}f`), "(hidden)");
  assertEquals(hideSecrets(`${formatSecret(secrets[2]!, "base64")}x secret`), "(hidden) secret");
});

Deno.test("hideSecrets() does leave names and addresses alone", () => {
  for (const { key } of allFields) assertEquals(hideSecrets(`${key} ${envName(key)}`), `${key} ${envName(key)}`);
  for (const text of ["allow-fallback-on-unknown-dc", "proxy.example.com", "2001:db8::7", "generate-secret"]) {
    assertEquals(hideSecrets(text), text);
  }
});

Deno.test("showValue() does hide users and passwords, also where they are written wrong", () => {
  const cases: readonly (readonly [unknown, string])[] = [
    ["socks5://user:pass@host:1", '"socks5://(hidden)@host:1"'],
    ["socks5://user:p@ss@host:1", '"socks5://(hidden)@host:1"'],
    ["socks5://user:pa ss@host:1", '"socks5://(hidden)@host:1"'],
    ['socks5://user:pa"ss@host:1', '"socks5://(hidden)@host:1"'],
    ["socks5://us/er:pa/ss@host:1", '"socks5://(hidden)@host:1"'],
    ["user:pass@host:1", '"(hidden)@host:1"'],
    [["", "SOCKS5H://u@h", "socks5://a"], '["","SOCKS5H://(hidden)@h","socks5://a"]'],
    [{ "u:p@h": 1 }, '{"(hidden)@h":1}'],
    [{ a: "u:p@h" }, '{"a":"(hidden)@h"}'],
  ];
  for (const [raw, shown] of cases) assertEquals(showValue(raw, false), shown);
});

Deno.test("showPath() does write dotted keys", () => {
  assertEquals(showPath(["network", "timeout", "tcp"]), "network.timeout.tcp");
  assertEquals(showPath(["users", 1, "name"]), "users[1].name");
  assertEquals(showPath(["a b", "c.d"]), '"a b"."c.d"');
});

Deno.test("hideSecrets() does hide user and password of a URL, however wrong it is, and leaves the host", () => {
  const table: readonly (readonly [string, string])[] = [
    ["socks5://anna:geheim@h:1080", "socks5://(hidden)@h:1080"],
    ['"socks5://anna@h"', '"socks5://(hidden)@h"'],
    ["socks5://anna:ge/he@im?#@h:1080/?a=b", "socks5://(hidden)@h:1080/?a=b"],
    ["socks5://anna:ge he\n im@h", "socks5://(hidden)@h"],
    ['"socks5://anna:ge\\"heim@h"', '"socks5://(hidden)@h"'],
    ["anna:geheim@h:1080", "(hidden)@h:1080"],
    ["socks5:anna:geheim@h", "(hidden)@h"],
    ['["socks5://anna:geheim@a","socks5://bert:geheim@b"]', '(hidden)@b"]'],
    ['"socks5://anna:geheim"', '"socks5://anna:(hidden)"'],
    ['"socks5://anna:123456"', '"socks5://anna:(hidden)"'],
    ['"socks5://anna:1080geheim/"', '"socks5://anna:(hidden)"'],
    ['{"a":"socks5://anna:geheim","b":1}', '{"a":"socks5://anna:(hidden)","b":1}'],
  ];
  for (const [text, expected] of table) assertEquals(hideSecrets(text), expected);
});

Deno.test("hideSecrets() does leave URLs without a user alone", () => {
  for (const text of ["socks5://h:1080", '"tls://dns.test:853/x?y#z"', "udp://[::1]:53", "https://1.1.1.1/dns-query"]) {
    assertEquals(hideSecrets(text), text);
  }
});
