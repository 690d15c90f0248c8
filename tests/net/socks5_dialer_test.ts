import { assert, assertEquals, assertNotMatch, assertRejects, assertStrictEquals } from "@std/assert";
import type { Address, TcpAddress } from "../../lib/address.ts";
import { directDialer } from "../../lib/net/dialer.ts";
import { Socks5Dialer, Socks5Error, type Socks5Options } from "../../lib/net/socks5_dialer.ts";
import { type Conn, writeAll } from "../../lib/relay/conn.ts";
import type { Dialer } from "../../lib/relay/dialer.ts";
import type { Resolver } from "../../lib/relay/resolver.ts";
import { ByteReader, concat, randomBytes } from "../support/byte_reader.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { memoryPipe } from "../support/memory_pipe.ts";
import { type SocksBehaviour, SocksServer, type SocksServerOptions } from "../support/socks_server.ts";

const login = { user: "anna", password: "p@ss:word" };
const never = new AbortController().signal;
const tcp = (host: string, port: number): TcpAddress => ({ kind: "tcp", host, port });

/** Knows `names` and no others. */
function resolverOf(names: Readonly<Record<string, readonly string[]>>): Resolver {
  return {
    resolve: (host) => {
      if (/^[\d.]+$|:/.test(host)) return Promise.resolve([host]);
      const found = names[host];
      return found === undefined ? Promise.reject(new Error(`nobody knows ${host}`)) : Promise.resolve(found);
    },
  };
}

interface Parts extends Partial<Omit<Socks5Options, "proxy">> {
  readonly credentials?: typeof login | undefined;
  readonly remoteDns?: boolean;
}

function dialerTo(port: number, { credentials, remoteDns = false, ...parts }: Parts = {}): Socks5Dialer {
  return new Socks5Dialer({
    proxy: { address: tcp("127.0.0.1", port), credentials, remoteDns },
    dialer: directDialer,
    resolver: resolverOf({}),
    clock: new FakeClock(),
    timeoutMs: 5_000,
    ...parts,
  });
}

/** Sends back what comes, and then its end. */
class Echo implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #served = this.#serve();
  readonly port = this.#listener.addr.port;
  connections = 0;

  async #serve(): Promise<void> {
    const tasks: Promise<void>[] = [];
    try {
      for (;;) tasks.push(this.#echo(await this.#listener.accept()));
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await Promise.all(tasks);
  }

  async #echo(conn: Deno.TcpConn): Promise<void> {
    this.connections++;
    using _ = conn;
    const reader = new ByteReader((into) => conn.read(into));
    for (let part = await reader.some(); part !== null; part = await reader.some()) {
      for (let sent = 0; sent < part.length;) sent += await conn.write(part.subarray(sent));
    }
    await conn.closeWrite();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#served;
  }
}

/** Sends bytes, then the end, and reads all that comes back: half-close has to work. */
async function exchange(conn: Conn, bytes: Uint8Array): Promise<Uint8Array> {
  const [back] = await Promise.all([
    new ByteReader((into) => conn.read(into)).all(),
    writeAll(conn, bytes).then(() => conn.closeWrite()),
  ]);
  return back;
}

const servers: readonly [string, SocksServerOptions, typeof login | undefined, readonly string[]][] = [
  ["without a login", {}, undefined, []],
  ["without a login, though there is one", {}, login, []],
  ["with user and password", { login }, login, ["anna:p@ss:word"]],
  ["that answers byte by byte", { login, byteByByte: true }, login, ["anna:p@ss:word"]],
];

for (const [what, options, credentials, logins] of servers) {
  Deno.test(`Socks5Dialer connects through a proxy ${what}, both ways and with both ends`, async () => {
    await using echo = new Echo();
    await using server = SocksServer.start(options);
    const target = tcp("127.0.0.1", echo.port);
    using conn = await dialerTo(server.port, { credentials }).dial(target, { signal: never });
    assertEquals([conn.remote, conn.local.kind], [target, "tcp"]);
    const bytes = randomBytes(200_000);
    assertEquals(await exchange(conn, bytes), bytes);
    assertEquals([server.requests, server.logins], [[`127.0.0.1:${echo.port}`], [...logins]]);
  });
}

const bounds: readonly [string, Uint8Array][] = [
  ["IPv4", Uint8Array.of(1, 203, 0, 113, 9, 4, 56)],
  ["IPv6", Uint8Array.of(4, ...new Uint8Array(16), 4, 56)],
  ["a name", Uint8Array.of(3, 5, 112, 114, 111, 120, 121, 4, 56)],
];

for (const [what, bound] of bounds) {
  for (const byteByByte of [false, true]) {
    const how = byteByByte ? "byte by byte" : "in one write with what the target says first";
    Deno.test(`Socks5Dialer reads no byte beyond the reply: bound to ${what}, ${how}`, async () => {
      await using echo = new Echo();
      const firstPayload = randomBytes(100);
      await using server = SocksServer.start({ bound, byteByByte, firstPayload });
      using conn = await dialerTo(server.port).dial(tcp("127.0.0.1", echo.port), { signal: never });
      const bytes = randomBytes(1_000);
      assertEquals(await exchange(conn, bytes), concat(firstPayload, bytes));
    });
  }
}

