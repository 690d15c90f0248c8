/**
 * Every key of a configuration: its parser, its default, whether a running proxy takes over a change, and what it is
 * for. Parsing, messages about unknown keys, defaults and the documentation all come from this one table.
 *
 * A duration of zero stands for the default, as in mtg v2, except for `grace`, where "0s" really means not to wait. The
 * same goes for an empty text, wherever a key need not be given.
 */
import type { PreferIp } from "../address.ts";
import { defaultTimeServers } from "../wire/sntp.ts";
import {
  addresses,
  type FrontTarget,
  frontTarget,
  host,
  ip,
  ipAndPort,
  ipv4,
  ipv6,
  listenAddresses,
  listOf,
  network,
} from "./address_values.ts";
import type { Config, LogLevel } from "./config.ts";
import {
  defaulted,
  type Field,
  freeTable,
  optional,
  type Problem,
  readTable,
  required,
  type Schema,
  type Table,
  type ValuesOf,
} from "./field.ts";
import { mtgFields, type Notice, noticesOf } from "./mtg_fields.ts";
import { dcNumber, largestBuffer, stateDirectory, workerCount } from "./special_values.ts";
import { dnsServer, uplink } from "./uri_values.ts";
import { bool, bytes, choice, duration, errorRate, integer, port, secret } from "./values.ts";

export const logLevels: readonly LogLevel[] = ["debug", "info", "warning", "error"];
export const preferences: readonly PreferIp[] = ["prefer-ipv4", "prefer-ipv6", "only-ipv4", "only-ipv6"];

const topFields = {
  secret: required("secret", secret, {
    docs: "What clients must know to use the proxy. `mtg generate-secret www.example.com` makes one.",
    hot: true,
    missing: 'make one with "mtg generate-secret www.example.com"',
    sample: "what mtg generate-secret printed",
    confidential: true,
  }),
  bindTo: required("bind-to", listenAddresses, {
    docs: 'Where to listen: "host:port", ":port" for all interfaces, "unix:/path", or an array of these.',
    hot: false,
    missing: 'say where to listen, such as "0.0.0.0:3128"',
    sample: "0.0.0.0:3128",
  }),
  concurrency: defaulted("concurrency", integer(1, 1_000_000), {
    docs: "How many clients are served at a time; more are turned away as soon as they have proven the secret.",
    hot: true,
    default: 8192,
  }),
  strangerConcurrency: defaulted("stranger-concurrency", integer(1, 1_000_000), {
    docs: "How many connections at a time may not have proven the secret; beyond it the one silent longest is closed.",
    hot: false,
    default: 8192,
  }),
  workers: defaulted("workers", workerCount, {
    docs: 'How many threads serve clients: a number, or "auto" for one per core. Several need Linux and a TCP address.',
    hot: false,
    default: "auto",
  }),
  isolate: defaulted("isolate", bool, {
    docs: "Keep clients out of the thread that may read this file, even where one thread serves them all.",
    hot: false,
    default: false,
  }),
  preferIp: defaulted("prefer-ip", choice(preferences), {
    docs: "Which kind of address is tried first, or alone, to reach Telegram.",
    hot: true,
    default: "prefer-ipv6",
  }),
  debug: defaulted("debug", bool, {
    docs: "Log as much as possible, whatever log-level says.",
    hot: true,
    default: false,
  }),
  logLevel: defaulted("log-level", choice<LogLevel>(logLevels, { warn: "warning" }), {
    docs: "The least important lines that are logged: debug, info, warning or error.",
    hot: true,
    default: "info",
  }),
  publicIpv4: optional("public-ipv4", ipv4, {
    docs: "The IPv4 address in links, where bind-to does not tell it.",
    hot: true,
    sample: "203.0.113.7",
  }),
  publicIpv6: optional("public-ipv6", ipv6, {
    docs: "The IPv6 address in links, where bind-to does not tell it.",
    hot: true,
    sample: "2001:db8::7",
  }),
  publicHost: optional("public-host", host, {
    docs: "The host in links: a name outlives an address. It goes before public-ipv4 and public-ipv6.",
    hot: true,
    sample: "proxy.example.com",
  }),
  publicPort: optional("public-port", port, {
    docs: "The port in links, where clients reach the proxy through another one than it listens on.",
    hot: true,
    sample: 443,
  }),
  tolerateTimeSkewnessMs: defaulted("tolerate-time-skewness", duration, {
    docs: "How far a client's clock may be off, either way.",
    hot: true,
    default: "2m",
    zeroIsDefault: true,
  }),
  allowFallbackOnUnknownDc: defaulted("allow-fallback-on-unknown-dc", bool, {
    docs: "Take data centre 2 for those that are not known, instead of refusing the client.",
    hot: true,
    default: false,
  }),
  proxyProtocolListener: defaulted("proxy-protocol-listener", bool, {
    docs: "Clients come through a load balancer that says where they came from, by a PROXY protocol header.",
    hot: true,
    default: false,
  }),
  proxyProtocolTrusted: defaulted("proxy-protocol-trusted", listOf(network), {
    docs: "Networks of load balancers whose PROXY protocol headers are believed; others that send one are strangers.",
    hot: true,
    default: ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
  }),
  autoUpdate: defaulted("auto-update", bool, {
    docs: "Ask Telegram each hour for further addresses of data centre 203, which serves media.",
    hot: true,
    default: false,
  }),
  watchConfig: defaulted("watch-config", bool, {
    docs: "Read this file again whenever it changes, not on SIGHUP alone.",
    hot: true,
    default: false,
  }),
  ntpServers: defaulted("ntp-servers", listOf(host), {
    docs: "Time servers that `mtg doctor` asks.",
    hot: true,
    default: defaultTimeServers,
  }),
  graceMs: defaulted("grace", duration, {
    docs: 'How long running sessions may go on when the proxy is told to stop; "0s" is not at all.',
    hot: true,
    default: "5s",
  }),
};

