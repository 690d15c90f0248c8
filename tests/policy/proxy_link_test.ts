import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { defaultFrontedHost, parseProxyLink, proxyLinks } from "../../lib/policy/proxy_link.ts";
import { formatSecret, parseSecret, secretOf } from "../../lib/policy/secret.ts";

const key = Uint8Array.fromHex("00112233445566778899aabbccddeeff");

Deno.test("proxyLinks() does write both links in both encodings", () => {
  const secret = secretOf("tls", key, "example.com");
  const hex = "ee00112233445566778899aabbccddeeff6578616d706c652e636f6d";
  const base64 = "7gARIjNEVWZ3iJmqu8zd7v9leGFtcGxlLmNvbQ";
  assertEquals(proxyLinks({ server: "proxy.example.com", port: 443, secret, encoding: "hex" }), {
    tg: `tg://proxy?server=proxy.example.com&port=443&secret=${hex}`,
    tme: `https://t.me/proxy?server=proxy.example.com&port=443&secret=${hex}`,
  });
  assertEquals(proxyLinks({ server: "203.0.113.7", port: 8443, secret, encoding: "base64" }), {
    tg: `tg://proxy?server=203.0.113.7&port=8443&secret=${base64}`,
    tme: `https://t.me/proxy?server=203.0.113.7&port=8443&secret=${base64}`,
  });
});

Deno.test("proxyLinks() does write IPv6 encoded and without brackets", () => {
  const secret = secretOf("simple", key, "");
  const { tg } = proxyLinks({ server: "2001:db8::7", port: 1, secret, encoding: "hex" });
  assertEquals(tg, "tg://proxy?server=2001%3Adb8%3A%3A7&port=1&secret=00112233445566778899aabbccddeeff");
});

Deno.test("proxyLinks() does give back server, port and secret to whoever reads the query", () => {
  const keys = [key, key.map((byte) => byte ^ 0xff), key.map((byte) => (byte * 31) & 0xff)];
  for (const secret of keys.flatMap((each) => [secretOf("secured", each, ""), secretOf("tls", each, "a.example")])) {
    for (const encoding of ["hex", "base64"] as const) {
      for (const link of Object.values(proxyLinks({ server: "::1", port: 65_535, secret, encoding }))) {
        const query = new URL(link).searchParams;
        assertEquals([query.get("server"), query.get("port")], ["::1", "65535"]);
        assertEquals(query.get("secret"), formatSecret(secret, encoding));
        assertEquals(parseSecret(query.get("secret") ?? ""), secret);
      }
    }
  }
});

Deno.test("defaultFrontedHost() does fit into a secret", () => {
  assertEquals(secretOf("tls", key, defaultFrontedHost()).host, defaultFrontedHost());
});

const hexSecret = "ee00112233445566778899aabbccddeeff6578616d706c652e636f6d";
const base64Secret = "7gARIjNEVWZ3iJmqu8zd7v9leGFtcGxlLmNvbQ";
const wanted = { server: "proxy.example.com", port: 443, secret: secretOf("tls", key, "example.com") };
const query = (secret: string) => `server=proxy.example.com&port=443&secret=${secret}`;

const links: readonly (readonly [string, string])[] = [
  ["for the app", `tg://proxy?${query(base64Secret)}`],
  ["for the app, without slashes", `tg:proxy?${query(base64Secret)}`],
  ["for the app, with a slash more", `tg://proxy/?${query(base64Secret)}`],
  ["for the web", `https://t.me/proxy?${query(base64Secret)}`],
  ["for the web, with a slash more", `https://t.me/proxy/?${query(base64Secret)}`],
  ["without encryption", `http://t.me/proxy?${query(base64Secret)}`],
  ["of telegram.me", `https://telegram.me/proxy?${query(base64Secret)}`],
  ["of telegram.dog", `https://telegram.dog/proxy?${query(base64Secret)}`],
  ["of www.t.me", `https://www.t.me/proxy?${query(base64Secret)}`],
  ["without a scheme", `t.me/proxy?${query(base64Secret)}`],
  ["in capitals", `TG://PROXY?${query(base64Secret)}`],
  ["with white space around", ` \n\thttps://t.me/proxy?${query(base64Secret)}\r\n`],
  ["out of HTML", `tg://proxy?${query(base64Secret).replaceAll("&", "&amp;")}`],
  ["in another order", `tg://proxy?secret=${base64Secret}&port=443&server=proxy.example.com`],
  ["with more in it", `tg://proxy?${query(base64Secret)}&bot=@MTProxybot#end`],
  ["with a secret in hex", `tg://proxy?${query(hexSecret)}`],
  ["with a secret in capital hex", `tg://proxy?${query(hexSecret.toUpperCase())}`],
  ["with a padded secret", `tg://proxy?${query(`${base64Secret}==`)}`],
  ["with an encoded padded secret", `tg://proxy?${query(`${base64Secret}%3D%3D`)}`],
];

