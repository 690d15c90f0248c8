/** What each key of mtg v2 that acts does: a proxy with one value, and how it differs from a proxy with another. */
import { assertEquals } from "@std/assert";
import { formatSecret, secretOf } from "../../lib/policy/secret.ts";
import { runMain } from "../cli/fake_environment.ts";
import { hasIpv6 } from "../net/sockets.ts";
import { randomBytes } from "../support/byte_reader.ts";
import { DnsUdpServer, nothing, rcodes } from "../support/dns_server.ts";
import { siteName } from "../support/fronted_site.ts";
import { RawClient } from "../support/raw_client.ts";
import { SocksServer } from "../support/socks_server.ts";
import { DaemonProcess } from "./daemon_process.ts";
import {
  assertEnds,
  connectsTo,
  errs,
  fronts,
  introduces,
  linksTo,
  type Look,
  names,
  remembers,
  repeats,
  serves,
  updates,
} from "./mtg_v2_looks.ts";
import { type Changes, ConfigProxy, echo, isServed, type World } from "./mtg_v2_rig.ts";

export interface Effect {
  readonly key: string;
  /** Sees what the key does, or fails. */
  readonly run: (world: World) => Promise<void>;
  /** Where it can be seen; anywhere by default. */
  readonly os?: typeof Deno.build.os;
}

type Value = Changes[string];

/** Each value of `key`, and what is seen of a proxy that runs with it. */
function effect<T>(key: string, look: Look<T>, seen: readonly (readonly [Value, T])[], others: Changes = {}): Effect {
  return {
    key,
    run: async (world) => {
      for (const [value, expected] of seen) {
        await using proxy = await ConfigProxy.start(world.config({ ...others, [key]: value }));
        assertEquals(await look(proxy, world), expected, `${key} = ${value}`);
      }
    },
  };
}

/** What is seen in a way of its own. */
function effectOf(key: string, run: Effect["run"], os?: typeof Deno.build.os): Effect {
  return { key, run, ...(os === undefined ? {} : { os }) };
}

const acting: readonly Effect[] = [
  effectOf("debug", async (world) => {
    for (const value of [true, false]) {
      await using daemon = await DaemonProcess.start({ config: world.config({ debug: value }), flags: ["--no-links"] });
      assertEquals(await isServed({ port: daemon.port, secret: world.secret }), true);
      daemon.signal("SIGTERM");
      await daemon.exited;
      const isJson = daemon.log.includes('"level":"INFO"');
      assertEquals([/client 127\.0\.0\.1:\d+ came/.test(daemon.log), isJson], [value, !value], daemon.log);
    }
  }),
  effectOf("secret", async (world) => {
    for (
      const [secret, expected] of [[world.secret, true], [secretOf("tls", randomBytes(16), siteName), false]] as const
    ) {
      await using proxy = await ConfigProxy.start(world.config({ secret: formatSecret(secret, "base64") }));
      assertEquals(await serves(proxy, world), expected);
    }
  }),
  effect("bind-to", ({ host }) => host, [
    ["127.0.0.1:0", "127.0.0.1"],
    hasIpv6() ? ["[::1]:0", "[::1]"] : ["127.0.0.2:0", "127.0.0.2"],
  ]),
  effect("proxy-protocol-listener", names, [[true, "203.0.113.9"], [false, "127.0.0.1"]]),
  effect("concurrency", async (proxy, world) => {
    using first = await RawClient.connect({ port: proxy.port, secret: world.secret });
    await echo(first);
    return [await serves(proxy, world), proxy.ledger.of("limited").length];
  }, [[1, [false, 1]], [2, [true, 0]]]),
  effect("prefer-ip", connectsTo, [
    ["only-ipv4", "127.0.0.1"],
    ["prefer-ipv4", "127.0.0.1"],
    ...hasIpv6() ? [["Prefer-IPv6", "::1"], ["only-ipv6", "::1"]] as const : [],
  ]),
  effect("public-ipv4", linksTo("ipv4"), [["203.0.113.7", "203.0.113.7"], ["", undefined]]),
  effect("public-ipv6", linksTo("ipv6"), [["2001:db8::7", "2001:db8::7"], ["", undefined]]),
  // Telegram's lists are nothing that a test can ask for: that they are asked for is seen at a SOCKS server that refuses.
  effectOf("auto-update", async (world) => {
    const [said, asked] = await updates(world, 2, { "auto-update": true });
    assertEquals(
      said.map((line) => line.replace(/: .*/, "")),
      Array(2).fill("cannot update the addresses of data centres"),
    );
    assertEquals(asked, Array(2).fill("core.telegram.org:443"));
    assertEquals(await updates(world, 2, { "auto-update": false }), [[], []]);
  }),
  effect("tolerate-time-skewness", ({ port }, { secret }) => {
    const timeSeconds = Math.floor(Date.now() / 1_000) - 60;
    return isServed({ port, secret, hello: { timeSeconds } });
  }, [["5s", false], ["2 M", true], ["0s", true]]),
  effect("allow-fallback-on-unknown-dc", ({ port }, { secret }) => isServed({ port, secret, dc: 99 }), [
    [true, true],
    [false, false],
  ]),
];

