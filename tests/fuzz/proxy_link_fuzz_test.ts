import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseProxyLink, proxyLinks } from "../../lib/policy/proxy_link.ts";
import { secretOf } from "../../lib/policy/secret.ts";
import { bytes, runs } from "./arbitraries.ts";

Deno.test("parseProxyLink() has no way out but SyntaxError, whatever is pasted", () => {
  const parts = fc.constantFrom(
    "tg:",
    "//",
    "proxy",
    "https://",
    "t.me/",
    "?",
    "&",
    "server=",
    "port=",
    "secret=",
    "443",
    "%",
    "ee",
    "[::1]",
  );
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.oneof(parts, fc.string())).map((all) => all.join("")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        parseProxyLink(text);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
      }
    }),
    { numRuns: 10 * runs },
  );
});

Deno.test("parseProxyLink() reads every link of ours", () => {
  const keys = bytes(16, 16).filter((key) => key.some((byte) => byte !== 0));
  const property = fc.record({
    server: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
    port: fc.integer({ min: 1, max: 65_535 }),
    key: keys,
    kind: fc.constantFrom("simple", "secured", "tls"),
    encoding: fc.constantFrom("hex", "base64"),
    link: fc.constantFrom("tg", "tme"),
  });
  fc.assert(
    fc.property(property, ({ server, port, key, kind, encoding, link }) => {
      const secret = secretOf(kind, key, kind === "tls" ? "front.test" : "");
      const text = proxyLinks({ server, port, secret, encoding })[link];
      assertEquals(parseProxyLink(text), { server, port, secret });
    }),
    { numRuns: runs },
  );
});
