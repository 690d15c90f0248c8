import { assertEquals, assertStringIncludes } from "@std/assert";
import { qrDataLink } from "../../lib/cli/qr.ts";
import { configText, type Outcome, runMain, tlsBase64, tlsHex, type World } from "./fake_environment.ts";

async function access(text: string, args: readonly string[] = [], world: World = {}): Promise<Outcome> {
  return await runMain(["access", "config.toml", ...args], { files: { "config.toml": text }, ...world });
}

const wildcardHint =
  "mtg: no links: 0.0.0.0:3128 does not tell under which address and port clients reach the proxy; " +
  "set public-host (or public-ipv4, public-ipv6) and, if it is another than the one listened on, public-port";
const secret = { hex: tlsHex, base64: tlsBase64 };

async function block(name: "ip" | "host", server: string, port: number, secretText = tlsBase64): Promise<object> {
  const query = `server=${encodeURIComponent(server)}&port=${port}&secret=${secretText}`;
  const [tg, tme] = [`tg://proxy?${query}`, `https://t.me/proxy?${query}`];
  return {
    [name]: server,
    port,
    tg_url: tg,
    tg_qrcode: await qrDataLink(tg),
    tme_url: tme,
    tme_qrcode: await qrDataLink(tme),
  };
}

Deno.test("access does print what is known as JSON", async () => {
  const { code, out, errors } = await access(configText("127.0.0.1:3128"));
  assertEquals([code, errors], [0, []]);
  assertEquals(out[1], '  "ipv4": {');
  assertEquals(JSON.parse(out.join("\n")), { ipv4: await block("ip", "127.0.0.1", 3128), secret });
});

Deno.test("access does go by flags, then by what is public", async () => {
  const text = configText("0.0.0.0:3128", 'public-host = "proxy.example.com"', 'public-ipv4 = "203.0.113.7"');
  assertEquals(JSON.parse((await access(text)).out.join("\n")), {
    host: await block("host", "proxy.example.com", 3128),
    ipv4: await block("ip", "203.0.113.7", 3128),
    secret,
  });
  const flags = ["-i", "203.0.113.8", "--ipv6", "2001:db8::8", "-p", "443", "-x"];
  assertEquals(JSON.parse((await access(text, flags)).out.join("\n")), {
    ipv4: await block("ip", "203.0.113.8", 443, tlsHex),
    ipv6: await block("ip", "2001:db8::8", 443, tlsHex),
    host: await block("host", "proxy.example.com", 443, tlsHex),
    secret,
  });
});

Deno.test("access does leave out what nobody knows, and says so", async () => {
  const problem = "the public IPv4 address is not known: nobody answered";
  const text = configText("0.0.0.0:3128");
  const { code, out, errors, asked } = await access(text, [], { detected: { problems: [problem] } });
  assertEquals([code, asked], [0, [["ipv4"]]]);
  assertEquals(JSON.parse(out.join("\n")), { secret });
  assertEquals(errors, [`mtg: ${problem}`, wildcardHint]);
});

Deno.test("access does ask others for what is not known, and only for that", async () => {
  const detected = { ipv4: "198.51.100.4", ipv6: "2001:db8::4", problems: [] };
  const both = await access(configText(":3128"), [], { detected });
  assertEquals([both.asked, both.errors], [[["ipv4", "ipv6"]], []]);
  assertEquals(JSON.parse(both.out.join("\n")), {
    ipv4: await block("ip", "198.51.100.4", 3128),
    ipv6: await block("ip", "2001:db8::4", 3128),
    secret,
  });
  const problem = "the public IPv6 address is not known: services differ, 2001:db8::4 and 2001:db8::5";
  const one = await access(configText(":3128"), ["-i", "203.0.113.8"], { detected: { problems: [problem] } });
  assertEquals([one.code, one.asked, one.errors], [0, [["ipv6"]], [`mtg: ${problem}`]]);
  assertEquals(Object.keys(JSON.parse(one.out.join("\n"))), ["ipv4", "secret"]);
});

Deno.test("access does ask nobody with --offline, or where a host is public, or all is known", async () => {
  const { code, out, errors, asked } = await access(configText("0.0.0.0:3128"), ["--offline"]);
  assertEquals([code, asked, errors], [0, [], [wildcardHint]]);
  assertEquals(JSON.parse(out.join("\n")), { secret });
  const known: readonly (readonly [string, readonly string[]])[] = [
    [configText(":3128", 'public-host = "proxy.example.com"'), []],
    [configText(":3128"), ["-i", "203.0.113.8", "-I", "2001:db8::8"]],
    [configText("127.0.0.1:3128"), []],
    [configText(":3128", 'public-ipv4 = "203.0.113.7"'), ["--qr"]],
  ];
  for (const [text, args] of known) assertEquals((await access(text, args)).asked, []);
});

