/** Surroundings in which all is well, for tests to spoil. */
import { formatAddress } from "../../lib/address.ts";
import { loadConfig } from "../../lib/config/parse.ts";
import { examine } from "../../lib/doctor/examine.ts";
import type { Check, Group } from "../../lib/doctor/report.ts";
import type { Way, World } from "../../lib/doctor/world.ts";
import type { SiteFlight } from "../../lib/faketls/site_flight.ts";
import type { SiteVisit } from "../../lib/net/site_visit.ts";
import { FakeClock } from "../support/fake_clock.ts";

export const goodConfig = `
secret = "ee00112233445566778899aabbccddeeff6578616d706c652e636f6d"
bind-to = "0.0.0.0:443"
public-host = "example.com"
public-ipv4 = "203.0.113.7"
public-ipv6 = "2001:db8::7"
domain-fronting.ip = "192.0.2.80"
ntp-servers = ["192.0.2.123", "time.example"]
concurrency = 1000
stranger-concurrency = 1000
`;

export const nowMs = Date.UTC(2026, 10, 24);

export const goodFlight: SiteFlight & { readonly kind: "hello" } = {
  kind: "hello",
  hello: { version: 0x0304, suite: 0x1301, group: 0x11ec, isRetry: false },
  records: [{ type: 0x14, size: 1 }, { type: 0x17, size: 4_100 }],
};

export const goodVisit: SiteVisit = {
  protocol: "h2",
  certificate: {
    names: ["example.com"],
    fitsName: true,
    validFromMs: nowMs - 1e9,
    validToMs: Date.UTC(2027, 1, 1),
    isTrusted: true,
  },
};

/** Names and their addresses. */
export const goodNames: Readonly<Record<string, readonly string[]>> = {
  "example.com": ["203.0.113.7", "2001:db8:0::7"],
  "time.example": ["192.0.2.124"],
};

/** Of the system, by file. */
export const goodFiles: Readonly<Record<string, string>> = {
  "/proc/self/limits":
    "Limit   Soft Limit   Hard Limit   Units\nMax open files            1024                 65536                files     \n",
  "/proc/sys/fs/file-max": "9223372036854775807\n",
  "/proc/sys/net/core/somaxconn": "4096\n",
  "/proc/sys/net/ipv4/tcp_max_syn_backlog": "8192\n",
  "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
  "/proc/sys/net/ipv4/tcp_tw_reuse": "2\n",
  "/proc/sys/net/ipv4/ip_local_reserved_ports": "\n",
};

/** A way on which every address answers within 12 ms, but those that `refuse` finds a reason for. */
export function way(parts: Partial<Way> & { readonly refuse?: (address: string) => string | undefined } = {}): Way {
  const { refuse = () => undefined, ...rest } = parts;
  return {
    label: "directly",
    isDirect: true,
    isUsed: true,
    ask(address) {
      const why = refuse(formatAddress(address));
      return why === undefined ? Promise.resolve({ rttMs: 12.3, aheadMs: 7_000 }) : Promise.reject(new Error(why));
    },
    ...rest,
  };
}

export interface Spoiled extends Partial<World> {
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly files?: Readonly<Record<string, string>>;
}

export function fakeWorld({ names, files, ...parts }: Spoiled = {}): World {
  const clock = new FakeClock(nowMs);
  return {
    clock,
    resolver: {
      resolve(host) {
        if (/^[\d.]+$|:/.test(host)) return Promise.resolve([host]);
        const found = { ...goodNames, ...names }[host];
        if (found === undefined || found.length === 0) return Promise.reject(new Error(`${host} has no address`));
        return Promise.resolve(found);
      },
    },
    ways: [way()],
    askTime: () => Promise.resolve({ aheadMs: -12 }),
    touch: (address) => Promise.resolve({ local: { kind: "tcp", host: "203.0.113.7", port: 50_000 }, remote: address }),
    watchSite: () => Promise.resolve(goodFlight),
    visitSite: () => Promise.resolve(goodVisit),
    askSiteDate: () => Promise.resolve({ aheadMs: 300 }),
    publicAddresses: () => Promise.reject(new Error("nobody was to be asked")),
    whoAnswers: () => Promise.resolve("proxy"),
    readSystemFile(path) {
      const text = { ...goodFiles, ...files }[path];
      return text === undefined ? Promise.reject(new Deno.errors.NotCapable()) : Promise.resolve(text);
    },
    os: "linux",
    ...parts,
  };
}

/** The value of a promise that never comes. */
export function never(): Promise<never> {
  return new Promise(() => {});
}

/** The groups that doctor finds with a configuration of these lines in place of, or behind, those of the good one. */
export async function groupsOf(spoiled: Spoiled = {}, lines: readonly string[] = []): Promise<readonly Group[]> {
  const { config, warnings } = loadConfig({ file: { name: "config.toml", text: configWith(lines) } });
  const world = fakeWorld(spoiled);
  const groups = Promise.all(examine({ config, file: "config.toml", warnings }, world));
  await (world.clock as FakeClock).advance(15_000);
  return await groups;
}

/** The good configuration; a line takes the place of the one with the same key. An empty value takes it away. */
export function configWith(lines: readonly string[]): string {
  const key = (line: string) => line.split(" = ")[0];
  const kept = goodConfig.split("\n").filter((line) => !lines.some((other) => key(other) === key(line)));
  return [...kept, ...lines.filter((line) => !line.endsWith(" = "))].join("\n");
}

/** What is not good, as `group/id verdict: seen → advice`. */
export function complaints(groups: readonly Group[]): readonly string[] {
  return groups.flatMap(({ id, checks }) =>
    checks.filter(({ verdict }) => verdict !== "good").map((check) => `${id}/${show(check)}`)
  );
}

export function show({ id, verdict, seen, advice }: Check): string {
  return `${id} ${verdict}: ${seen}${advice === undefined ? "" : ` → ${advice}`}`;
}
