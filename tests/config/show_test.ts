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
    [["", " SOCKS5H://u@h"], '[""," SOCKS5H://(hidden)@h"]'],
    [{ a: "u:p@h" }, '{"a":"(hidden)@h"}'],
  ];
  for (const [raw, shown] of cases) assertEquals(showValue(raw, false), shown);
  assertEquals(hideSecrets("via socks5://u:p@h:1, tls://a"), "via socks5://(hidden)@h:1, tls://a");
});

Deno.test("showPath() does write dotted keys", () => {
  assertEquals(showPath(["network", "timeout", "tcp"]), "network.timeout.tcp");
  assertEquals(showPath(["users", 1, "name"]), "users[1].name");
  assertEquals(showPath(["a b", "c.d"]), '"a b"."c.d"');
});
