import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Address, TcpAddress } from "../../lib/address.ts";
import type { Event } from "../../lib/events/event.ts";
import { Listener, openListeners } from "../../lib/net/listener.ts";
import type { Conn } from "../../lib/relay/conn.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { hasIpv6 } from "./sockets.ts";

const loopback: Address = { kind: "tcp", host: "127.0.0.1", port: 0 };

function accepting(listener: Listener, serve: (conn: Conn) => void, makeRoom = (_count: number) => 0) {
  const clock = new FakeClock();
  const events: Event[] = [];
  const done = listener.acceptInto({ serve, makeRoom }, { clock, events: { emit: (event) => events.push(event) } });
  return { clock, events, done };
}

async function connectTo({ address }: Listener, hostname?: string): Promise<Deno.TcpConn> {
  const { host, port } = address as TcpAddress;
  return await Deno.connect({ hostname: hostname ?? host, port });
}

Deno.test("Listener hands over every client, and ends when it is disposed", async () => {
  const listener = await Listener.open(loopback);
  const conns: Conn[] = [];
  const { done, events } = accepting(listener, (conn) => conns.push(conn));
  const clients = await Promise.all([1, 2, 3].map(() => connectTo(listener)));
  while (conns.length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  const ports = clients.map(({ localAddr }) => localAddr.port);
  const seen = conns.map(({ remote }) => (remote as TcpAddress).port);
  assertEquals(new Set(seen), new Set(ports));
  assertEquals(conns[0]!.local, listener.address);
  listener[Symbol.dispose]();
  listener[Symbol.dispose]();
  await done;
  assertEquals(events, []);
  for (const conn of [...conns, ...clients]) conn[Symbol.dispose]();
});

Deno.test("Listener tells the port that the system chose, and cannot be reached once it is disposed", async () => {
  const listener = await Listener.open(loopback);
  const { port } = listener.address as TcpAddress;
  assert(port > 0);
  (await connectTo(listener)).close();
  listener[Symbol.dispose]();
  await assertRejects(() => connectTo(listener), Deno.errors.ConnectionRefused);
});

Deno.test("Listener.open() says that another program listens on the address, and which it is", async () => {
  using listener = await Listener.open(loopback);
  const { host, port } = listener.address as TcpAddress;
  const error = await assertRejects(() => Listener.open(listener.address), Error);
  assertEquals(error.message, `cannot listen on ${host}:${port}: another program listens there`);
});

Deno.test("Listener.open() says that the machine has no such address", async () => {
  const error = await assertRejects(() => Listener.open({ kind: "tcp", host: "203.0.113.77", port: 0 }), Error);
  assertEquals(error.message, "cannot listen on 203.0.113.77:0: this machine has no such address");
});

Deno.test({
  name: "Listener on all interfaces takes a client over IPv4 for what it is, and one over IPv6 too",
  ignore: !hasIpv6(),
  async fn() {
    using listener = await Listener.open({ kind: "tcp", host: "::", port: 0 });
    const conns: Conn[] = [];
    const { done } = accepting(listener, (conn) => conns.push(conn));
    for (const [host, count] of [["127.0.0.1", 1], ["::1", 2]] as const) {
      using client = await connectTo(listener, host);
      while (conns.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
      const conn = conns.at(-1)!;
      assertEquals([conn.remote, (conn.local as TcpAddress).host], [
        { kind: "tcp", host, port: client.localAddr.port },
        host,
      ]);
      conn[Symbol.dispose]();
    }
    listener[Symbol.dispose]();
    await done;
  },
});

const isWildcard = (address: Address) => address.kind === "tcp" && address.host === "::";
const tcp = (host: string, port: number): Address => ({ kind: "tcp", host, port });

/** A port that nobody uses, below those that the system gives to whoever asks for any. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      (await Listener.open(tcp("::", port)))[Symbol.dispose]();
      return port;
    } catch {
      // Taken: try another.
    }
  }
}

for (const reusePort of [false, Deno.build.os === "linux"]) {
  for (const hosts of [["::", "0.0.0.0"], ["0.0.0.0", "::"]]) {
    Deno.test({
      name: `openListeners() does serve IPv4 and IPv6 on ${hosts.join(" beside ")}, reusePort ${reusePort}`,
      ignore: !hasIpv6(),
      async fn() {
        const port = await freePort();
        const addresses = hosts.map((host) => tcp(host, port));
        const listeners = await openListeners(addresses, { reusePort });
        assertEquals([...listeners.keys()], reusePort ? addresses : addresses.filter((address) => isWildcard(address)));
        for (const hostname of ["127.0.0.1", "::1"]) (await Deno.connect({ hostname, port })).close();
        for (const listener of listeners.values()) listener[Symbol.dispose]();
        await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port }), Deno.errors.ConnectionRefused);
      },
    });
  }
}

Deno.test("openListeners() does listen on all addresses, in their order, or on none", async () => {
  const addresses = [loopback, tcp("127.0.0.2", 0)];
  const listeners = await openListeners(addresses);
  const bound = [...listeners.values()].map(({ address }) => address as TcpAddress);
  assertEquals([[...listeners.keys()], bound.map(({ host }) => host)], [addresses, ["127.0.0.1", "127.0.0.2"]]);
  const error = await assertRejects(() => openListeners([tcp("127.0.0.3", bound[0]!.port), bound[0]!]), Error);
  assertEquals(error.message, `cannot listen on 127.0.0.1:${bound[0]!.port}: another program listens there`);
  const connect = () => Deno.connect({ hostname: "127.0.0.3", port: bound[0]!.port });
  await assertRejects(connect, Deno.errors.ConnectionRefused);
  for (const listener of listeners.values()) listener[Symbol.dispose]();
});

Deno.test("openListeners() does not take 0.0.0.0 for covered by [::] with another port", async () => {
  using taken = await Listener.open(tcp("0.0.0.0", 0));
  const error = await assertRejects(() => openListeners([tcp("::", 0), taken.address]), Error);
  assertEquals(error.message.endsWith("another program listens there"), true);
});

Deno.test({
  name: "Listeners share a port only if all want to",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using one = await Listener.open(loopback, { reusePort: true });
    (await Listener.open(one.address, { reusePort: true }))[Symbol.dispose]();
    await assertRejects(() => Listener.open(one.address), Error, "another program listens there");
  },
});

/** Puts a listener in place of the system's: its `accept` gives `outcomes` one after another, then waits. */
function scriptedListen(outcomes: readonly (() => Promise<Deno.Conn>)[]): Disposable {
  const original = Deno.listen;
  const queue = [...outcomes];
  const closed = Promise.withResolvers<Deno.Conn>();
  closed.promise.catch(() => {});
  const listener = {
    addr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
    accept: () => (queue.shift() ?? (() => closed.promise))(),
    close: () => closed.reject(new Deno.errors.BadResource("closed")),
  };
  Object.defineProperty(Deno, "listen", { value: () => listener, configurable: true, writable: true });
  return {
    [Symbol.dispose]: () =>
      Object.defineProperty(Deno, "listen", { value: original, configurable: true, writable: true }),
  };
}

const outOfDescriptors = () =>
  Promise.reject(Object.assign(new Error("Too many open files (os error 24)"), { code: "EMFILE" }));
const odd = () => Promise.reject(new Error("Protocol error"));
const aborted = () => Promise.reject(new Deno.errors.ConnectionAborted("Software caused connection abort"));
/** As much of a socket as a listener looks at. */
const fakeSocket = (closed: string[], setNoDelay: () => void = () => {}) =>
  ({ setNoDelay, close: () => closed.push("closed") }) as unknown as Deno.Conn;

Deno.test("Listener survives failed accepts, pauses 50 ms after each, and tells of the first of a row alone", async () => {
  const served: Conn[] = [];
  const socket = () => Promise.resolve(fakeSocket([]));
  using _ = scriptedListen([outOfDescriptors, outOfDescriptors, outOfDescriptors, socket, socket, odd, socket]);
  const listener = await Listener.open(loopback);
  const { clock, events, done } = accepting(listener, (conn) => served.push(conn));
  for (let failures = 1; failures <= 3; failures++) {
    await settle();
    assertEquals([clock.pendingMs, served.length], [[50], 0]);
    await clock.advance(50);
  }
  assertEquals([served.length, clock.pendingMs], [2, [50]]);
  await clock.advance(50);
  assertEquals(served.length, 3);
  assertEquals(events, [
    { type: "accept-failed", address: listener.address, reason: "Too many open files (os error 24)" },
    { type: "accept-failed", address: listener.address, reason: "Protocol error" },
  ]);
  listener[Symbol.dispose]();
  await done;
  assertEquals([events.length, clock.pendingMs], [2, []]);
});

Deno.test("Listener asks for room when there is no descriptor left, and pauses only if there is none", async () => {
  const served: Conn[] = [];
  const asked: number[] = [];
  const rooms = [3, 1, 0];
  const makeRoom = (count: number) => {
    asked.push(count);
    return rooms.shift() ?? 0;
  };
  const socket = () => Promise.resolve(fakeSocket([]));
  using _ = scriptedListen([outOfDescriptors, socket, outOfDescriptors, socket, outOfDescriptors, socket, odd]);
  const listener = await Listener.open(loopback);
  const { clock, done } = accepting(listener, (conn) => served.push(conn), makeRoom);
  await settle();
  assertEquals([served.length, asked, clock.pendingMs], [2, [64, 64, 64], [50]]);
  await clock.advance(50);
  assertEquals([served.length, asked.length, clock.pendingMs], [3, 3, [50]], "another failure needs no room");
  listener[Symbol.dispose]();
  await done;
});

Deno.test("Listener takes no notice of clients that are gone before they are accepted, but of a hundred in a row", async () => {
  const served: Conn[] = [];
  const socket = () => Promise.resolve(fakeSocket([]));
  const gone = [aborted, () => Promise.reject(new Deno.errors.NotConnected("not connected"))];
  const some = Array.from({ length: 99 }, (_, index) => gone[index % 2]!);
  using _ = scriptedListen([...some, socket, ...some, aborted, socket]);
  const listener = await Listener.open(loopback);
  const { clock, events, done } = accepting(listener, (conn) => served.push(conn));
  for (let turn = 0; turn < 20; turn++) await settle();
  assertEquals([served.length, clock.pendingMs, events.length], [1, [50], 1]);
  await clock.advance(50);
  assertEquals(served.length, 2);
  listener[Symbol.dispose]();
  await done;
});

Deno.test("Listener ends at once when it is disposed during a pause", async () => {
  using _ = scriptedListen([outOfDescriptors]);
  const listener = await Listener.open(loopback);
  const { clock, done } = accepting(listener, () => {});
  await settle();
  listener[Symbol.dispose]();
  await done;
  assertEquals(clock.pendingMs, []);
});

Deno.test("Listener drops a client that is gone before it is looked at, without a pause", async () => {
  const closed: string[] = [];
  const gone = fakeSocket(closed, () => {
    throw new Error("Invalid argument (os error 22)");
  });
  const served: Conn[] = [];
  using _ = scriptedListen([() => Promise.resolve(gone), () => Promise.resolve(fakeSocket([]))]);
  const listener = await Listener.open(loopback);
  const { clock, events, done } = accepting(listener, (conn) => served.push(conn));
  await settle();
  assertEquals([closed, served.length, events, clock.pendingMs], [["closed"], 1, [], []]);
  listener[Symbol.dispose]();
  await done;
});

Deno.test("Listener goes on even if serving a client throws", async () => {
  const served: number[] = [];
  using _ = scriptedListen([1, 2].map(() => () => Promise.resolve(fakeSocket([]))));
  const listener = await Listener.open(loopback);
  const { clock, events, done } = accepting(listener, () => {
    served.push(served.length);
    if (served.length === 1) throw new TypeError("a fault of ours");
  });
  await settle();
  await clock.advance(50);
  assertEquals([served.length, events.length], [2, 1]);
  listener[Symbol.dispose]();
  await done;
});
