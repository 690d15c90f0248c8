/** What is said of each key of mtg v2 that does not act here as it does there. */
import type { Changes } from "./mtg_v2_rig.ts";

type Kind = "deprecated" | "unsupported" | "later";

export interface Told {
  readonly key: string;
  readonly kind: Kind;
  /** Values with which a file asks for something, that of the key among them. */
  readonly asks: Changes;
  /** The key that the warning begins with. */
  readonly about: string;
  /** The rest of the warning. */
  readonly says: string;
}

/** What `mtg config check` says behind a value. */
export const remarks: Readonly<Record<Kind, string>> = {
  deprecated: "deprecated",
  unsupported: "which Deno cannot set",
  later: "not in this version yet",
};

export const isLater = "is not in this version yet, the proxy runs without it";

function deprecated(key: string, value: string | number | boolean, advice: string): Told {
  return { key, kind: "deprecated", asks: { [key]: value }, about: key, says: ` is deprecated: use ${advice}` };
}

function unsupported(key: string, value: string | number, sysctl: string): Told {
  const says = `: Deno cannot set it, so the system's own values hold (sysctl ${sysctl})`;
  return { key, kind: "unsupported", asks: { [key]: value }, about: key, says };
}

/** Keys of a table that comes later: the first of `values` asks for it, the others are what it would go by. */
function later(table: string, values: Changes): readonly Told[] {
  const [[asking = "", wanted] = []] = Object.entries(values);
  const about = `${table}.${asking}`;
  return Object.entries(values).map(([name, value]): Told => {
    const key = `${table}.${name}`;
    return { key, kind: "later", asks: { [about]: wanted, [key]: value }, about, says: `: [${table}] ${isLater}` };
  });
}

const list: Changes = {
  "enabled": true,
  "download-concurrency": 3,
  "urls": ["https://lists.example.com/level1.netset"],
  "update-each": "1h",
};

export const told: readonly Told[] = [
  deprecated("domain-fronting-ip", "192.0.2.10", 'domain-fronting.ip, here "192.0.2.10"'),
  deprecated("domain-fronting-port", 8443, "domain-fronting.port, here 8443"),
  deprecated("domain-fronting-proxy-protocol", true, "domain-fronting.proxy-protocol, here true"),
  deprecated("network.doh-ip", "9.9.9.9", 'network.dns, here "https://9.9.9.9"'),
  unsupported("network.keep-alive.idle", "1s", "net.ipv4.tcp_keepalive_time"),
  unsupported("network.keep-alive.interval", "1s", "net.ipv4.tcp_keepalive_intvl"),
  unsupported("network.keep-alive.count", 3, "net.ipv4.tcp_keepalive_probes"),
  ...later("defense.blocklist", list),
  ...later("defense.allowlist", list),
  ...later("defense.doppelganger", {
    "urls": ["https://www.example.com/page"],
    "repeats-per-raid": 3,
    "raid-each": "1h",
  }),
  ...later("defense.doppelganger", { drs: true }),
  ...later("stats.statsd", {
    "enabled": true,
    "address": "127.0.0.1:8888",
    "metric-prefix": "proxy",
    "tag-format": "influxdb",
  }),
  ...later("stats.prometheus", {
    "enabled": true,
    "bind-to": "127.0.0.1:3129",
    "http-path": "metrics",
    "metric-prefix": "proxy",
  }),
];
