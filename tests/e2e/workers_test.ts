/** A proxy of two workers: what they share, where they listen, how they end. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { stringify } from "@std/toml/stringify";
import { formatSecret, type Secret, secretOf } from "../../lib/policy/secret.ts";
import { hasIpv6 } from "../net/sockets.ts";
import { ByteReader, randomBytes } from "../support/byte_reader.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { answerAfterFin, Site, siteName } from "../support/fronted_site.ts";
import { patient } from "../support/patience.ts";
import { RawClient, sendAll } from "../support/raw_client.ts";
import { makeSocketFolder } from "../support/subject.ts";
import { DaemonProcess } from "./daemon_process.ts";

const secret: Secret = secretOf("tls", randomBytes(16), siteName);
const isLinux = Deno.build.os === "linux";

function configOf(dc: FakeDc, keys: Readonly<Record<string, unknown>>): string {
  return stringify({
    "secret": formatSecret(secret, "hex"),
    "bind-to": "127.0.0.1:0",
    "workers": 2,
    "domain-fronting": { ip: "127.0.0.1", port: 1 },
    ...keys,
    "dc-overrides": { "2": [...dc.addresses] },
  });
}

async function echo(client: RawClient): Promise<void> {
  const bytes = randomBytes(50);
  await client.write(bytes);
  assertEquals(await client.readExactly(50), bytes);
}

/** A client that is served; `undefined` if it is turned away. */
async function tryClient(port: number): Promise<RawClient | undefined> {
  let client: RawClient | undefined;
  try {
    client = await RawClient.connect({ port, secret });
    await echo(client);
    return client;
  } catch {
    client?.close();
    return undefined;
  }
}

/** Lines of the log with a client that came, by the worker that has written them. */
function arrivals(log: string): ReadonlyMap<number, readonly number[]> {
  const lines = log.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  const came = lines.filter(({ message }) => / came$/.test(String(message)));
  return Map.groupBy(came.map(({ worker, id }) => [Number(worker), Number(id)] as const), ([worker]) => worker)
    .entries().reduce((map, [worker, pairs]) => map.set(worker, pairs.map(([, id]) => id)), new Map());
}

Deno.test({
  name: "two workers refuse a replay whichever of them has seen the hello, and never give a number twice",
  ignore: !isLinux,
  fn: async () => {
    const answer = randomBytes(700);
    await using dc = FakeDc.start({ mode: "echo" });
    await using site = Site.plain(answerAfterFin(answer));
    const front = { "domain-fronting": { ip: "127.0.0.1", port: site.port } };
    await using daemon = await DaemonProcess.start({ config: configOf(dc, { "log-level": "debug", ...front }) });
    using client = await RawClient.connect({ port: daemon.port, secret });
    await echo(client);
    // That all of them reach one worker happens once in millions of times.
    for (let i = 0; i < 24; i++) {
      using replay = await Deno.connect({ hostname: "127.0.0.1", port: daemon.port });
      await sendAll(replay, client.hello);
      await replay.closeWrite();
      assertEquals(await new ByteReader((into) => replay.read(into)).all(), answer);
    }
    client.close();
    daemon.signal("SIGTERM");
    assertEquals(await daemon.exited, 0);
    const seen = arrivals(daemon.log);
    assertEquals([...seen.keys()].toSorted(), [1, 2]);
    const ids = [...seen.values()].flat();
    // Not all of the 25: a worker writes ten lines of a kind in a second.
    assert(ids.length >= 11, `${ids}`);
    assertEquals(new Set(ids).size, ids.length);
    assertMatch(
      daemon.log,
      /1 clients were served, \d+ bytes up and \d+ down, strangers' included; 24 were refused, 0 had no room; 0 workers/,
    );
  },
});

Deno.test({
  name: "two workers serve exactly as many clients as concurrency says, however many come at once",
  ignore: !isLinux,
  fn: async () => {
    await using dc = FakeDc.start({ mode: "echo" });
    await using daemon = await DaemonProcess.start({ config: configOf(dc, { concurrency: 50 }) });
    const clients = await Promise.all(Array.from({ length: 200 }, () => tryClient(daemon.port)));
    const served = clients.filter((client) => client !== undefined);
    assertEquals([served.length, await tryClient(daemon.port)], [50, undefined]);
    for (const client of served) await echo(client);
    for (const client of served) client.close();
    await untilServed(daemon.port, 50);
  },
});

/** Resolves once `count` clients are served at a time again: sessions end a moment after their clients went. */
async function untilServed(port: number, count: number): Promise<void> {
  const clients: RawClient[] = [];
  try {
    for (let left = 500; clients.length < count; left--) {
      const client = await tryClient(port);
      if (client !== undefined) clients.push(client);
      else if (left === 0) throw new Error(`Only ${clients.length} of ${count} places are free again`);
      else await new Promise((resolve) => setTimeout(resolve, 10));
    }
  } finally {
    for (const client of clients) client.close();
  }
}

