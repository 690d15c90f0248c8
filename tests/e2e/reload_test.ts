/** A configuration that changes while the proxy runs: nobody who is served notices. */
import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { stringify } from "@std/toml/stringify";
import { formatSecret, type Secret, secretOf } from "../../lib/policy/secret.ts";
import { TempDir } from "../net/sockets.ts";
import { randomBytes } from "../support/byte_reader.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { siteName } from "../support/fronted_site.ts";
import { crowd } from "../support/patience.ts";
import { RawClient } from "../support/raw_client.ts";
import { DaemonProcess } from "./daemon_process.ts";

const isWindows = Deno.build.os === "windows";
const workerCounts = Deno.build.os === "linux" ? [1, 2] : [1];
const secrets = [secretOf("tls", randomBytes(16), siteName), secretOf("tls", randomBytes(16), siteName)] as const;

function configOf(dc: FakeDc, secret: Secret, keys: Readonly<Record<string, unknown>> = {}): string {
  return stringify({
    "secret": formatSecret(secret, "hex"),
    "bind-to": "127.0.0.1:0",
    "domain-fronting": { ip: "127.0.0.1", port: 1 },
    ...keys,
    "dc-overrides": { "2": [...dc.addresses] },
  });
}

async function isServed(port: number, secret: Secret): Promise<boolean> {
  try {
    using client = await RawClient.connect({ port, secret });
    await echo(client);
    return true;
  } catch {
    return false;
  }
}

async function echo(client: RawClient, size = 50): Promise<void> {
  const bytes = randomBytes(size);
  await client.write(bytes);
  assertEquals(await client.readExactly(size), bytes);
}

const takenOver = "taken over for new clients";
const stays = "the configuration stays as it was";

const clientCount = crowd(500);
const atOnce = 50;

for (const workers of workerCounts) {
  Deno.test({
    name:
      `50 reloads of good and bad files, while ${clientCount} clients of ${workers} workers echo, lose no connection and no byte`,
    ignore: isWindows,
    fn: async () => {
      using dir = new TempDir();
      const file = dir.at("config.toml");
      await using dc = FakeDc.start({ mode: "echo" });
      await using daemon = await DaemonProcess.start({ config: configOf(dc, secrets[0], { workers }), file });
      let isOver = false;
      let echoes = 0;
      const clients: RawClient[] = [];
      for (let i = 0; i < clientCount; i += atOnce) {
        const some = Array.from(
          { length: Math.min(atOnce, clientCount - i) },
          () => RawClient.connect({ port: daemon.port, secret: secrets[0] }),
        );
        clients.push(...await Promise.all(some));
      }
      const echoing = Promise.all(clients.map(async (client, index) => {
        while (!isOver) {
          await echo(client, 1 + (index * 37) % 4_000);
          echoes++;
          await new Promise((resolve) => setTimeout(resolve, 50 + (index * 7) % 100));
        }
      }));
      // It fails where it is awaited.
      echoing.catch(() => {});
      for (let reload = 1; reload <= 50; reload++) {
        const isGood = reload % 2 === 1;
        const secret = secrets[Math.ceil(reload / 2) % 2]!;
        const keys = isGood ? { workers, concurrency: 1_000 + reload } : { workers, concurrency: "many" };
        await Deno.writeTextFile(file, configOf(dc, secret, keys));
        daemon.signal("SIGHUP");
        await daemon.loggedTimes(Math.ceil(reload / 2), isGood ? takenOver : stays);
        // A bad file has changed nothing, not even what is good in it.
        const current = Math.ceil((isGood ? reload : reload - 1) / 2) % 2;
        const served = [0, 1].map((index) => isServed(daemon.port, secrets[index]!));
        assertEquals((await Promise.all(served)).indexOf(true), current, `after reload ${reload}`);
      }
      isOver = true;
      await echoing;
      assert(echoes > clientCount, `${echoes}`);
      for (const client of clients) await echo(client);
      for (const client of clients) client.close();
      daemon.signal("SIGTERM");
      assertEquals(await daemon.exited, 0);
      assertMatch(daemon.log, /config\.toml:\d+:\d+: concurrency = \\?"many\\?": expected a whole number/);
      assertMatch(daemon.log, new RegExp(`${clientCount + 50} clients were served`));
      assertNotMatch(daemon.log, new RegExp(secrets.map((secret) => formatSecret(secret, "hex")).join("|")));
    },
  });
}

