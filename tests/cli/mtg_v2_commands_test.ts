/** Command lines of mtg v2: every command and flag that it has is accepted, and does what it does there. */
import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import type { Config } from "../../lib/config/config.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { bad, warning } from "../../lib/doctor/report.ts";
import { parseSecret } from "../../lib/policy/secret.ts";
import { configText, hexKey, type Outcome, runMain, tlsBase64, tlsHex, type World } from "./fake_environment.ts";

const bindTo = "127.0.0.1:3128";
const files = { "config.toml": configText(bindTo) };

Deno.test("mtg v2: generate-secret prints a fake-TLS secret, in hex with -x or --hex", async () => {
  const forms: readonly (readonly [readonly string[], RegExp])[] = [
    [["storage.googleapis.com"], /^7[g-v][\w-]+$/],
    [["-x", "storage.googleapis.com"], /^ee[0-9a-f]+$/],
    [["storage.googleapis.com", "-x"], /^ee[0-9a-f]+$/],
    [["--hex", "storage.googleapis.com"], /^ee[0-9a-f]+$/],
    [["storage.googleapis.com", "--hex"], /^ee[0-9a-f]+$/],
  ];
  for (const [args, form] of forms) {
    const { code, out, errors } = await runMain(["generate-secret", ...args]);
    assertEquals([code, errors, out.length], [0, [], 1]);
    assertMatch(out[0] ?? "", form);
    assertEquals(parseSecret(out[0] ?? "").host, "storage.googleapis.com");
  }
});

/** Blocks and links as mtg v2 has them; ours may have a block `host` before them. */
interface Access {
  readonly ipv4?: Readonly<Record<string, string | number>>;
  readonly ipv6?: Readonly<Record<string, string | number>>;
  readonly secret: Readonly<Record<string, string>>;
}