const sectionFields = {
  "telegram.fastMode": defaulted("telegram.fast-mode", bool, {
    docs: "Let Telegram's bytes pass through to the client without encrypting them anew.",
    hot: true,
    default: true,
  }),
  "state.directory": defaulted("state.directory", stateDirectory, {
    docs:
      "Where a generated secret and Telegram's last good answers are kept: mtg-data, /var/lib/mtg, /data or /run/mtg.",
    hot: false,
    default: "mtg-data",
  }),
  "domainFronting.host": optional<FrontTarget>("domain-fronting.host", frontTarget, {
    docs: 'The site that strangers see, or "unix:/path"; without it, the host of a fake-TLS secret.',
    hot: true,
    sample: "www.example.com",
  }),
  "domainFronting.ip": optional("domain-fronting.ip", ip, {
    docs: "The address of that site, where its name does not tell it.",
    hot: true,
    sample: "203.0.113.80",
  }),
  "domainFronting.port": defaulted("domain-fronting.port", port, {
    docs: "The port of that site.",
    hot: true,
    default: 443,
  }),
  "domainFronting.proxyProtocol": defaulted("domain-fronting.proxy-protocol", bool, {
    docs: "Tell that site where each client came from, by a PROXY protocol header of version 2.",
    hot: true,
    default: false,
  }),
  "network.dns": optional("network.dns", dnsServer, {
    docs: 'Who looks names up: "udp://1.1.1.1", "tls://1.1.1.1", "https://1.1.1.1"; without it, the system.',
    hot: true,
    sample: "https://1.1.1.1",
  }),
  "network.uplinks": defaulted("network.proxies", listOf(uplink), {
    docs: 'SOCKS5 proxies on the way to Telegram: "socks5://user:password@host:port"; "" is the direct way.',
    hot: true,
    default: [],
  }),
  "network.largestBufferBytes": defaulted("network.largest-buffer", largestBuffer, {
    docs: "How large the buffer of a session in each direction may grow; rounded down to 4, 16, 64, 128 or 256 KiB.",
    hot: false,
    default: "256kib",
  }),
  "network.keepAlive": defaulted("network.keep-alive.disabled", bool, {
    docs: "Do without the system's probes of silent connections, which tell when the other side is gone.",
    hot: true,
    default: false,
  }),
  "network.timeout.tcpMs": defaulted("network.timeout.tcp", duration, {
    docs: "How long connecting to Telegram or to the fronted site may take.",
    hot: true,
    default: "10s",
    zeroIsDefault: true,
  }),
  "network.timeout.httpMs": defaulted("network.timeout.http", duration, {
    docs: "How long a download may take: addresses of Telegram, one's own address.",
    hot: true,
    default: "10s",
    zeroIsDefault: true,
  }),
  "network.timeout.handshakeMs": defaulted("network.timeout.handshake", duration, {
    docs: "How long a client may take until it has proven that it knows the secret.",
    hot: true,
    default: "10s",
    zeroIsDefault: true,
  }),
  "network.timeout.idleMs": defaulted("network.timeout.idle", duration, {
    docs: "How long a session may be silent both ways before it is ended.",
    hot: true,
    default: "5m",
    zeroIsDefault: true,
  }),
  "defense.antiReplay.enabled": defaulted("defense.anti-replay.enabled", bool, {
    docs: "Treat a client that repeats an earlier one's first message as a stranger.",
    hot: false,
    default: true,
  }),
  "defense.antiReplay.maxSizeBytes": defaulted(
    "defense.anti-replay.max-size",
    bytes({ bytes: 2 ** 30, text: "1gib" }),
    {
      docs: "How much memory remembers earlier messages; 0 switches anti-replay off.",
      hot: false,
      default: "1mib",
    },
  ),
  "defense.antiReplay.errorRate": defaulted("defense.anti-replay.error-rate", errorRate, {
    docs: "How often a new client may be mistaken for an earlier one.",
    hot: false,
    default: 0.001,
  }),
  dcOverrides: freeTable("dc-overrides", { keys: dcNumber, values: addresses(ipAndPort) }, {
    docs: 'Addresses that stand in for Telegram\'s own, by data centre; "2" also covers -2 and the test numbers.',
    hot: true,
    sample: { "2": ["127.0.0.1:8443", "[::1]:8443"] },
  }),
};