const fronting: readonly Effect[] = [
  effect("domain-fronting.ip", fronts, [["127.0.0.1", true], ["127.0.0.2", false]]),
  effectOf("domain-fronting.port", async (world) => {
    await effect("domain-fronting.port", fronts, [[world.site.port, true], [1, false]]).run(world);
  }),
  effect("domain-fronting.proxy-protocol", introduces, [[true, "127.0.0.1"], [false, undefined]]),
  effect("domain-fronting-ip", fronts, [["127.0.0.1", true], ["127.0.0.2", false]], {
    "domain-fronting.ip": undefined,
  }),
  effectOf("domain-fronting-port", async (world) => {
    const without = { "domain-fronting.port": undefined };
    await effect("domain-fronting-port", fronts, [[world.site.port, true], [1, false]], without).run(world);
  }),
  effect("domain-fronting-proxy-protocol", introduces, [[true, "127.0.0.1"], [false, undefined]], {
    "domain-fronting.proxy-protocol": undefined,
  }),
];

const networking: readonly Effect[] = [
  // Only the stand-in knows the front's name.
  effectOf("network.dns", async (world) => {
    await using other = new DnsUdpServer(() => nothing(rcodes.nxdomain, 60));
    const uri = ({ port }: DnsUdpServer) => `udp://127.0.0.1:${port}`;
    const without = { "domain-fronting.ip": undefined, "domain-fronting-ip": undefined };
    await effect("network.dns", fronts, [[uri(world.dns), true], [uri(other), false]], without).run(world);
    assertEquals([world.dns.queries[0]?.name, other.queries[0]?.name], [siteName, siteName]);
  }),
  // It leads to port 443, where no test may listen; what holds is seen instead.
  effectOf("network.doh-ip", async (world) => {
    for (const [ip, url] of [["9.9.9.9", "https://9.9.9.9"], ["2001:db8::9", "https://[2001:db8::9]"]] as const) {
      const standardInput = world.config({ "network.dns": undefined, "network.doh-ip": ip });
      const { out } = await runMain(["config", "check", "-"], { standardInput });
      const line = out.find((text) => text.startsWith("network.dns = "));
      assertEquals(line?.split(/ +# /), [`network.dns = "${url}"`, "(standard input):23"]);
    }
  }),
  effectOf("network.proxies", async (world) => {
    await using socks = SocksServer.start({ login: { user: "user", password: "password" } });
    const uri = `socks5://user:password@127.0.0.1:${socks.port}?open_threshold=5&half_open_timeout=1m`;
    for (const [value, requests] of [[[uri], 1], [[], 1], [[""], 1], [["", uri], 2]] as const) {
      await using proxy = await ConfigProxy.start(world.config({ "network.proxies": value, "prefer-ip": "only-ipv4" }));
      // Which of several ways it is, is drawn by lot; that it is 50 times the same does not happen.
      for (let clients = 0; clients === 0 || (clients < 50 && socks.requests.length < requests); clients++) {
        assertEquals(await serves(proxy, world), true);
      }
      assertEquals(socks.requests.length, requests);
    }
  }),
  effectOf("network.timeout.tcp", async (world) => {
    await using mute = SocksServer.start({ behaviour: "mute" });
    const look: Look<string | undefined> = async (proxy) => {
      assertEquals(await serves(proxy, world), false);
      return proxy.ledger.of("dial-failed")[0]?.reason;
    };
    const seen = [["200ms", "no answer within 0.2 s"], ["0.3 S", "no answer within 0.3 s"]] as const;
    const others = { "network.proxies": [`socks5://127.0.0.1:${mute.port}`] };
    await effect("network.timeout.tcp", look, seen, others).run(world);
  }),
  effectOf("network.timeout.http", async (world) => {
    for (const [value, seconds] of [["100ms", 0.1], ["300ms", 0.3]] as const) {
      const [[said]] = await updates(world, "mute", { "auto-update": true, "network.timeout.http": value });
      assertEquals(said?.includes(`no answer within ${seconds} s`), true, said);
    }
  }),
  effectOf("network.timeout.idle", (world) =>
    assertEnds(world, "network.timeout.idle", "idle", async (port) => {
      const client = await RawClient.connect({ port, secret: world.secret });
      await echo(client);
      return client;
    })),
  effectOf(
    "network.timeout.handshake",
    (world) =>
      assertEnds(world, "network.timeout.handshake", "handshake-timeout", async (port) => {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port });
        await conn.write(Uint8Array.of(0x16, 3, 1));
        return conn;
      }),
  ),
  // By the timer of the socket to the data centre: 2 is that of keep-alive.
  effectOf("network.keep-alive.disabled", async (world) => {
    for (const [value, timer] of [[false, "02"], [true, "00"]] as const) {
      await using proxy = await ConfigProxy.start(
        world.config({ "network.keep-alive.disabled": value, "prefer-ip": "only-ipv4" }),
      );
      using client = await RawClient.connect({ port: proxy.port, secret: world.secret });
      await echo(client);
      const { stdout } = await new Deno.Command("cat", { args: ["/proc/net/tcp"] }).output();
      const local = world.dc.connections.at(-1)?.remotePort.toString(16).toUpperCase().padStart(4, "0");
      const [, found] = new RegExp(`:${local} \\S+ 01 \\S+ (\\d\\d):`).exec(new TextDecoder().decode(stdout)) ?? [];
      assertEquals(found, timer);
    }
  }, "linux"),
];

const defending: readonly Effect[] = [
  effect("defense.anti-replay.enabled", repeats, [[true, false], [false, true]]),
  effect("defense.anti-replay.max-size", remembers, [["1MB", true], ["1 kb", false]]),
  effect("defense.anti-replay.error-rate", errs, [[0.5, true], [0.000_001, false]], {
    "defense.anti-replay.max-size": "1KB",
  }),
];

export const effects: readonly Effect[] = [...acting, ...fronting, ...networking, ...defending];