for (const [name, link] of links) {
  Deno.test(`parseProxyLink() does read a link ${name}`, () => assertEquals(parseProxyLink(link), wanted));
}

Deno.test("parseProxyLink() does read a secret in base64 whose characters mean something else in links", () => {
  // Both + and / are in it.
  const bytes = Uint8Array.fromHex("fbefbefbefbeffffffffffffffffff01");
  const secret = secretOf("simple", bytes, "");
  const text = bytes.toBase64();
  assertEquals([text.includes("+"), text.includes("/")], [true, true]);
  for (const written of [text, encodeURIComponent(text), text.replaceAll("+", "-").replaceAll("/", "_")]) {
    assertEquals(parseProxyLink(`tg://proxy?${query(written)}`).secret, secret);
  }
});

Deno.test("parseProxyLink() does read IPv6 encoded, bare and in brackets", () => {
  for (const server of ["2001%3Adb8%3A%3A7", "2001:db8::7", "[2001:db8::7]", "%5B2001:db8::7%5D"]) {
    assertEquals(parseProxyLink(`tg://proxy?server=${server}&port=1&secret=${hexSecret}`).server, "2001:db8::7");
  }
});

Deno.test("parseProxyLink() does read what proxyLinks() has written", () => {
  for (const server of ["::1", "203.0.113.7", "a.example"]) {
    for (const secret of [secretOf("simple", key, ""), secretOf("secured", key, ""), wanted.secret]) {
      for (const encoding of ["hex", "base64"] as const) {
        const { tg, tme } = proxyLinks({ server, port: 8_443, secret, encoding });
        for (const link of [tg, tme]) assertEquals(parseProxyLink(link), { server, port: 8_443, secret });
      }
    }
  }
});

const wrongLinks: readonly (readonly [string, string])[] = [
  ["", "Cannot read the link: expected tg://proxy?"],
  ["http://", "Cannot read the link: expected tg://proxy?"],
  [`https://example.com/proxy?${query(hexSecret)}`, "Cannot use the link: it is none of Telegram's, expected tg://"],
  [`ftp://t.me/proxy?${query(hexSecret)}`, "Cannot use the link: it is none of Telegram's, expected tg://"],
  [hexSecret, "Cannot use the link: it is none of Telegram's, expected tg://"],
  ["https://t.me/durov", "Cannot use the link: it leads to no proxy, expected tg://"],
  ["tg://resolve?domain=durov", "Cannot use the link: it leads to no proxy, expected tg://"],
  ["tg://socks?server=1.2.3.4&port=1", "Cannot use the link: it leads to a SOCKS5 proxy, which has no secret"],
  [`tg://proxy?port=1&secret=${hexSecret}`, "Cannot use the link: it has no server, expected tg://"],
  [`tg://proxy?server=a.b&secret=${hexSecret}`, "Cannot use the link: it has no port, expected tg://"],
  ["tg://proxy?server=a.b&port=1", "Cannot use the link: it has no secret, expected tg://"],
  [`tg://proxy?server=a%20b&port=1&secret=${hexSecret}`, "Cannot use the link: its server is neither a DNS name nor"],
  [`tg://proxy?server=a.b&port=0&secret=${hexSecret}`, "Cannot use the link: its port is no number from 1 to 65535"],
  [`tg://proxy?server=a.b&port=65536&secret=${hexSecret}`, "Cannot use the link: its port is no number"],
  [`tg://proxy?server=a.b&port=1e2&secret=${hexSecret}`, "Cannot use the link: its port is no number"],
  [`tg://proxy?${query(hexSecret.slice(0, 20))}`, "Cannot use the link. Cannot use the secret: it has 10 bytes"],
  [`tg://proxy?${query(`${hexSecret}!`)}`, "Cannot use the link. Cannot decode the secret: expected 32 hex digits"],
  [`tg://proxy?${query(`ee${hexSecret}`)}`, "Cannot use the link. Cannot use what it holds as host of a secret"],
];

for (const [link, message] of wrongLinks) {
  Deno.test(`parseProxyLink() does say what is wrong with ${link === "" ? "nothing" : link.slice(0, 60)}`, () => {
    const error = assertThrows(() => parseProxyLink(link), SyntaxError);
    assertStringIncludes(error.message, message);
    for (const part of [hexSecret.slice(0, 12), "001122", "aabbcc"]) assertEquals(error.message.includes(part), false);
  });
}