Deno.test("access --qr does draw a link to an address that others had to tell", async () => {
  const detected = { ipv4: "198.51.100.4", problems: [] };
  const { code, out, asked } = await access(configText("0.0.0.0:3128"), ["--qr"], { detected });
  assertEquals([code, asked], [0, [["ipv4"]]]);
  assertEquals(out.at(-1), `tg://proxy?server=198.51.100.4&port=3128&secret=${tlsBase64}`);
});

Deno.test("access does read standard input", async () => {
  const good = await runMain(["access", "-"], { standardInput: configText("127.0.0.1:3128") });
  assertEquals(JSON.parse(good.out.join("\n")).secret, secret);
  const wrong = await runMain(["access", "-"], { standardInput: configText("127.0.0.1:3128", "grace = 1") });
  assertEquals([wrong.code, wrong.errors], [2, [
    'mtg: (standard input):3:1: grace = 1: expected a duration such as "10s" or "1m30s"',
  ]]);
});

Deno.test("access --qr does draw in the terminal, wherever it stands", async () => {
  const files = { "config.toml": configText("127.0.0.1:3128") };
  const link = `tg://proxy?server=127.0.0.1&port=3128&secret=${tlsBase64}`;
  const last = await runMain(["access", "config.toml", "--qr"], { files, isTerminal: true });
  assertEquals([last.code, last.errors, last.out.at(-1)], [0, [], link]);
  assertStringIncludes(last.out[0] ?? "", "\x1b[30;47;107m");
  for (const args of [["access", "--qr", "config.toml"], ["access", "--qr", "-x", "config.toml"]]) {
    const { code, out } = await runMain(args, { files });
    assertEquals([code, out.length > 20, out.join("").includes("\x1b"), out[0]?.startsWith("████")], [
      0,
      true,
      false,
      true,
    ]);
  }
});

Deno.test("access --qr FILE does write a picture and print JSON all the same", async () => {
  const text = configText("127.0.0.1:3128");
  for (const args of [["--qr", "a.svg"], ["--qr=a.svg"]]) {
    const { code, out, written } = await access(text, args);
    assertEquals([code, JSON.parse(out.join("\n")).secret, [...written.keys()]], [0, secret, ["a.svg"]]);
    assertStringIncludes(new TextDecoder().decode(written.get("a.svg")), "<svg ");
  }
  const png = await access(text, ["--qr", "x/A.PNG"]);
  assertEquals(png.written.get("x/A.PNG")?.[0], 0x89);
});

Deno.test("access --qr does say why there is no code", async () => {
  const text = configText("127.0.0.1:3128");
  const cases: readonly (readonly [Promise<Outcome>, number, string])[] = [
    [access(configText("0.0.0.0:3128"), ["--offline", "--qr"]), 2, wildcardHint],
    [
      access(text, ["--qr=a.gif"]),
      2,
      'mtg: --qr = "a.gif": expected a file whose name ends in .svg or .png, or nothing',
    ],
    [
      access(text, ["--qr", "a.svg"], { failure: new Deno.errors.NotCapable() }),
      1,
      "mtg: cannot write a.svg: Deno was started without the permission for it, --allow-write",
    ],
    [
      access(text, ["--qr", "x/a.svg"], { failure: new Deno.errors.NotFound() }),
      1,
      "mtg: cannot write x/a.svg: there is no such file or directory",
    ],
  ];
  for (const [outcome, code, message] of cases) {
    const { code: given, errors, out } = await outcome;
    assertEquals([given, errors, out], [code, [message], []]);
  }
});

Deno.test("access does refuse flags with wrong values", async () => {
  const text = configText("127.0.0.1:3128");
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["-i", "::1"], '--ipv4 = "::1": expected an IPv4 address such as "203.0.113.7"'],
    [["-I", "1.2.3.4"], '--ipv6 = "1.2.3.4": expected an IPv6 address without brackets such as "2001:db8::7"'],
    [["-p", "65536"], '--port = "65536": expected a port, which is a number from 1 to 65535'],
    [["-p=https"], '--port = "https": expected a port, which is a number from 1 to 65535'],
  ];
  for (const [args, message] of cases) {
    const { code, errors } = await access(text, args);
    assertEquals([code, errors], [2, [`mtg: ${message}`]]);
  }
});