Deno.test({
  name:
    "watch-config takes over a file that is written anew, or replaced by renaming, however often, and ignores a bad one",
  fn: async () => {
    using dir = new TempDir();
    const file = dir.at("config.toml");
    const keys = { "watch-config": true, "workers": 1 };
    await using dc = FakeDc.start({ mode: "echo" });
    await using daemon = await DaemonProcess.start({ config: configOf(dc, secrets[0], keys), file });
    using served = await RawClient.connect({ port: daemon.port, secret: secrets[0] });
    await echo(served);
    const replace = async (text: string) => {
      await Deno.writeTextFile(dir.at("config.toml~"), text);
      await Deno.rename(dir.at("config.toml~"), file);
    };
    let count = 0;
    for (const secret of [secrets[1], secrets[0], secrets[1]]) {
      await replace(configOf(dc, secret, keys));
      await daemon.loggedTimes(++count, takenOver);
      assertEquals(await isServed(daemon.port, secret), true);
    }
    await Deno.writeTextFile(file, configOf(dc, secrets[0], keys));
    await daemon.loggedTimes(++count, takenOver);
    await replace("secret = ");
    await daemon.logged(new RegExp(stays));
    assertEquals([await isServed(daemon.port, secrets[0]), await isServed(daemon.port, secrets[1])], [true, false]);
    // A burst, of which only the last counts.
    for (let i = 1; i <= 20; i++) await replace(configOf(dc, secrets[i % 2]!, { ...keys, concurrency: 100 + i }));
    await daemon.loggedTimes(++count, takenOver);
    await echo(served);
    assertEquals(await isServed(daemon.port, secrets[0]), true);
    await replace(configOf(dc, secrets[0], { ...keys, "watch-config": false }));
    await daemon.loggedTimes(++count, takenOver);
  },
});

Deno.test({
  name: "a reload names what only a new start can change, and leaves it as it is",
  ignore: isWindows,
  fn: async () => {
    using dir = new TempDir();
    const file = dir.at("config.toml");
    await using dc = FakeDc.start({ mode: "echo" });
    await using daemon = await DaemonProcess.start({ config: configOf(dc, secrets[0], { workers: 1 }), file });
    await Deno.writeTextFile(
      file,
      configOf(dc, secrets[0], { "bind-to": "127.0.0.1:1", "isolate": true, "workers": 1 }),
    );
    daemon.signal("SIGHUP");
    await daemon.logged(/stays until the proxy is started anew: bind-to, isolate/);
    assertEquals(await isServed(daemon.port, secrets[0]), true);
    daemon.signal("SIGHUP");
    await daemon.loggedTimes(2, "stays until the proxy is started anew: bind-to, isolate");
    await Deno.remove(file);
    daemon.signal("SIGHUP");
    await daemon.logged(/stays as it was.*no such file/);
    assertEquals(await isServed(daemon.port, secrets[0]), true);
  },
});

Deno.test({
  name: "a reload of what came by standard input is refused with a word, and the proxy goes on",
  ignore: isWindows,
  fn: async () => {
    await using dc = FakeDc.start({ mode: "echo" });
    await using daemon = await DaemonProcess.start({ config: configOf(dc, secrets[0], { workers: 1 }) });
    daemon.signal("SIGHUP");
    await daemon.logged(/SIGHUP: there is no configuration that could be read again/);
    assert(await isServed(daemon.port, secrets[0]));
  },
});
