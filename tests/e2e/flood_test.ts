/** Too much of everything: strangers by the thousand, no descriptors left, no slots left. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { stringify } from "@std/toml/stringify";
import { formatSecret, type Secret, secretOf } from "../../lib/policy/secret.ts";
import { ByteReader, randomBytes } from "../support/byte_reader.ts";
import { clientHello } from "../support/client_hello.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { Site, siteName } from "../support/fronted_site.ts";
import { RawClient, sendAll } from "../support/raw_client.ts";
import { DaemonProcess } from "./daemon_process.ts";

const secret: Secret = secretOf("tls", randomBytes(16), siteName);

function configOf(dc: FakeDc, frontPort: number, keys: Readonly<Record<string, unknown>> = {}): string {
  return stringify({
    "secret": formatSecret(secret, "hex"),
    "bind-to": "127.0.0.1:0",
    ...keys,
    "domain-fronting": { ip: "127.0.0.1", port: frontPort },
    "dc-overrides": { "2": [...dc.addresses] },
  });
}

async function assertServes(port: number): Promise<void> {
  using client = await RawClient.connect({ port, secret });
  const bytes = randomBytes(100);
  await client.write(bytes);
  assertEquals(await client.readExactly(100), bytes);
}

/** Resident memory of a process in bytes; `undefined` where the system has no `ps` to ask. */
async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    const { stdout } = await new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(pid)] }).output();
    return Number(new TextDecoder().decode(stdout)) * 1_024;
  } catch {
    return undefined;
  }
}

const strangeHello = clientHello({ shape: "old", host: siteName, key: randomBytes(16), timeSeconds: 1 });

/** Garbage of all sorts: nothing, a few bytes, half a hello, a hello of somebody else, much. */
function garbage(i: number): Uint8Array {
  switch (i % 5) {
    case 0:
      return new Uint8Array(0);
    case 1:
      return randomBytes(1 + i % 100);
    case 2:
      return strangeHello.subarray(0, 1 + i % strangeHello.length);
    case 3:
      return strangeHello;
    default:
      return randomBytes(6_000);
  }
}

/** One stranger: some wait for an answer, some end politely, some just go. */
async function intrude(port: number, i: number): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await sendAll(conn, garbage(i));
  if (i % 3 === 0) return;
  await conn.closeWrite();
  if (i % 3 === 1) await new ByteReader((into) => conn.read(into)).all();
}

/** `count` of them, so many at a time; the errors of those that were refused. */
async function flood(port: number, count: number, atATime: number): Promise<readonly unknown[]> {
  const errors: unknown[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) await intrude(port, next++).catch((error) => errors.push(error));
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return errors;
}

Deno.test("mtg run outlives 5,000 strangers, serves on, and its memory stays bounded", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  // Answers a little and ends, whatever it is asked.
  await using site = Site.plain(async ({ write, closeWrite, reader }) => {
    await write(new Uint8Array(200));
    await closeWrite();
    await reader.all();
  });
  await using daemon = await DaemonProcess.start({ config: configOf(dc, site.port) });
  await flood(daemon.port, 1_500, 50);
  const before = await residentBytes(daemon.pid);
  const errors = await flood(daemon.port, 3_500, 50);
  const after = await residentBytes(daemon.pid);
  assertEquals(errors.map(String), []);
  await assertServes(daemon.port);
  if (before !== undefined && after !== undefined) {
    const grownMib = (after - before) / 2 ** 20;
    assert(grownMib < 48, `${Math.round(grownMib)} MiB more after 3,500 strangers`);
  }
  assert(daemon.log.split("\n").length < 2_500, "strangers can fill the disk with log lines");
  // Said with the first line of a later second; a fast machine is through in less than one.
  for (let left = 50; !daemon.log.includes("more lines of this kind were held back"); left--) {
    assert(left > 0, "nobody says that lines were held back");
    await intrude(daemon.port, 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  daemon.signal("SIGTERM");
  assertEquals(await daemon.exited, 0);
  assert(!daemon.log.includes("fault of this program"), daemon.log);
});

Deno.test("mtg run turns away clients beyond concurrency, and serves again when there is room", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using daemon = await DaemonProcess.start({ config: configOf(dc, 1, { concurrency: 3 }) });
  const clients = [];
  for (let i = 0; i < 3; i++) clients.push(await RawClient.connect({ port: daemon.port, secret }));
  for (let i = 0; i < 50; i++) {
    await assertRejects(() => RawClient.connect({ port: daemon.port, secret }), Error);
  }
  await daemon.logged(/all 3 connections of \\"concurrency\\" are in use/);
  for (const client of clients) client.close();
  // Their sessions end a moment later.
  for (let left = 50; left > 0; left--) {
    try {
      await assertServes(daemon.port);
      return;
    } catch (error) {
      if (left === 1) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
});

/** Not every system lets a process lower its limit, or has bash. */
async function canStarve(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("bash", { args: ["-c", "ulimit -n 96"], stderr: "null" }).output();
    return success;
  } catch {
    return false;
  }
}

Deno.test({
  name: "mtg run serves clients while silent sockets have taken all its descriptors, and afterwards",
  ignore: !(await canStarve()),
  fn: async () => {
    await using dc = FakeDc.start({ mode: "echo" });
    await using daemon = await DaemonProcess.start({ config: configOf(dc, 1), descriptors: 96 });
    await assertServes(daemon.port);
    const hoard: Deno.TcpConn[] = [];
    try {
      for (let i = 0; i < 150; i++) hoard.push(await Deno.connect({ hostname: "127.0.0.1", port: daemon.port }));
      await daemon.logged(/cannot accept clients on 127\.0\.0\.1:\d+ for now/);
      for (let client = 0; client < 5; client++) await assertServes(daemon.port);
    } finally {
      for (const conn of hoard) conn.close();
    }
    await assertServes(daemon.port);
    daemon.signal("SIGTERM");
    assertEquals(await daemon.exited, 0);
  },
});

Deno.test({
  name: "mtg run keeps its clients when there is no descriptor left to reach a data centre",
  ignore: !(await canStarve()),
  fn: async () => {
    await using dc = FakeDc.start({ mode: "echo" });
    await using daemon = await DaemonProcess.start({ config: configOf(dc, 1), descriptors: 96 });
    using client = await RawClient.connect({ port: daemon.port, secret });
    const greeted: RawClient[] = [];
    const hoard: Deno.TcpConn[] = [];
    try {
      for (let i = 0; i < 5; i++) greeted.push(await RawClient.connect({ port: daemon.port, secret }));
      for (let i = 0; i < 150; i++) hoard.push(await Deno.connect({ hostname: "127.0.0.1", port: daemon.port }));
      await daemon.logged(/cannot accept clients/);
      for (const each of greeted) await each.write(randomBytes(8));
      // One that goes makes room for the first of the others.
      for (const conn of hoard) conn.close();
      await client.write(randomBytes(8));
      assertEquals((await client.readExactly(8)).length, 8);
      for (const each of greeted) assertEquals((await each.readExactly(8)).length, 8);
    } finally {
      for (const each of greeted) each.close();
    }
  },
});
