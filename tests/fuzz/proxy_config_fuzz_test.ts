import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatAddress } from "../../lib/address.ts";
import { directAddresses, parseProxyConfig } from "../../lib/telegram/proxy_config.ts";
import { runs } from "./arbitraries.ts";

const address = fc.record({
  dc: fc.integer({ min: -32_768, max: 32_767 }),
  host: fc.ipV4(),
  port: fc.integer({ min: 1, max: 65_535 }),
});
const space = fc.constantFrom(" ", "  ", "\t", "\n", " # proxy_for 1 x;\n", "\r\n");

Deno.test("parseProxyConfig() reads back any list, whatever stands between its words", () => {
  const property = fc.tuple(fc.array(address, { minLength: 1, maxLength: 30 }), fc.array(space, { minLength: 1 }));
  fc.assert(
    fc.property(property, ([all, spaces]) => {
      let turn = 0;
      const gap = () => spaces[turn++ % spaces.length]!;
      const text = all.map(({ dc, host, port }) => `proxy_for${gap()}${dc}${gap()}${host}:${port}${gap()};`).join("");
      const result = parseProxyConfig(text);
      if (!result.ok) throw new Error(`${result.problem} in ${text}`);
      for (const dc of new Set(all.map((each) => each.dc))) {
        const expected = all.filter((each) => each.dc === dc).map(({ host, port }) => `${host}:${port}`);
        assertEquals(result.config.proxies.get(dc)?.map(formatAddress), expected);
      }
    }),
    { numRuns: runs },
  );
});

Deno.test("parseProxyConfig() never throws, and finds nothing but IP addresses in garbage", () => {
  const words = [
    "proxy_for",
    "default",
    "proxy",
    "timeout",
    "203",
    "-203",
    "192.0.2.1:443",
    "[::1]:1",
    ";",
    "\n",
    "#",
    " ",
    "é",
  ];
  const texts = fc.oneof(
    fc.string({ maxLength: 200, unit: "binary" }),
    fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => parts.join(" ")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const result = parseProxyConfig(text);
      if (!result.ok) return assert(result.problem.length > 0);
      for (const addresses of result.config.proxies.values()) assert(addresses.length > 0);
      for (const [dc, addresses] of directAddresses(result.config)) assert(dc === 203 && addresses.length > 0);
    }),
    { numRuns: runs * 5 },
  );
});