Deno.test("Socks5Dialer lets the proxy look names up, or does it itself, as it is told", async () => {
  await using echo = new Echo();
  await using server = SocksServer.start({ names: { "dc.test": "127.0.0.1" } });
  const target = tcp("dc.test", echo.port);
  for (const remoteDns of [true, false]) {
    const resolver = resolverOf(remoteDns ? {} : { "dc.test": ["127.0.0.1"] });
    using conn = await dialerTo(server.port, { remoteDns, resolver }).dial(target, { signal: never });
    assertEquals(conn.remote, remoteDns ? target : tcp("127.0.0.1", echo.port));
    assertEquals(await exchange(conn, Uint8Array.of(1, 2)), Uint8Array.of(1, 2));
  }
  assertEquals(server.requests, [`dc.test:${echo.port}`, `127.0.0.1:${echo.port}`]);
});

Deno.test("Socks5Dialer tries each address of a name until the proxy reaches one", async () => {
  await using echo = new Echo();
  await using server = SocksServer.start();
  const resolver = resolverOf({ "dc.test": ["127.0.0.2", "127.0.0.1"] });
  using conn = await dialerTo(server.port, { resolver }).dial(tcp("dc.test", echo.port), { signal: never });
  assertEquals(conn.remote, tcp("127.0.0.1", echo.port));
  assertEquals(server.requests, [`127.0.0.2:${echo.port}`, `127.0.0.1:${echo.port}`]);
});

Deno.test("Socks5Dialer sends IPv6 addresses as they are", async () => {
  await using server = SocksServer.start({ behaviour: 8 });
  const error = await failure(dialerTo(server.port), tcp("2001:db8::7", 443));
  assertEquals(server.requests, ["20010db8000000000000000000000007:443"]);
  assertEquals([error.fault, error.reason], [
    "target",
    "cannot connect to [2001:db8::7]:443: address type not supported",
  ]);
});

async function failure(dialer: Dialer, to: Address = tcp("192.0.2.1", 443)): Promise<Socks5Error> {
  return await assertRejects(() => dialer.dial(to, { signal: never }), Socks5Error);
}

const failures: readonly [SocksBehaviour, "proxy" | "target", string][] = [
  ["drop", "proxy", "closed the connection instead of giving an answer to the greeting"],
  ["drop-after-method", "proxy", "closed the connection instead of giving an answer to the request"],
  ["drop-in-reply", "proxy", "closed the connection instead of giving an answer to the request"],
  ["http", "proxy", "does not speak SOCKS5: its answer begins with byte 72"],
  [1, "proxy", "cannot connect to 192.0.2.1:443: general failure"],
  [2, "proxy", "cannot connect to 192.0.2.1:443: not allowed by its rules"],
  [3, "target", "cannot connect to 192.0.2.1:443: network unreachable"],
  [4, "target", "cannot connect to 192.0.2.1:443: host unreachable"],
  [5, "target", "cannot connect to 192.0.2.1:443: connection refused"],
  [6, "target", "cannot connect to 192.0.2.1:443: TTL expired"],
];

for (const [behaviour, fault, reason] of failures) {
  Deno.test(`Socks5Dialer finds fault with the ${fault} where a proxy does this: ${behaviour}`, async () => {
    await using server = SocksServer.start({ behaviour });
    const error = await failure(dialerTo(server.port));
    assertEquals([error.fault, error.reason], [fault, reason]);
    assertEquals(error.message, `the SOCKS5 proxy 127.0.0.1:${server.port} ${reason}`);
  });
}

Deno.test("Socks5Dialer finds fault with a proxy that it cannot reach", async () => {
  const port = closedPort();
  const error = await failure(dialerTo(port));
  assertEquals(error.fault, "proxy");
  assert(error.reason.startsWith("cannot be reached: "), error.reason);
});

Deno.test("Socks5Dialer says what is wrong with the login, and never shows it", async () => {
  await using open = SocksServer.start();
  await using strict = SocksServer.start({ login });
  assertEquals((await failure(dialerTo(strict.port))).reason, "wants another login than none: give user and password");
  const wrong = await failure(dialerTo(strict.port, { credentials: { user: "anna", password: "wrong" } }));
  assertEquals([wrong.fault, wrong.reason], ["proxy", "refuses the user and the password"]);
  const port = closedPort();
  for (const behaviour of ["drop", "drop-after-method", "http", 1] as const) {
    open.behaviour = behaviour;
    for (const dialer of [dialerTo(open.port, { credentials: login }), dialerTo(port, { credentials: login })]) {
      const { message, stack, cause } = await failure(dialer);
      assertNotMatch(`${message} ${stack} ${cause}`, /anna|p@ss/);
    }
  }
});

Deno.test("Socks5Dialer says that a name cannot be looked up, which is not the proxy's fault", async () => {
  await using server = SocksServer.start();
  const error = await failure(dialerTo(server.port), tcp("name.test", 443));
  assertEquals([error.fault, error.reason], ["target", "cannot be asked for name.test:443: nobody knows name.test"]);
  assertEquals(server.accepted, 0);
});

