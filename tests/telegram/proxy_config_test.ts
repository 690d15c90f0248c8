import { assertEquals } from "@std/assert";
import { formatAddress } from "../../lib/address.ts";
import { directAddresses, parseProxyConfig } from "../../lib/telegram/proxy_config.ts";

/** The list as `[default, {dc: addresses}]`, or what is wrong with it. */
function read(text: string): unknown {
  const result = parseProxyConfig(text);
  if (!result.ok) return result.problem;
  const { defaultDc, proxies } = result.config;
  return [defaultDc, Object.fromEntries([...proxies].map(([dc, all]) => [dc, all.map(formatAddress)]))];
}

/** In the form of the real ones. */
const list4 = `# force_probability 10 10
default 2;
proxy_for 1 149.154.175.50:8888;
proxy_for -1 149.154.175.50:8888;
proxy_for 2 149.154.161.144:8888;
proxy_for 4 91.108.4.146:8888;
proxy_for 4 91.108.4.135:8888;
proxy_for 203 91.105.192.110:443;
proxy_for -203 91.105.192.111:443;
`;
const list6 = `default 2;
proxy_for 2 [2001:67c:04e8:f002:0000:0000:0000:000a]:8888;
proxy_for 203 [2a0a:f280:0203:000a:5000:0000:0000:0110]:443;
`;

Deno.test("parseProxyConfig() does read the lists as Telegram gives them", () => {
  assertEquals(read(list4), [2, {
    "-1": ["149.154.175.50:8888"],
    "-203": ["91.105.192.111:443"],
    1: ["149.154.175.50:8888"],
    2: ["149.154.161.144:8888"],
    4: ["91.108.4.146:8888", "91.108.4.135:8888"],
    203: ["91.105.192.110:443"],
  }]);
  assertEquals(read(list6), [2, {
    2: ["[2001:67c:4e8:f002::a]:8888"],
    203: ["[2a0a:f280:203:a:5000::110]:443"],
  }]);
});

const one = "proxy_for 1 192.0.2.1:443;";
const good: readonly (readonly [string, string, unknown])[] = [
  ["line breaks of Windows, and tabs", `default\t-2;\r\n\t${one}\r\n`, [-2, { 1: ["192.0.2.1:443"] }]],
  ["statements over several lines, and several on one", `proxy_for\n1 # here\n192.0.2.1:443\n;default 3;`, [
    3,
    { 1: ["192.0.2.1:443"] },
  ]],
  ["comments behind a statement", `${one} # proxy_for 1 192.0.2.2:443;`, [undefined, { 1: ["192.0.2.1:443"] }]],
  ["the data centres in any order", `${one}proxy_for 2 192.0.2.2:1;proxy_for 1 192.0.2.3:443;`, [undefined, {
    1: ["192.0.2.1:443", "192.0.2.3:443"],
    2: ["192.0.2.2:1"],
  }]],
  ["what only Telegram's own program uses", `timeout 10000; min_connections 4; max_connections 8; proxy 192.0.2.1:9;`, [
    undefined,
    { 0: ["192.0.2.1:9"] },
  ]],
  ["the largest and the least number", `proxy_for 32767 192.0.2.1:1; proxy_for -32768 192.0.2.1:1;`, [
    undefined,
    { 32767: ["192.0.2.1:1"], "-32768": ["192.0.2.1:1"] },
  ]],
];

for (const [what, text, expected] of good) {
  Deno.test(`parseProxyConfig() does take ${what}`, () => assertEquals(read(text), expected));
}

const wrongProxy =
  "expected proxy_for, the number of a data centre, and an IP address and port such as 203.0.113.7:443";
const bad: readonly (readonly [string, string])[] = [
  ["", "no line of it names an address"],
  ["default 2;\n# proxy_for 1 192.0.2.1:443;\n", "no line of it names an address"],
  [`${one}\n<html>`, "line 2: expected a semicolon at the end"],
  [`<!doctype html>\n<p>a; b</p>\n`, "line 1: expected default N; or proxy_for N HOST:PORT;"],
  [`${one}\nproxy_for 2 192.0.2.1:443\n`, "line 2: expected a semicolon at the end"],
  [`proxy_for 2 192.0.2.1:443\n${one}`, "line 1: expected default N; or proxy_for N HOST:PORT;"],
  [`${one}\n\n;`, "line 3: expected default N; or proxy_for N HOST:PORT;"],
  [`${one}\nproxy_for x 192.0.2.1:443;`, `line 2: ${wrongProxy}`],
  [`${one}\nproxy_for 32768 192.0.2.1:443;`, `line 2: ${wrongProxy}`],
  [`${one}\nproxy_for 2 192.0.2.256:443;`, `line 2: ${wrongProxy}`],
  [`${one}\nproxy_for 2 proxy.test:443;`, `line 2: ${wrongProxy}`],
  [`${one}\nproxy_for 2 2001:db8::1:443;`, `line 2: ${wrongProxy}`],
  [`${one}\nproxy_for 2 192.0.2.1:0;`, `line 2: ${wrongProxy}`],
  [`${one}\nproxy_for 2 192.0.2.1;`, `line 2: ${wrongProxy}`],
  [`${one}\ndefault x;`, "line 2: expected default and the number of a data centre"],
  [`${one}\nproxy x;`, "line 2: expected proxy, and an IP address and port"],
  [`${one}\ntimeout soon;`, "line 2: expected timeout and a number"],
  [one.repeat(4097), "line 1: more than 4096 addresses"],
];

for (const [text, problem] of bad) {
  Deno.test(`parseProxyConfig() does refuse ${JSON.stringify(text.slice(0, 60))} as a whole`, () => {
    assertEquals(read(text), problem);
  });
}

Deno.test("directAddresses() does take data centre 203, and nothing else", () => {
  const direct = (text: string) => {
    const parsed = parseProxyConfig(text);
    return parsed.ok ? [...directAddresses(parsed.config)] : parsed.problem;
  };
  assertEquals(direct(list4), [[203, [{ kind: "tcp", host: "91.105.192.110", port: 443 }]]]);
  assertEquals(direct(list6), [[203, [{ kind: "tcp", host: "2a0a:f280:203:a:5000::110", port: 443 }]]]);
  assertEquals(direct(one), []);
});
