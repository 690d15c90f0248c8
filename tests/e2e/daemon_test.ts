/** The proxy as a service: what it prints and logs, where it listens, and how it ends. */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { stringify } from "@std/toml/stringify";
import { formatSecret, type Secret, secretOf } from "../../lib/policy/secret.ts";
import { hasIpv6 } from "../net/sockets.ts";
import { ByteReader, randomBytes } from "../support/byte_reader.ts";
import { clientHello, clientRandom } from "../support/client_hello.ts";
import { command } from "../support/dc_handlers.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { answerAfterFin, Site, siteName } from "../support/fronted_site.ts";
import { patient } from "../support/patience.ts";
import { RawClient, sendAll } from "../support/raw_client.ts";
import { readServerFlight, verifyServerFlight } from "../support/server_flight.ts";
import { makeSocketFolder } from "../support/subject.ts";
import { DaemonProcess } from "./daemon_process.ts";

const secret: Secret = secretOf("tls", randomBytes(16), siteName);
const answer = randomBytes(700);
/** Nobody listens there, and nobody needs to. */
const noFront = { "domain-fronting": { ip: "127.0.0.1", port: 1 } };

function configOf(keys: Readonly<Record<string, unknown>>): string {
  return stringify({ "secret": formatSecret(secret, "hex"), "bind-to": "127.0.0.1:0", ...keys });
}

function overridesTo(dc: FakeDc): Record<string, unknown> {
  return { "dc-overrides": { "2": [...dc.addresses] } };
}

function assertHasNoSecret(text: string): void {
  const forms = [
    secret.key.toHex(),
    formatSecret(secret, "base64"),
    secret.key.toBase64(),
    formatSecret(secret, "hex"),
  ];
  for (const form of forms) assert(!text.toLowerCase().includes(form.toLowerCase()), "the secret is in the log");
}

async function echo(client: RawClient, count = 50): Promise<void> {
  const bytes = randomBytes(count);
  await client.write(bytes);
  assertEquals(await client.readExactly(count), bytes);
}

/** A client, a stranger and a replay: one of each kind of line. */
async function beVisited(daemon: DaemonProcess): Promise<void> {
  using client = await RawClient.connect({ port: daemon.port, secret });
  await echo(client);
  for (const bytes of [client.hello, randomBytes(100)]) {
    using stranger = await Deno.connect({ hostname: "127.0.0.1", port: daemon.port });
    await sendAll(stranger, bytes);
    await stranger.closeWrite();
    assertEquals(await new ByteReader((into) => stranger.read(into)).all(), answer);
  }
  using unknown = await RawClient.connect({ port: daemon.port, secret, dc: 99 });
  await unknown.write(randomBytes(10));
  assertEquals(await unknown.read(), null);
}

const links = /^ {2}(tg:\/\/proxy|https:\/\/t\.me\/proxy)\?server=127\.0\.0\.1&port=\d+&secret=[\w-]+$/;
const headings = [
  "Links for Telegram. Whoever has one can use this proxy:",
  "The same for old clients, with the secret in hex:",
];

Deno.test("mtg run prints links and nothing else, and logs JSON lines without the secret", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using site = Site.plain(answerAfterFin(answer));
  const front = { "domain-fronting": { ip: "127.0.0.1", port: site.port } };
  const config = configOf({ "log-level": "debug", ...overridesTo(dc), ...front });
  await using daemon = await DaemonProcess.start({ config });
  await beVisited(daemon);
  daemon.signal("SIGTERM");
  assertEquals(await daemon.exited, 0);
  const lines = daemon.out.trimEnd().split("\n");
  assertEquals(lines.filter((line) => !headings.includes(line) && !links.test(line)), []);
  assertEquals(lines.length, 6);
  const log = daemon.log.trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  const messages = log.map(({ message }) => String(message)).join("\n");
  for (const part of [" came", "connected to data centre 2", " fronted: ", "closed after", "SIGTERM"]) {
    assertStringIncludes(messages, part);
  }
  assertEquals(log.filter(({ code }) => code !== undefined).map(({ level, code, outcome }) => [level, code, outcome]), [
    ["WARN", "replayed", "fronted"],
    ["INFO", "bad-client-hello", "fronted"],
    ["INFO", "unknown-dc", "closed"],
  ]);
  assertHasNoSecret(daemon.log);
});