Deno.test("Socks5Dialer does not lead to Unix sockets", async () => {
  const error = await failure(dialerTo(1), { kind: "unix", path: "/run/x" });
  assertEquals([error.fault, error.reason], ["target", "cannot lead to a Unix socket"]);
});

const mute: readonly [SocksBehaviour, string][] = [
  ["mute", "an answer to the greeting"],
  ["mute-after-method", "an answer to the request"],
  ["mute-after-request", "an answer to the request"],
];

for (const [behaviour, waitedFor] of mute) {
  Deno.test(`Socks5Dialer gives up a proxy that is ${behaviour} when its time is over, and leaves nothing behind`, async () => {
    await using server = SocksServer.start({ behaviour });
    const clock = new FakeClock();
    const dialing = failure(dialerTo(server.port, { clock, timeoutMs: 3_000 }));
    await untilUnanswered(server);
    await clock.advance(2_999);
    assertEquals(await Promise.race([dialing, settle()]), undefined);
    await clock.advance(1);
    const error = await dialing;
    assertEquals([error.fault, error.reason], [
      "proxy",
      `gave no answer within 3 s: waited for ${waitedFor}`,
    ]);
    assertEquals(clock.pendingMs, []);
    await untilClosed(server);
  });
}

Deno.test("Socks5Dialer takes the time that a single dial is given", async () => {
  await using server = SocksServer.start({ behaviour: "mute" });
  const clock = new FakeClock();
  const dialing = assertRejects(
    () => dialerTo(server.port, { clock }).dial(tcp("192.0.2.1", 443), { signal: never, timeoutMs: 50 }),
    Socks5Error,
    "within 0.05 s",
  );
  await clock.advance(50);
  await dialing;
});

Deno.test("Socks5Dialer counts the time for reaching the proxy and for looking names up", async () => {
  const hanging = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
  const cases: readonly [Parts, string, string][] = [
    [{ dialer: { dial: (_, { signal }) => hanging(signal) } }, "proxy", "a connection"],
    [{ resolver: { resolve: (_, { signal }) => hanging(signal) } }, "target", "the addresses of dc.test"],
  ];
  for (const [parts, fault, waitedFor] of cases) {
    const clock = new FakeClock();
    const resolver = resolverOf({ "dc.test": ["192.0.2.1"] });
    const dialing = failure(dialerTo(1, { clock, resolver, ...parts }), tcp("dc.test", 443));
    await clock.advance(5_000);
    const error = await dialing;
    assertEquals([error.fault, error.reason], [fault, `gave no answer within 5 s: waited for ${waitedFor}`]);
  }
});

Deno.test("Socks5Dialer obeys an abort at every moment, with its reason, and leaves nothing behind", async () => {
  for (const behaviour of ["mute", "mute-after-method", "mute-after-request"] as const) {
    await using server = SocksServer.start({ behaviour });
    const clock = new FakeClock();
    const controller = new AbortController();
    const reason = new Error("the client is gone");
    const dialing = dialerTo(server.port, { clock }).dial(tcp("192.0.2.1", 443), { signal: controller.signal });
    await untilUnanswered(server);
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => dialing), reason);
    assertEquals(clock.pendingMs, []);
    await untilClosed(server);
  }
  const reason = new Error("gone before");
  const signal = AbortSignal.abort(reason);
  assertStrictEquals(await assertRejects(() => dialerTo(1).dial(tcp("192.0.2.1", 443), { signal })), reason);
});

Deno.test("Socks5Dialer leaves a connection alone when its signal is aborted later, and its time is over", async () => {
  await using echo = new Echo();
  await using server = SocksServer.start();
  const clock = new FakeClock();
  const controller = new AbortController();
  using conn = await dialerTo(server.port, { clock }).dial(tcp("127.0.0.1", echo.port), { signal: controller.signal });
  controller.abort(new Error("another address answered first"));
  await clock.advance(60_000);
  assertEquals(await exchange(conn, Uint8Array.of(7)), Uint8Array.of(7));
});

Deno.test("Socks5Dialer hands on connections that are no sockets", async () => {
  const [near, far] = memoryPipe();
  using _ = far;
  const dialing = dialerTo(1, { dialer: { dial: () => Promise.resolve(near) } }).dial(tcp("192.0.2.1", 443), {
    signal: never,
  });
  const reader = new ByteReader((into) => far.read(into));
  assertEquals(await reader.exactly(3), Uint8Array.of(5, 1, 0));
  await writeAll(far, Uint8Array.of(5, 0));
  assertEquals(await reader.exactly(10), Uint8Array.of(5, 1, 0, 1, 192, 0, 2, 1, 1, 187));
  await writeAll(far, Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0, 9));
  using conn = await dialing;
  assertStrictEquals(conn, near);
  const into = new Uint8Array(9);
  assertEquals([await conn.read(into), into[0]], [1, 9]);
});

function closedPort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

async function untilUnanswered(server: SocksServer): Promise<void> {
  while (server.unanswered === 0) await pause();
}

async function untilClosed(server: SocksServer): Promise<void> {
  while (server.open > 0) await pause();
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
