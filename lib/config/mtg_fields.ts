/**
 * Keys of mtg v2 that do not act here as they do there, so that a file of its works as it is: deprecated ones, what Deno cannot
 * set, and tables that this version does not have yet. All are checked like any other; none is ignored in silence.
 */
import { bracketed } from "../address.ts";
import { ip, ipAndPort, listOf } from "./address_values.ts";
import { defaulted, type Field, optional, type Replacement, type ValuesOf } from "./field.ts";
import { httpPath, httpsUrl, listSource, metricPrefix } from "./special_values.ts";
import { bool, choice, duration, integer, port, type ValueParser } from "./values.ts";

/** What must be told about keys that are given, and right. */
export interface Notice {
  readonly kind: "later" | "unsupported";
  /** All that it is about, the one that stands for them first. */
  readonly keys: readonly string[];
  /** The rest of a sentence that begins with the keys. */
  readonly text: string;
}

function deprecated<T>(
  key: string,
  parser: ValueParser<T>,
  about: { readonly sample: unknown; readonly replacement: Replacement },
): Field<T | undefined> {
  const docs = `Deprecated: \`${about.replacement.key}\` is its name now, and acts if both are given.`;
  return { ...optional(key, parser, { docs, hot: true, sample: about.sample }), kind: "deprecated", ...about };
}

const deprecatedFields = {
  "domain-fronting-ip": deprecated("domain-fronting-ip", ip, {
    sample: "203.0.113.80",
    replacement: { key: "domain-fronting.ip", convert: (raw) => raw },
  }),
  "domain-fronting-port": deprecated("domain-fronting-port", port, {
    sample: 443,
    replacement: { key: "domain-fronting.port", convert: (raw) => raw },
  }),
  "domain-fronting-proxy-protocol": deprecated("domain-fronting-proxy-protocol", bool, {
    sample: false,
    replacement: { key: "domain-fronting.proxy-protocol", convert: (raw) => raw },
  }),
  "network.doh-ip": deprecated("network.doh-ip", ip, {
    sample: "1.1.1.1",
    replacement: { key: "network.dns", convert: dohUrl },
  }),
};

function dohUrl(raw: unknown): string {
  return `https://${bracketed(String(raw).trim())}`;
}

function unsupported<T>(key: string, parser: ValueParser<T>, sysctl: string, sample: unknown): Field<T | undefined> {
  const docs = `Deno cannot set it, and a warning says so; the system's own value holds: sysctl \`${sysctl}\`.`;
  return { ...optional(key, parser, { docs, hot: true, sample }), kind: "unsupported" };
}

const sysctls = {
  "network.keep-alive.idle": "net.ipv4.tcp_keepalive_time",
  "network.keep-alive.interval": "net.ipv4.tcp_keepalive_intvl",
  "network.keep-alive.count": "net.ipv4.tcp_keepalive_probes",
} as const;

const unsupportedFields = {
  "network.keep-alive.idle": unsupported(
    "network.keep-alive.idle",
    duration,
    sysctls["network.keep-alive.idle"],
    "15s",
  ),
  "network.keep-alive.interval": unsupported(
    "network.keep-alive.interval",
    duration,
    sysctls["network.keep-alive.interval"],
    "15s",
  ),
  "network.keep-alive.count": unsupported(
    "network.keep-alive.count",
    integer(0, 65_535),
    sysctls["network.keep-alive.count"],
    9,
  ),
};

function later<T>(key: string, parser: ValueParser<T>, preset: unknown): Field<T> {
  const docs = "Not in this version yet: it is checked, and a warning tells if it asks for something.";
  return { ...defaulted(key, parser, { docs, hot: true, default: preset }), kind: "later" };
}

const count = integer(0, 65_535);
const tagFormats = ["datadog", "influxdb", "graphite"] as const;

const laterFields = {
  "defense.blocklist.enabled": later("defense.blocklist.enabled", bool, false),
  "defense.blocklist.download-concurrency": later("defense.blocklist.download-concurrency", count, 1),
  "defense.blocklist.urls": later("defense.blocklist.urls", listOf(listSource), []),
  "defense.blocklist.update-each": later("defense.blocklist.update-each", duration, "6h"),
  "defense.allowlist.enabled": later("defense.allowlist.enabled", bool, false),
  "defense.allowlist.download-concurrency": later("defense.allowlist.download-concurrency", count, 1),
  "defense.allowlist.urls": later("defense.allowlist.urls", listOf(listSource), []),
  "defense.allowlist.update-each": later("defense.allowlist.update-each", duration, "6h"),
  "defense.doppelganger.urls": later("defense.doppelganger.urls", listOf(httpsUrl), []),
  "defense.doppelganger.repeats-per-raid": later("defense.doppelganger.repeats-per-raid", count, 10),
  "defense.doppelganger.raid-each": later("defense.doppelganger.raid-each", duration, "6h"),
  "defense.doppelganger.drs": later("defense.doppelganger.drs", bool, false),
  "stats.statsd.enabled": later("stats.statsd.enabled", bool, false),
  "stats.statsd.address": later("stats.statsd.address", ipAndPort, "127.0.0.1:8125"),
  "stats.statsd.metric-prefix": later("stats.statsd.metric-prefix", metricPrefix, "mtg"),
  "stats.statsd.tag-format": later("stats.statsd.tag-format", choice(tagFormats), "datadog"),
  "stats.prometheus.enabled": later("stats.prometheus.enabled", bool, false),
  "stats.prometheus.bind-to": later("stats.prometheus.bind-to", ipAndPort, "127.0.0.1:3129"),
  "stats.prometheus.http-path": later("stats.prometheus.http-path", httpPath, "/"),
  "stats.prometheus.metric-prefix": later("stats.prometheus.metric-prefix", metricPrefix, "mtg"),
};

/** By their keys: none has a place in a `Config`. */
export const mtgFields = { ...deprecatedFields, ...unsupportedFields, ...laterFields };

/** What there is to tell about `values`. */
export function noticesOf(values: ValuesOf<typeof mtgFields>): readonly Notice[] {
  const unset = (Object.keys(sysctls) as (keyof typeof sysctls)[]).filter((key) => (values[key] ?? 0) !== 0);
  const system = unset.map((key) => sysctls[key]).join(", ");
  const text = `Deno cannot set ${
    unset.length > 1 ? "them" : "it"
  }, so the system's own values hold (sysctl ${system})`;
  const notices: Notice[] = unset.length > 0 ? [{ kind: "unsupported", keys: unset, text }] : [];
  const wanted: readonly (readonly [string, boolean])[] = [
    ["defense.blocklist.enabled", values["defense.blocklist.enabled"]],
    ["defense.allowlist.enabled", values["defense.allowlist.enabled"]],
    ["defense.doppelganger.urls", values["defense.doppelganger.urls"].length > 0],
    ["defense.doppelganger.drs", values["defense.doppelganger.drs"]],
    ["stats.statsd.enabled", values["stats.statsd.enabled"]],
    ["stats.prometheus.enabled", values["stats.prometheus.enabled"]],
  ];
  for (const [key, isWanted] of wanted) {
    const table = key.slice(0, key.lastIndexOf("."));
    const missing = `[${table}] is not in this version yet, the proxy runs without it`;
    if (isWanted) notices.push({ kind: "later", keys: [key], text: missing });
  }
  return notices;
}
