/** What can be seen of a proxy that runs by a configuration of mtg v2. */
import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { assertEquals } from "@std/assert";
import { formatAddress } from "../../lib/address.ts";
import { linkTargets } from "../../lib/cli/links.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { Operator } from "../../lib/daemon/operator.ts";
import { OneThread } from "../../lib/thread/one_thread.ts";
import { randomBytes } from "../support/byte_reader.ts";
import { patient } from "../support/patience.ts";
import { RawClient } from "../support/raw_client.ts";
import { type SocksBehaviour, SocksServer } from "../support/socks_server.ts";
import { ask, type Changes, ConfigProxy, echo, isFronted, isServed, type World } from "./mtg_v2_rig.ts";

export type Look<T> = (proxy: ConfigProxy, world: World) => T | Promise<T>;

export const serves: Look<boolean> = ({ port }, { secret }) => isServed({ port, secret });
export const fronts: Look<boolean> = ({ port }) => isFronted(port);
/** The address of the data centre that a client was connected to. */
export const connectsTo: Look<string | undefined> = async (proxy, world) => {
  assertEquals(await serves(proxy, world), true);
  const [connected] = proxy.ledger.of("connected");
  return connected?.address.kind === "tcp" ? connected.address.host : undefined;
};
/** The clients that are told of in the log, once one has come and gone who says that he comes from 203.0.113.9. */
export const names: Look<string | undefined> = async ({ port, ledger }, { secret }) => {
  const preface = new TextEncoder().encode("PROXY TCP4 203.0.113.9 192.0.2.99 40000 443\r\n");
  await isServed({ port, secret, preface });
  await ledger.until("closed");
  const [closed] = ledger.of("closed");
  return closed && formatAddress(closed.remote).replace(/:\d+$/, "");
};
/** Who the fronted site is told that a stranger on 127.0.0.1 is. */
export const introduces: Look<string | undefined> = async (proxy, world) => {
  const before = world.site.connections;
  assertEquals(await fronts(proxy, world), true);
  const header = world.site.received(before);
  const isHeader = header.subarray(0, 12).toHex() === "0d0a0d0a000d0a515549540a";
  return isHeader ? header.subarray(16, 20).join(".") : undefined;
};
export const linksTo = (family: string): Look<string | undefined> => ({ loaded }) =>
  linkTargets(loaded.config, [{ kind: "tcp", host: "::", port: 443 }]).find((target) => target.family === family)
    ?.server;
export const repeats: Look<boolean> = async ({ port }, { secret }) => {
  const hello = await helloOf(port, secret);
  const handshake = 0x16;
  return (await ask(port, hello))[0] === handshake;
};

async function helloOf(port: number, secret: World["secret"]): Promise<Uint8Array> {
  using client = await RawClient.connect({ port, secret });
  await echo(client);
  return client.hello;
}

/** Whether the first of many handshakes is known after ten minutes. */
export const remembers: Look<boolean | undefined> = ({ options: { replayFilter } }) => {
  const first = randomBytes(32);
  replayFilter?.testAndSet(first, 0);
  for (let ms = 0; ms < 600_000; ms += 200) replayFilter?.testAndSet(randomBytes(32), ms);
  return replayFilter?.testAndSet(first, 600_000);
};
/** Whether a full filter takes more than one of 100 new clients for an earlier one. */
export const errs: Look<boolean> = ({ options: { replayFilter } }) => {
  const capacity = replayFilter?.capacity ?? 0;
  const keys = Array.from({ length: capacity }, () => randomBytes(32));
  return keys.filter((key) => replayFilter?.testAndSet(key, 0)).length > capacity / 100;
};

/** What the log of a proxy says that updates itself from two lists, or not, and what was asked of its SOCKS server. */
export async function updates(
  world: World,
  behaviour: SocksBehaviour,
  changes: Changes,
): Promise<[string[], string[]]> {
  await using socks = SocksServer.start({ behaviour });
  const text = world.config({ ...changes, "network.proxies": [`socks5h://127.0.0.1:${socks.port}`] });
  const config = parseConfig(text, { file: "config.toml" });
  const lines: string[] = [];
  const heard = Promise.withResolvers<void>();
  const write = ({ message }: LogRecord) => {
    if (lines.push(message.join("")) === 2) heard.resolve();
  };
  await using service = await OneThread.start({ config, logFormat: "json" });
  // What the operator logs, it logs by itself.
  configureSync({
    reset: true,
    sinks: { write },
    loggers: [{ category: "mtg", sinks: ["write"] }, { category: ["logtape", "meta"], sinks: [] }],
  });
  try {
    await using _operator = new Operator(config, service, {});
    if (config.autoUpdate) await within10s(heard.promise);
  } finally {
    resetSync();
  }
  return [lines, [...socks.requests]];
}

async function within10s(promise: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("nothing was logged in 10 s")), patient(10_000));
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** With a short time for `key` a connection of `open()` is ended for `reason`, with a long one not. */
export async function assertEnds(
  world: World,
  key: string,
  reason: string,
  open: (port: number) => Promise<Disposable>,
): Promise<void> {
  await using long = await ConfigProxy.start(world.config({ [key]: "1 h" }));
  using _first = await open(long.port);
  await using short = await ConfigProxy.start(world.config({ [key]: "0.5s" }));
  using _second = await open(short.port);
  await short.ledger.until(reason === "idle" ? "closed" : "refused");
  const ends = [...short.ledger.of("closed"), ...short.ledger.of("refused")].map((event) =>
    "code" in event ? event.code : event.reason
  );
  assertEquals(
    [ends.includes(reason), long.ledger.of("closed").length, long.ledger.of("refused").length],
    [true, 0, 0],
    `${ends}`,
  );
}