/** Every key, in the order in which the example shows them; those that act go by their places in a `Config`. */
const fields = { ...topFields, ...sectionFields, ...mtgFields };

/** All fields with their defaults and documentation. */
export const allFields: readonly Field<unknown>[] = Object.values<Field<unknown>>(fields satisfies Schema);

/** The fields that act, by the place of their value in a `Config`, such as `network.timeout.tcpMs`. */
export const fieldsByPlace: ReadonlyMap<string, Field<unknown>> = new Map(
  Object.entries<Field<unknown>>(fields).filter(([, { kind }]) => kind === "key"),
);

export interface ReadFields {
  readonly config: Config;
  readonly notices: readonly Notice[];
}

/** Makes a configuration of a document's values; `undefined` if that added to `problems`. */
export function readFields(document: Table, problems: Problem[]): ReadFields | undefined {
  const values = readTable(fields, document, [], problems);
  return problems.length === 0 ? { config: arrange(values), notices: noticesOf(values) } : undefined;
}

function arrange(values: ValuesOf<typeof fields>): Config {
  return {
    secret: values.secret,
    bindTo: values.bindTo,
    concurrency: values.concurrency,
    strangerConcurrency: values.strangerConcurrency,
    workers: values.workers,
    isolate: values.isolate,
    preferIp: values.preferIp,
    debug: values.debug,
    logLevel: values.debug ? "debug" : values.logLevel,
    publicIpv4: values.publicIpv4,
    publicIpv6: values.publicIpv6,
    publicHost: values.publicHost,
    publicPort: values.publicPort,
    tolerateTimeSkewnessMs: values.tolerateTimeSkewnessMs,
    allowFallbackOnUnknownDc: values.allowFallbackOnUnknownDc,
    graceMs: values.graceMs,
    telegram: { fastMode: values["telegram.fastMode"] },
    state: { directory: values["state.directory"] },
    proxyProtocolListener: values.proxyProtocolListener,
    proxyProtocolTrusted: values.proxyProtocolTrusted,
    autoUpdate: values.autoUpdate,
    watchConfig: values.watchConfig,
    ntpServers: values.ntpServers,
    domainFronting: {
      host: values["domainFronting.host"]?.host,
      unixPath: values["domainFronting.host"]?.unixPath,
      ip: values["domainFronting.ip"],
      port: values["domainFronting.port"],
      proxyProtocol: values["domainFronting.proxyProtocol"],
    },
    network: {
      dns: values["network.dns"],
      uplinks: values["network.uplinks"],
      largestBufferBytes: values["network.largestBufferBytes"],
      keepAlive: !values["network.keepAlive"],
      timeout: {
        tcpMs: values["network.timeout.tcpMs"],
        httpMs: values["network.timeout.httpMs"],
        handshakeMs: values["network.timeout.handshakeMs"],
        idleMs: values["network.timeout.idleMs"],
      },
    },
    defense: {
      antiReplay: {
        enabled: values["defense.antiReplay.enabled"],
        maxSizeBytes: values["defense.antiReplay.maxSizeBytes"],
        errorRate: values["defense.antiReplay.errorRate"],
      },
    },
    dcOverrides: values.dcOverrides,
  };
}
