import { envLayer } from "../config/env.ts";
import type { Table } from "../config/field.ts";
import { allFields, logLevels, preferences } from "../config/fields.ts";
import { put, type Source } from "../config/layers.ts";
import { loadLayers } from "../config/parse.ts";
import { type Command, type Input, usageError, wrongValue } from "./command.ts";
import { noLinksFlag, serveWithLinks } from "./run.ts";
import { refuseSocketsElsewhere } from "./sockets.ts";

/** Flags and arguments that stand for one key of a configuration each; all that is said about it holds for them. */
const keys: readonly { readonly name: string; readonly key: readonly string[] }[] = [
  { name: "<bind-to>", key: ["bind-to"] },
  { name: "<secret>", key: ["secret"] },
  { name: "--debug", key: ["debug"] },
  { name: "--log-level", key: ["log-level"] },
  { name: "--concurrency", key: ["concurrency"] },
  { name: "--workers", key: ["workers"] },
  { name: "--prefer-ip", key: ["prefer-ip"] },
  { name: "--domain-fronting-port", key: ["domain-fronting", "port"] },
  { name: "--domain-fronting-ip", key: ["domain-fronting", "ip"] },
  { name: "--dns", key: ["network", "dns"] },
  { name: "--doh-ip", key: ["network", "doh-ip"] },
  { name: "--timeout", key: ["network", "timeout", "tcp"] },
  { name: "--timeout", key: ["network", "timeout", "http"] },
  { name: "--socks5-proxy", key: ["network", "proxies"] },
  { name: "--antireplay-cache-size", key: ["defense", "anti-replay", "max-size"] },
  { name: "--fast-mode", key: ["telegram", "fast-mode"] },
  { name: "--dc-override", key: ["dc-overrides"] },
];

export const simpleRun: Command = {
  name: "simple-run",
  summary: "run a proxy without a configuration",
  docs: "As run does, with what stands on the command line, then what MTG_ variables say, and the defaults of a\n" +
    "configuration for all the rest; but for a data centre that is not known, 2 is taken.",
  arguments: [
    { name: "<bind-to>", docs: "where to listen, such as 0.0.0.0:3128" },
    { name: "<secret>", docs: "a secret; mtg generate-secret makes one" },
  ],
  flags: [
    { name: "debug", short: "d", docs: "Log as much as possible." },
    {
      name: "log-level",
      value: "<level>",
      completes: logLevels,
      docs: "debug, info, warning or error. Default: info.",
    },
    {
      name: "concurrency",
      short: "c",
      value: "<number>",
      docs: "How many clients are served at a time. Default: 8192.",
    },
    {
      name: "workers",
      value: "<number>",
      docs: "How many threads serve clients, or auto. Default: auto, which is one per core.",
    },
    {
      name: "prefer-ip",
      short: "i",
      value: "<preference>",
      completes: preferences,
      docs: "prefer-ipv4, prefer-ipv6, only-ipv4 or only-ipv6. Default: prefer-ipv6.",
    },
    {
      name: "domain-fronting-port",
      short: "p",
      value: "<port>",
      docs: "The port of the site that strangers see. Default: 443.",
    },
    { name: "domain-fronting-ip", value: "<address>", docs: "The address of the site that strangers see." },
    { name: "dns", value: "<uri>", docs: "Who looks names up, such as tls://1.1.1.1. Default: the system." },
    { name: "doh-ip", short: "n", value: "<address>", docs: "The same as --dns https://<address>, for mtg's sake." },
    {
      name: "socks5-proxy",
      short: "s",
      value: "<url>",
      docs: "A proxy on the way to Telegram, socks5://user:password@host:port. May be repeated.",
    },
    { name: "timeout", short: "t", value: "<duration>", docs: "How long connecting may take. Default: 10s." },
    {
      name: "antireplay-cache-size",
      short: "a",
      value: "<size>",
      docs: "Memory to remember clients with, 0 for none. Default: 1mib.",
    },
    { name: "fast-mode", docs: "Let Telegram's bytes through without encrypting them anew. This is the default." },
    { name: "no-fast-mode", docs: "Encrypt Telegram's bytes anew." },
    {
      name: "dc-override",
      value: "<dc=ip:port>",
      docs: "An address in place of Telegram's own, such as 2=127.0.0.1:8443. May be repeated.",
    },
    { name: "tcp-buffer", short: "b", value: "<size>", docs: "Accepted for mtg's sake, and without effect." },
    noLinksFlag,
  ],
  run: async (input, environment) => {
    const loaded = loadLayers([
      { table: { "allow-fallback-on-unknown-dc": true }, source: commandLine },
      envLayer((name) => environment.env(name), allFields),
      { table: documentOf(input), source: commandLine },
    ]);
    refuseSocketsElsewhere(loaded);
    if (input.value("tcp-buffer") !== undefined) {
      environment.printError("mtg: --tcp-buffer has no effect: buffers find their size by themselves");
    }
    return await serveWithLinks(loaded, environment, { links: !input.has("no-links") });
  },
};

/** Messages speak of flags and arguments, in the place of keys. */
const commandLine: Source = {
  name: (path) => keys.find(({ key }) => key.every((step, index) => path[index] === step))?.name ?? path.join("."),
  place: () => ({}),
};

/** What the configuration would be as a file. */
function documentOf(input: Input): Table {
  const [bindTo, secret] = input.arguments;
  const document: Record<string, unknown> = {};
  for (const { name, key } of keys) {
    const value = input.value(name.slice("--".length));
    if (value !== undefined) put(document, key, value);
  }
  put(document, ["bind-to"], bindTo);
  put(document, ["secret"], secret);
  if (input.has("debug")) put(document, ["debug"], true);
  if (input.has("fast-mode") && input.has("no-fast-mode")) {
    throw usageError("--fast-mode and --no-fast-mode: expected only one of them");
  }
  if (input.has("no-fast-mode")) put(document, ["telegram", "fast-mode"], false);
  const proxies = input.values("socks5-proxy").flatMap((urls) => urls.split(",")).map((url) => url.trim());
  if (proxies.length > 0) put(document, ["network", "proxies"], proxies.filter((url) => url !== ""));
  const overrides = input.values("dc-override");
  if (overrides.length > 0) put(document, ["dc-overrides"], overridesOf(overrides));
  return document;
}

function overridesOf(values: readonly string[]): Table {
  const overrides: Record<string, string[]> = {};
  for (const value of values) {
    const [, dc, address] = /^([^=]+)=(.+)$/.exec(value) ?? [];
    if (dc === undefined || address === undefined) {
      throw wrongValue("dc-override", value, "expected a data centre and its address, 2=127.0.0.1:8443");
    }
    (overrides[dc] ??= []).push(address);
  }
  return overrides;
}