async function access(args: readonly string[], text = configText("0.0.0.0:3128"), world: World = {}): Promise<Access> {
  const detected = { problems: ["nobody answered"] };
  const { code, out } = await runMain(["access", ...args], { files: { "config.toml": text }, detected, ...world });
  assertEquals(code, 0);
  assertMatch(out[1] ?? "", /^ {2}"/);
  return JSON.parse(out.join("\n"));
}

Deno.test("mtg v2: access prints JSON with the same keys, and links that say the same", async () => {
  const { ipv4, ipv6, secret } = await access(["config.toml", "-i", "203.0.113.7", "-I", "2001:db8::7"]);
  for (const [block, ip] of [[ipv4, "203.0.113.7"], [ipv6, "2001:db8::7"]] as const) {
    if (block === undefined) throw new Error("there is no block");
    assertEquals(Object.keys(block), ["ip", "port", "tg_url", "tg_qrcode", "tme_url", "tme_qrcode"]);
    assertEquals([block["ip"], block["port"]], [ip, 3128]);
    for (const [key, start] of [["tg_url", "tg://proxy?"], ["tme_url", "https://t.me/proxy?"]] as const) {
      const link = String(block[key]);
      assertEquals(link.startsWith(start), true);
      const query = Object.fromEntries(new URLSearchParams(link.slice(start.length)));
      // There the keys are sorted; all clients take any order.
      assertEquals(query, { server: ip, port: "3128", secret: tlsBase64 });
    }
    // There it is the address of a web service that draws the code, and gets to know the secret.
    assertMatch(String(block["tg_qrcode"]), /^data:image\/svg\+xml;base64,/);
    assertNotEquals(block["tg_qrcode"], block["tme_qrcode"]);
  }
  assertEquals([Object.keys(secret), secret], [["hex", "base64"], { hex: tlsHex, base64: tlsBase64 }]);
});

Deno.test("mtg v2: access takes each flag in each of its forms, before and after the file", async () => {
  const forms: readonly (readonly [readonly string[], unknown])[] = [
    [["-i", "203.0.113.7"], ["203.0.113.7", 3128, undefined]],
    [["-i203.0.113.7"], ["203.0.113.7", 3128, undefined]],
    [["--ipv4", "203.0.113.7"], ["203.0.113.7", 3128, undefined]],
    [["--ipv4=203.0.113.7"], ["203.0.113.7", 3128, undefined]],
    [["-I", "2001:db8::7"], [undefined, undefined, "2001:db8::7"]],
    [["--ipv6", "2001:db8::7"], [undefined, undefined, "2001:db8::7"]],
    [["-p", "443", "-i", "203.0.113.7"], ["203.0.113.7", 443, undefined]],
    [["--port=443", "-i", "203.0.113.7"], ["203.0.113.7", 443, undefined]],
    [["-p", "0", "-i", "203.0.113.7"], ["203.0.113.7", 3128, undefined]],
    [[], [undefined, undefined, undefined]],
  ];
  for (const [flags, expected] of forms) {
    for (const args of [[...flags, "config.toml"], ["config.toml", ...flags]]) {
      const { ipv4, ipv6 } = await access(args);
      assertEquals([ipv4?.["ip"], ipv4?.["port"], ipv6?.["ip"]], expected, `${args}`);
    }
  }
});

Deno.test("mtg v2: access -x puts hex into the links, and both forms beside them", async () => {
  for (const flags of [["-x"], ["--hex"], ["-xp", "443"], ["-xp443"]]) {
    const { ipv4, secret } = await access(["config.toml", "-i", "203.0.113.7", ...flags]);
    assertMatch(String(ipv4?.["tg_url"]), new RegExp(`secret=${tlsHex}$`));
    assertMatch(String(ipv4?.["tme_url"]), new RegExp(`secret=${tlsHex}$`));
    assertEquals(ipv4?.["port"], flags[0]?.includes("p") ? 443 : 3128);
    assertEquals(secret, { hex: tlsHex, base64: tlsBase64 });
  }
});

Deno.test("mtg v2: access goes by flags, then by public addresses, then by what others see", async () => {
  const text = configText("0.0.0.0:3128", 'public-ipv4 = "203.0.113.7"');
  assertEquals((await access(["config.toml"], text)).ipv4?.["ip"], "203.0.113.7");
  assertEquals((await access(["config.toml", "-i", "203.0.113.8"], text)).ipv4?.["ip"], "203.0.113.8");
  const detected = { ipv4: "203.0.113.9", problems: [] };
  assertEquals((await access(["config.toml"], undefined, { detected })).ipv4?.["ip"], "203.0.113.9");
});

Deno.test("mtg v2: run and doctor take a file", async () => {
  const run = await runMain(["run", "config.toml"], { files });
  assertEquals([run.code, run.errors, run.configs.length], [0, [], 1]);
  const examined: (string | undefined)[] = [];
  const examine: World["examine"] = ({ file }) => {
    examined.push(file);
    return [];
  };
  const doctor = await runMain(["doctor", "config.toml"], { files, examine });
  assertEquals([doctor.code, doctor.errors, examined], [0, [], ["config.toml"]]);
});

Deno.test("mtg v2: version and help are flags", async () => {
  for (const args of [["--version"], ["-v"]]) {
    const { code, out } = await runMain(args);
    assertEquals([code, out.length], [0, 1]);
  }
  for (const args of [["--help"], ["-h"], ["run", "--help"], ["simple-run", "-h"], ["access", "config.toml", "-h"]]) {
    const { code, errors } = await runMain(args);
    assertEquals([code, errors], [0, []]);
  }
});

interface SimpleRun {
  readonly config: Config;
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
}

async function simpleRun(...args: readonly string[]): Promise<SimpleRun> {
  const { code, errors, warnings, configs: [config] } = await runMain(["simple-run", ...args]);
  assertEquals(code, 0, `${args}: ${errors}`);
  if (config === undefined) throw new Error("nothing was served");
  return { config, warnings, errors };
}

const proxies = ["socks5://user:password@192.0.2.1:1080", "socks5h://192.0.2.2", "socks5://192.0.2.3:1081"] as const;
const proxyLine = `network.proxies = ${JSON.stringify(proxies)}`;
const dohAdvice = '--doh-ip is deprecated: use --dns, here "https://9.9.9.9"';

/** Flags, what they stand for in a file, and what is said about them. */
const simpleRunForms: readonly (readonly [readonly (readonly string[])[], string, string?])[] = [
  [[[]], ""],
  [[["-d"], ["--debug"], ["--debug=true"]], "debug = true"],
  [[["-c", "10"], ["-c10"], ["--concurrency", "10"], ["--concurrency=10"]], "concurrency = 10"],
  [[["-dc", "10"], ["-dc10"], ["-d", "-c10"]], "debug = true\nconcurrency = 10"],
  [[["-i", "only-ipv6"], ["--prefer-ip", "only-ipv6"], ["--prefer-ip=Only-IPv6"]], 'prefer-ip = "only-ipv6"'],
  [[["-p", "8443"], ["--domain-fronting-port", "8443"]], "domain-fronting.port = 8443"],
  [[["--domain-fronting-ip", "192.0.2.80"], ["--domain-fronting-ip=192.0.2.80"]], 'domain-fronting.ip = "192.0.2.80"'],
  [[["-n", "9.9.9.9"], ["--doh-ip", "9.9.9.9"], ["--doh-ip=9.9.9.9"]], 'network.dns = "https://9.9.9.9"', dohAdvice],
  // There it is the limit for idle sessions as well: they would not outlive the pauses of clients.
  [[["-t", "3s"], ["-t3s"], ["--timeout", "3s"]], 'network.timeout = { tcp = "3s", http = "3s" }'],
  [
    [
      proxies.flatMap((proxy) => ["-s", proxy]),
      proxies.map((proxy) => `--socks5-proxy=${proxy}`),
      ["-s", proxies.join(",")],
      ["--socks5-proxy", proxies.slice(0, 2).join(","), "-s", proxies[2]],
    ],
    proxyLine,
  ],
  [[["-a", "2MB"], ["--antireplay-cache-size", "2MB"]], 'defense.anti-replay.max-size = "2MB"'],
];

Deno.test("mtg v2: simple-run takes each flag in each of its forms, before and behind its arguments", async () => {
  // These hold for simple-run there too, without a flag for them.
  const fixed = "allow-fallback-on-unknown-dc = true\ndefense.anti-replay.enabled = true\n";
  for (const [forms, lines, said] of simpleRunForms) {
    const expected = parseConfig(configText(bindTo, fixed, lines), { file: "config.toml" });
    for (const flags of forms) {
      for (const args of [[...flags, bindTo, tlsHex], [bindTo, tlsBase64, ...flags]]) {
        const { config, warnings, errors } = await simpleRun(...args);
        assertEquals(config, expected, `${args}`);
        assertEquals([warnings, errors], [said === undefined ? [] : [said], []]);
      }
    }
  }
});

Deno.test("mtg v2: simple-run takes --tcp-buffer, which does nothing there either, and says so", async () => {
  const { config: expected } = await simpleRun(bindTo, tlsHex);
  for (const flags of [["-b", "4KB"], ["-b4KB"], ["--tcp-buffer", "4KB"], ["--tcp-buffer=4KB"]]) {
    const { config, errors } = await simpleRun(...flags, bindTo, tlsHex);
    assertEquals(config, expected);
    assertEquals(errors, ["mtg: --tcp-buffer has no effect: buffers find their size by themselves"]);
  }
});

Deno.test("mtg v2: simple-run has the same defaults where they are good", async () => {
  const { config } = await simpleRun(bindTo, tlsHex);
  const { concurrency, preferIp, debug, domainFronting, network, defense, allowFallbackOnUnknownDc } = config;
  assertEquals([concurrency, preferIp, debug, allowFallbackOnUnknownDc], [8192, "prefer-ipv6", false, true]);
  assertEquals([domainFronting.port, domainFronting.ip, network.uplinks], [443, undefined, []]);
  assertEquals([network.timeout.tcpMs, network.timeout.httpMs], [10_000, 10_000]);
  assertEquals(defense.antiReplay, { enabled: true, maxSizeBytes: 2 ** 20, errorRate: 0.001 });
  // There these are 3 s, 10 s and 1.1.1.1: clients with other clocks, pauses and countries are served too.
  assertEquals([config.tolerateTimeSkewnessMs, network.timeout.idleMs, network.dns], [120_000, 300_000, undefined]);
});

/** Where the exit code, or what leads to it, is another than there. */
const others: readonly {
  readonly args: readonly string[];
  readonly code: number;
  readonly there: number;
  why: string;
}[] = [
  { args: ["simple-run", "--wrong", bindTo, tlsHex], code: 2, there: 80, why: "2 is what shells expect of usage" },
  { args: ["simple-run", bindTo], code: 2, there: 80, why: "the same" },
  { args: ["wrong"], code: 2, there: 80, why: "the same" },
  { args: [], code: 2, there: 80, why: "the same" },
  { args: ["run", "nowhere.toml"], code: 2, there: 80, why: "the same" },
  { args: ["access", "config.toml", "-i", "203.0.113"], code: 2, there: 80, why: "the same" },
  { args: ["run", "wrong.toml"], code: 2, there: 1, why: "a mistake in a file is one of its author, as in a flag" },
  { args: ["simple-run", "3128", tlsHex], code: 2, there: 1, why: "the same" },
  { args: ["generate-secret", "not a host"], code: 2, there: 0, why: "no client could use the secret" },
  { args: ["access", "config.toml", "-i", "2001:db8::7"], code: 2, there: 0, why: "no link for it would be printed" },
  { args: ["access", "config.toml", "-I", "203.0.113.7"], code: 2, there: 0, why: "the link would be named wrong" },
];

Deno.test("mtg v2: exit codes are others only where that has a reason", async () => {
  const world = { files: { ...files, "wrong.toml": "concurrency = 0" } };
  for (const { args, code, there, why } of others) {
    const outcome: Outcome = await runMain(args, world);
    assertEquals([outcome.code, outcome.configs], [code, []], `${args}: ${there} there, but ${why}`);
    assertNotEquals(code, there);
    assertEquals(outcome.errors.join("\n").includes(hexKey), false);
  }
  // A warning of doctor gives 1 there. Here it is 0, for the proxy works; what is wrong gives 1 here and there.
  for (const [check, code] of [[warning("id", "seen", "advice"), 0], [bad("id", "seen", "advice"), 1]] as const) {
    const examine = () => [{ id: "group", title: "Group", checks: [check] }];
    assertEquals((await runMain(["doctor", "config.toml"], { files, examine })).code, code);
  }
  // So does what fails though it was asked rightly.
  const failure = new Error("bind-to: cannot listen");
  assertEquals((await runMain(["run", "config.toml"], { files, failure })).code, 1);
  assertEquals((await runMain(["simple-run", bindTo, tlsHex], { failure })).code, 1);
});