Deno.test({
  name: "two workers let all sessions finish after SIGTERM, take no new client, and exit with 0",
  ignore: !isLinux,
  fn: async () => {
    await using dc = FakeDc.start({ mode: "echo" });
    const keys = { grace: "30s", "log-level": "debug" };
    await using daemon = await DaemonProcess.start({ config: configOf(dc, keys) });
    const clients = await Promise.all(
      Array.from({ length: 16 }, () => RawClient.connect({ port: daemon.port, secret })),
    );
    for (const client of clients) await echo(client);
    assertEquals([...arrivals(daemon.log).keys()].toSorted(), [1, 2]);
    daemon.signal("SIGTERM");
    await daemon.logged(/SIGTERM: 16 clients have 30 s/);
    await assertRejects(() => Deno.connect({ port: daemon.port }), Deno.errors.ConnectionRefused);
    for (const client of clients) await echo(client);
    const startMs = performance.now();
    for (const client of clients) client.close();
    assertEquals(await daemon.exited, 0);
    assert(performance.now() - startMs < patient(10_000), "they wait for nobody");
  },
});

Deno.test({
  name: "two workers end the sessions that are left when grace is over",
  ignore: !isLinux,
  fn: async () => {
    await using dc = FakeDc.start({ mode: "echo" });
    const keys = { grace: "300ms", "log-level": "debug" };
    await using daemon = await DaemonProcess.start({ config: configOf(dc, keys) });
    const clients = await Promise.all(
      Array.from({ length: 10 }, () => RawClient.connect({ port: daemon.port, secret })),
    );
    for (const client of clients) await echo(client);
    daemon.signal("SIGINT");
    for (const client of clients) assertEquals(await client.read(), null);
    assertEquals(await daemon.exited, 0);
    assertEquals(daemon.log.match(/closed after \d+ s: shutdown/g)?.length, 10);
    for (const client of clients) client.close();
  },
});

for (const reusePort of [false, true]) {
  Deno.test({
    name: `two workers do not share a port with another program that listens ${
      reusePort ? "with" : "without"
    } reusePort`,
    ignore: !isLinux,
    fn: async () => {
      await using dc = FakeDc.start({ mode: "echo" });
      using taken = Deno.listen({ hostname: "127.0.0.1", port: 0, reusePort });
      const address = `127.0.0.1:${taken.addr.port}`;
      await using daemon = await DaemonProcess.spawn({ config: configOf(dc, { "bind-to": ["127.0.0.1:0", address] }) });
      assertEquals([await daemon.exited, daemon.out], [1, ""]);
      assertEquals(daemon.log, `mtg: bind-to: cannot listen on ${address}: another program listens there\n`);
    },
  });
}

/** A port that nobody uses, below those that the system gives to whoever asks for any. */
function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: "::", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

for (const workers of [1, 2]) {
  for (const hosts of [["[::]", "0.0.0.0"], ["0.0.0.0", "[::]"]]) {
    Deno.test({
      name: `${workers} workers serve on ${hosts.join(" beside ")}`,
      ignore: !isLinux || !hasIpv6(),
      fn: async () => {
        await using dc = FakeDc.start({ mode: "echo" });
        const port = freePort();
        const bindTo = [...hosts.map((host) => `${host}:${port}`), "127.0.0.1:0"];
        const keys = { workers, "bind-to": bindTo, "public-host": "proxy.test" };
        await using daemon = await DaemonProcess.start({ config: configOf(dc, keys) });
        assertEquals(daemon.ports[0], port);
        for (
          const [hostname, at] of [["127.0.0.1", port], ["::1", port], ["127.0.0.1", daemon.ports.at(-1)!]] as const
        ) {
          for (let i = 0; i < 4; i++) {
            using client = await RawClient.connect({ hostname, port: at, secret });
            await echo(client);
          }
        }
      },
    });
  }
}

Deno.test({
  name: "two workers serve on a Unix socket beside TCP, and remove it at the end",
  ignore: !isLinux,
  fn: async () => {
    const folder = makeSocketFolder();
    try {
      await using dc = FakeDc.start({ mode: "echo" });
      const path = `${folder}/mtg.sock`;
      await using daemon = await DaemonProcess.start({
        config: configOf(dc, { "bind-to": ["127.0.0.1:0", `unix:${path}`] }),
        permissions: [`--allow-write=${folder}`],
      });
      assertMatch(daemon.log, new RegExp(`listening on 127.0.0.1:\\d+, unix:${path}`));
      for (let i = 0; i < 4; i++) {
        using client = await RawClient.connect({ port: daemon.port, secret });
        await echo(client);
        using local = await Deno.connect({ transport: "unix", path });
        await sendAll(local, client.hello);
        await local.closeWrite();
        assertEquals(
          await new ByteReader((into) => local.read(into)).all(),
          new Uint8Array(0),
          "a replay, and no site",
        );
      }
      daemon.signal("SIGTERM");
      assertEquals(await daemon.exited, 0);
      await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
      assertMatch(daemon.log, /4 were refused/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("isolate gives the relay a worker of its own even where there is one", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using daemon = await DaemonProcess.start({ config: configOf(dc, { workers: 1, isolate: true }) });
  using client = await RawClient.connect({ port: daemon.port, secret });
  await echo(client);
  daemon.signal("SIGTERM");
  await daemon.logged(/SIGTERM: 1 clients have 5 s/);
  client.close();
  assertEquals(await daemon.exited, 0);
  assertMatch(daemon.log, /1 clients were served/);
  assert(!daemon.log.includes('"worker":'));
});
