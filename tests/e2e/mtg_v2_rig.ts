/** The configuration of mtg v2 in `tests/fixtures/config/`, adapted to this machine, and proxies that run by it. */
import { assertEquals } from "@std/assert";
import { parse } from "smol-toml";
import { type Address, formatAddress } from "../../lib/address.ts";
import { loadConfig, type LoadedConfig } from "../../lib/config/parse.ts";
import { Listener } from "../../lib/net/listener.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import { formatSecret, type Secret, secretOf } from "../../lib/policy/secret.ts";
import type { ProxyOptions } from "../../lib/proxy/options.ts";
import { Proxy } from "../../lib/proxy/proxy.ts";
import { buildProxyOptions } from "../../lib/thread/build_proxy.ts";
import { Network } from "../../lib/thread/network.ts";
import { allocate, SharedState } from "../../lib/thread/shared_state.ts";
import { hasIpv6 } from "../net/sockets.ts";
import { ByteReader, randomBytes } from "../support/byte_reader.ts";
import { addresses, DnsUdpServer } from "../support/dns_server.ts";
import { EventLedger } from "../support/event_ledger.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { Site, siteName, type SiteScript } from "../support/fronted_site.ts";
import { RawClient, type RawClientOptions, sendAll } from "../support/raw_client.ts";

export const fixture: string = Deno.readTextFileSync(new URL("../fixtures/config/mtg_v2.toml", import.meta.url));

/** Values by dotted key; `undefined` takes the key's line out. */
export type Changes = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** Dotted keys of the fixture. */
export const fixtureKeys: readonly string[] = leaves(parse(fixture));

function leaves(table: object, prefix = ""): string[] {
  return Object.entries(table).flatMap(([name, value]) =>
    typeof value === "object" && !Array.isArray(value) ? leaves(value, `${prefix}${name}.`) : [`${prefix}${name}`]
  );
}

/** The fixture with other values, each in its line. */
export function adapted(changes: Changes): string {
  const missing = new Set(Object.keys(changes));
  let table = "";
  const lines = fixture.split("\n").map((line) => {
    const [, header] = /^\[(.*)\]$/.exec(line) ?? [];
    if (header !== undefined) table = `${header}.`;
    const [, name] = /^([\w-]+) = /.exec(line) ?? [];
    const key = `${table}${name}`;
    if (name === undefined || !missing.delete(key)) return line;
    return changes[key] === undefined ? `# ${line}` : `${name} = ${JSON.stringify(changes[key])}`;
  });
  assertEquals([...missing], [], "no key of the fixture");
  return lines.join("\n");
}

/** The fixture with all lines taken out but those that must be there and those of `changes`. */
export function alone(changes: Changes): string {
  const others = fixtureKeys.filter((key) => key !== "secret" && key !== "bind-to");
  return adapted({ ...Object.fromEntries(others.map((key) => [key, undefined])), ...changes });
}

export const answer = new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\nthe fronted site");

const answerOnce: SiteScript = async ({ reader, write, closeWrite }) => {
  if (await reader.some() === null) return;
  await write(answer);
  await closeWrite();
  await reader.all();
};

/** What a proxy needs around it, all on loopback, and a client's secret. */
export class World implements AsyncDisposable {
  readonly secret: Secret = secretOf("tls", randomBytes(16), siteName);
  readonly dc: FakeDc = FakeDc.start({ mode: "echo" });
  /** The same data centre over IPv6, where there is such. */
  readonly dc6: FakeDc | undefined = hasIpv6() ? FakeDc.start({ mode: "echo", hostname: "::1" }) : undefined;
  readonly site: Site = Site.plain(answerOnce);
  /** Knows names that nobody else knows. */
  readonly dns: DnsUdpServer = new DnsUdpServer((query) => addresses(query, ["127.0.0.1"]));

  /** The whole file, with what is not on this machine replaced. */
  config(changes: Changes = {}): string {
    const text = adapted({
      "debug": false,
      "secret": formatSecret(this.secret, "base64"),
      "bind-to": "127.0.0.1:0",
      "domain-fronting.ip": "127.0.0.1",
      "domain-fronting.port": this.site.port,
      "domain-fronting.proxy-protocol": false,
      "network.dns": `udp://127.0.0.1:${this.dns.port}`,
      "network.proxies": [],
      ...changes,
    });
    const dcs = [...this.dc.addresses, ...this.dc6?.addresses ?? []];
    return `${text}\n[dc-overrides]\n2 = ${JSON.stringify(dcs)}\n`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.dc, this.dc6, this.site, this.dns].map((each) => each?.[Symbol.asyncDispose]()));
  }
}

/** A proxy in this very process, put together as the daemon does it, but that its events can be looked at. */
export class ConfigProxy implements AsyncDisposable {
  readonly loaded: LoadedConfig;
  readonly ledger: EventLedger = new EventLedger(systemClock);
  readonly options: ProxyOptions;
  readonly address: Address;
  readonly #listener: Listener;
  readonly #network: Network;
  readonly #proxy: Proxy;
  readonly #accepting: Promise<void>;

  private constructor(listener: Listener, loaded: LoadedConfig) {
    const { config } = this.loaded = loaded;
    this.#listener = listener;
    this.address = listener.address;
    const parts = { clock: systemClock, events: this.ledger };
    const network = this.#network = new Network(config, parts);
    const shared = new SharedState(config, allocate(config, 1));
    const surroundings = { ...parts, isOwn: () => false, shared, network, workers: 1 };
    this.options = buildProxyOptions({ config, dcUpdates: new Map() }, surroundings);
    this.#proxy = new Proxy(this.options);
    this.#accepting = listener.acceptInto(this.#proxy, parts);
  }

  static async start(text: string): Promise<ConfigProxy> {
    const loaded = loadConfig({ file: { name: "config.toml", text } });
    const [bindTo] = loaded.config.bindTo;
    return new ConfigProxy(await Listener.open(bindTo!), loaded);
  }

  get port(): number {
    return this.address.kind === "tcp" ? this.address.port : 0;
  }

  /** Without its port. */
  get host(): string {
    return formatAddress(this.address).replace(/:\d+$/, "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener[Symbol.dispose]();
    await this.#accepting;
    await this.#proxy[Symbol.asyncDispose]();
    this.#network[Symbol.dispose]();
    this.ledger.assertBalanced();
  }
}

/** Sends payload and gets it back. */
export async function echo(client: RawClient): Promise<void> {
  const bytes = randomBytes(100);
  await client.write(bytes);
  assertEquals(await client.readExactly(bytes.length), bytes);
}

/** Whether a client that comes and goes is served. */
export async function isServed(options: RawClientOptions): Promise<boolean> {
  try {
    using client = await RawClient.connect(options);
    await echo(client);
    return true;
  } catch {
    return false;
  }
}

/** What comes back for `bytes`, up to the length of the site's answer. */
export async function ask(port: number, bytes: Uint8Array): Promise<Uint8Array> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await sendAll(conn, bytes);
  const reader = new ByteReader((into) => conn.read(into));
  return await reader.exactly(answer.length).catch(() => new Uint8Array(0));
}

/** Whether a stranger gets to see the fronted site. */
export async function isFronted(port: number): Promise<boolean> {
  const got = await ask(port, new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n"));
  return got.toHex() === answer.toHex();
}
