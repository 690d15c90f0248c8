import { assertEquals } from "@std/assert";
import { defaultFrontedHost, proxyLinks } from "../../lib/policy/proxy_link.ts";
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
