import { assertEquals } from "@std/assert";
import { formatAddress } from "../../lib/address.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { directDialer } from "../../lib/net/dialer.ts";
import type { ProxyOptions } from "../../lib/proxy/options.ts";
import { buildProxyOptions } from "../../lib/thread/build_proxy.ts";
import { allocate, SharedState } from "../../lib/thread/shared_state.ts";
import { FakeClock } from "../support/fake_clock.ts";

const key = "00112233445566778899aabbccddeeff";
const tls = `ee${key}${new TextEncoder().encode("front.test").toHex()}`;

function optionsOf(secret: string, ...lines: readonly string[]): ProxyOptions {
  return optionsOfOne(1, secret, lines);
}

function optionsOfOne(workers: number, secret: string, lines: readonly string[]): ProxyOptions {
  const text = [`secret = "${secret}"`, 'bind-to = "127.0.0.1:1"', ...lines].join("\n");
  const config = parseConfig(text, { file: "config.toml" });
  const shared = new SharedState(config, allocate(config, workers));
  const network = { telegram: directDialer, direct: directDialer };
  const surroundings = { clock: new FakeClock(), events: { emit() {} }, isOwn: () => false, shared, network, workers };
  return buildProxyOptions({ config, dcUpdates: new Map() }, surroundings);
}

const fronts: readonly (readonly [string, string, readonly string[], string | undefined])[] = [
  ["the host of a fake-TLS secret", tls, [], "front.test:443"],
  ["that host at another port", tls, ["[domain-fronting]", "port = 8443"], "front.test:8443"],
  ["an address in its place", tls, ["[domain-fronting]", 'ip = "192.0.2.1"'], "192.0.2.1:443"],
  [
    "an address before a host",
    tls,
    ["[domain-fronting]", 'ip = "2001:db8::1"', 'host = "a.test"'],
    "[2001:db8::1]:443",
  ],
  ["another host", tls, ["[domain-fronting]", 'host = "a.test"'], "a.test:443"],
  ["nothing with a secured secret", `dd${key}`, [], undefined],
  ["nothing with a port alone", key, ["[domain-fronting]", "port = 8443"], undefined],
  ["a Unix socket", tls, ["[domain-fronting]", 'host = "unix:/run/site.sock"'], "unix:/run/site.sock"],
  ["what a simple secret is given", key, ["[domain-fronting]", 'host = "a.test"'], "a.test:443"],
];

for (const [name, secret, lines, expected] of fronts) {
  Deno.test(`buildProxyOptions() does front ${name}`, () => {
    const { front } = optionsOf(secret, ...lines);
    assertEquals(front && formatAddress(front), expected);
  });
}

const hourMs = 3_600_000;
for (const secret of [tls, `dd${key}`, key]) {
  Deno.test(`buildProxyOptions() does remember handshakes for two days: ${secret.slice(0, 2)}`, () => {
    const { replayFilter } = optionsOf(secret, 'tolerate-time-skewness = "1s"');
    const seen = crypto.getRandomValues(new Uint8Array(32));
    const startMs = Date.UTC(2026, 0, 1);
    assertEquals(replayFilter?.testAndSet(seen, startMs), false);
    assertEquals(replayFilter?.testAndSet(seen, startMs + 48 * hourMs), true);
    assertEquals(replayFilter?.testAndSet(seen, startMs + 5 * 48 * hourMs), false);
  });
}

Deno.test("buildProxyOptions() does remember handshakes for twice the tolerance, however many come", () => {
  const { replayFilter } = optionsOf(
    tls,
    'tolerate-time-skewness = "10m"',
    "[defense.anti-replay]",
    'max-size = "1kib"',
  );
  const fresh = () => crypto.getRandomValues(new Uint8Array(32));
  const startMs = Date.UTC(2026, 0, 1);
  const seen = fresh();
  assertEquals(replayFilter?.testAndSet(seen, startMs), false);
  for (let i = 0; i < 2_000; i++) replayFilter?.testAndSet(fresh(), startMs + i * 600);
  assertEquals(replayFilter?.testAndSet(seen, startMs + 20 * 60_000 - 1_000), true);
});

for (const lines of [["enabled = false"], ['max-size = "0b"'], ["max-size = 0"]]) {
  Deno.test(`buildProxyOptions() does switch anti-replay off with ${lines}`, () => {
    assertEquals(optionsOf(tls, "[defense.anti-replay]", ...lines).replayFilter, undefined);
  });
}

Deno.test("buildProxyOptions() does take everything else as the configuration says", () => {
  const options = optionsOf(
    tls,
    "concurrency = 77",
    "stranger-concurrency = 66",
    'prefer-ip = "only-ipv4"',
    'tolerate-time-skewness = "7s"',
    "allow-fallback-on-unknown-dc = true",
    "[telegram]",
    "fast-mode = false",
    "[network]",
    'largest-buffer = "16kib"',
    "[network.timeout]",
    'tcp = "1s"',
    'handshake = "2s"',
    'idle = "3s"',
    "[dc-overrides]",
    '"-3" = "127.0.0.1:9"',
  );
  const { slots, preferIp, toleranceMs, fallbackOnUnknownDc, fastMode, timeouts, dcOverrides } = options;
  assertEquals(
    { capacity: slots.capacity, preferIp, toleranceMs, fallbackOnUnknownDc, fastMode, timeouts },
    {
      capacity: 77,
      preferIp: "only-ipv4",
      toleranceMs: 7_000,
      fallbackOnUnknownDc: true,
      fastMode: false,
      timeouts: { tcpMs: 1_000, httpMs: 10_000, handshakeMs: 2_000, idleMs: 3_000 },
    },
  );
  assertEquals([options.strangersAtMost, options.largestBuffer], [66, 16_384]);
  assertEquals([...dcOverrides], [[-3, [{ kind: "tcp", host: "127.0.0.1", port: 9 }]]]);
});

Deno.test("buildProxyOptions() does believe nobody's PROXY protocol header, and send none, unless told so", () => {
  const { proxyProtocol, frontProxyProtocol } = optionsOf(tls, 'proxy-protocol-trusted = "192.0.2.0/24"');
  assertEquals([proxyProtocol, frontProxyProtocol], [undefined, false]);
});

Deno.test("buildProxyOptions() does take the PROXY protocol as the configuration says", () => {
  const addresses = ["127.0.0.1", "::1", "192.168.9.9", "192.0.2.7", "2001:db8::7"];
  const trust = 'proxy-protocol-trusted = ["192.0.2.0/24", "2001:db8::7"]';
  for (
    const [line, expected] of [["", [true, true, true, false, false]], [trust, [
      false,
      false,
      false,
      true,
      true,
    ]]] as const
  ) {
    const lines = ["proxy-protocol-listener = true", line, "[domain-fronting]", "proxy-protocol = true"];
    const { proxyProtocol, frontProxyProtocol } = optionsOf(tls, ...lines);
    assertEquals([addresses.map((ip) => proxyProtocol?.trusted.has(ip)), frontProxyProtocol], [expected, true]);
  }
});

Deno.test("buildProxyOptions() does give each of several threads its share of strangers, and all places of clients", () => {
  const { strangersAtMost, slots } = optionsOfOne(3, tls, ["concurrency = 50", "stranger-concurrency = 100"]);
  assertEquals([strangersAtMost, slots.capacity], [34, 50]);
});