Deno.test("mtg run logs text for people with debug, without the secret", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using site = Site.plain(answerAfterFin(answer));
  const front = { "domain-fronting": { ip: "127.0.0.1", port: site.port } };
  await using daemon = await DaemonProcess.start({ config: configOf({ debug: true, ...overridesTo(dc), ...front }) });
  await beVisited(daemon);
  await daemon.logged(/closed after .* unknown-dc/);
  daemon.signal("SIGINT");
  assertEquals(await daemon.exited, 0);
  assert(daemon.log.trimEnd().split("\n").every((line) => !line.startsWith("{")), "JSON in a text log");
  assertMatch(daemon.log, /client 127\.0\.0\.1:\d+ came/);
  assertHasNoSecret(daemon.log);
});

Deno.test("mtg run --no-links prints nothing at all", async () => {
  await using daemon = await DaemonProcess.start({ config: configOf(noFront), flags: ["--no-links"] });
  await daemon.logged(/cannot reach the fronted site 127\.0\.0\.1:1/);
  daemon.signal("SIGTERM");
  assertEquals([await daemon.exited, daemon.out], [0, ""]);
});

Deno.test("mtg run says which address is taken, by which key, and listens nowhere", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${taken.addr.port}`;
  await using daemon = await DaemonProcess.spawn({
    config: configOf({ "bind-to": ["127.0.0.1:0", address], ...noFront }),
  });
  assertEquals([await daemon.exited, daemon.out], [1, ""]);
  assertEquals(daemon.log, `mtg: bind-to: cannot listen on ${address}: another program listens there\n`);
});

Deno.test("mtg run serves on each address of bind-to", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using daemon = await DaemonProcess.start({
    config: configOf({ "bind-to": ["127.0.0.1:0", "127.0.0.2:0", "localhost:0"], ...overridesTo(dc), ...noFront }),
  });
  const hosts = ["127.0.0.1", "127.0.0.2", "localhost"];
  assertEquals(daemon.ports.length, hosts.length);
  for (const [i, hostname] of hosts.entries()) {
    using client = await RawClient.connect({ hostname, port: daemon.ports[i]!, secret });
    await echo(client);
  }
});

Deno.test({
  name: "mtg run serves IPv4 and IPv6 on one port, and knows an IPv4 client for one",
  ignore: !hasIpv6(),
  fn: async () => {
    await using dc = FakeDc.start({ mode: "echo" });
    const keys = { "bind-to": ":0", "public-host": "proxy.test", "log-level": "debug", ...overridesTo(dc), ...noFront };
    await using daemon = await DaemonProcess.start({ config: configOf(keys) });
    for (const hostname of ["127.0.0.1", "::1"]) {
      using client = await RawClient.connect({ hostname, port: daemon.port, secret });
      await echo(client);
    }
    await daemon.logged(/client \[::1\]:\d+ came/);
    assertMatch(daemon.log, /client 127\.0\.0\.1:\d+ came/);
    assert(!daemon.log.includes("::ffff:"));
  },
});

Deno.test({
  name: "mtg run serves on a Unix socket, removes it at the end, and takes over one that is dead",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = makeSocketFolder();
    try {
      const path = `${folder}/mtg.sock`;
      const options = {
        config: configOf({ "bind-to": `unix:${path}`, ...noFront }),
        permissions: [`--allow-write=${folder}`],
      };
      {
        await using killed = await DaemonProcess.start(options);
        await greetOnUnix(path);
        await using second = await DaemonProcess.spawn(options);
        assertEquals(await second.exited, 1, "a socket that is served is not taken over");
        assertMatch(second.log, new RegExp(`^mtg: bind-to: cannot listen on unix:${path}: another program`, "m"));
        await greetOnUnix(path);
        killed.signal("SIGKILL");
      }
      assert((await Deno.lstat(path)).isSocket, "the killed process has left its socket behind");
      await using daemon = await DaemonProcess.start(options);
      await greetOnUnix(path);
      daemon.signal("SIGTERM");
      assertEquals(await daemon.exited, 0);
      await assertRejects(() => Deno.lstat(path), Deno.errors.NotFound);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "mtg run does not put its socket in the place of a file",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = makeSocketFolder();
    try {
      const path = `${folder}/notes.txt`;
      await Deno.writeTextFile(path, "precious");
      const config = configOf({ "bind-to": `unix:${path}`, ...noFront });
      await using daemon = await DaemonProcess.spawn({ config, permissions: [`--allow-write=${folder}`] });
      assertEquals(await daemon.exited, 1);
      assertEquals(await Deno.readTextFile(path), "precious");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("mtg run lets a session finish after SIGTERM, takes no new client, and exits with 0", async () => {
  await using dc = FakeDc.start({ mode: "commands" });
  await using daemon = await DaemonProcess.start({
    config: configOf({ grace: "30s", ...overridesTo(dc), ...noFront }),
  });
  using client = await RawClient.connect({ port: daemon.port, secret });
  await client.write(command("E", 5));
  daemon.signal("SIGTERM");
  await daemon.logged(/SIGTERM: 1 clients have 30 s/);
  await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port: daemon.port }), Deno.errors.ConnectionRefused);
  await client.write(new TextEncoder().encode("still"));
  assertEquals(new TextDecoder().decode(await client.readExactly(5)), "still");
  await client.write(command("D", 2_000_000));
  assertEquals((await client.readExactly(2_000_000)).length, 2_000_000);
  const startMs = performance.now();
  client.close();
  assertEquals(await daemon.exited, 0);
  assert(performance.now() - startMs < patient(5_000), "it waits for nobody");
});

Deno.test("mtg run ends the sessions that are left when grace is over, and exits with 0", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  const config = configOf({ "grace": "300ms", "log-level": "debug", ...overridesTo(dc), ...noFront });
  await using daemon = await DaemonProcess.start({ config });
  using client = await RawClient.connect({ port: daemon.port, secret });
  await echo(client);
  using silent = await Deno.connect({ hostname: "127.0.0.1", port: daemon.port });
  await daemon.logged(/#2 client .* came/);
  daemon.signal("SIGTERM");
  assertEquals(await client.read(), null);
  assertEquals(await silent.read(new Uint8Array(1)), null);
  assertEquals(await daemon.exited, 0);
  assertEquals(daemon.log.match(/closed after \d+ s: shutdown/g)?.length, 2);
});

Deno.test("mtg run exits at once at the second signal, but takes one that comes twice for one", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using daemon = await DaemonProcess.start({
    config: configOf({ grace: "60s", ...overridesTo(dc), ...noFront }),
  });
  using client = await RawClient.connect({ port: daemon.port, secret });
  await echo(client);
  daemon.signal("SIGINT");
  await daemon.logged(/SIGINT: 1 clients/);
  daemon.signal("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 600));
  await echo(client);
  const startMs = performance.now();
  daemon.signal("SIGTERM");
  assertEquals(await daemon.exited, 1);
  assert(performance.now() - startMs < patient(5_000));
});

Deno.test("mtg run goes on serving when nobody takes its log any more", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  const config = configOf({ "log-level": "debug", ...overridesTo(dc), ...noFront });
  await using daemon = await DaemonProcess.start({ config });
  await daemon.closeLog();
  for (let i = 0; i < 5; i++) {
    using client = await RawClient.connect({ port: daemon.port, secret });
    await echo(client);
  }
  daemon.signal("SIGTERM");
  assertEquals(await daemon.exited, 0);
});

async function greetOnUnix(path: string): Promise<void> {
  using conn = await Deno.connect({ transport: "unix", path });
  const timeSeconds = Math.floor(Date.now() / 1_000);
  const hello = clientHello({ shape: "tdlib", host: siteName, key: secret.key, timeSeconds });
  await sendAll(conn, hello);
  verifyServerFlight(
    await readServerFlight(new ByteReader((into) => conn.read(into))),
    secret.key,
    clientRandom(hello),
  );
}
