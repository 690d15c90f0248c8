import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { systemRandom } from "../../lib/crypto/random.ts";
import { secretOf } from "../../lib/policy/secret.ts";
import { checkLink, type CheckOptions } from "../../lib/probe/check_link.ts";
import type { Conn } from "../../lib/relay/conn.ts";
import { key } from "../faketls/hellos.ts";
import { ByteReader, concat } from "../support/byte_reader.ts";
import { clientRandom } from "../support/client_hello.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { type MemoryConn, memoryPipe } from "../support/memory_pipe.ts";
import { serverFlight } from "../support/server_flight.ts";

const link = { server: "proxy.test", port: 443, secret: secretOf("tls", key, "front.test") };
const clock = () => new FakeClock();

interface World {
  readonly clock: FakeClock;
  readonly hosts?: readonly string[];
  /** What is at the other end of each connection. */
  readonly serve?: (server: MemoryConn) => Promise<void>;
  readonly signal?: AbortSignal;
}

/** Options, and what was dialed. Where there is nothing, there is no answer. */
function world({ clock, hosts, serve, signal = new AbortController().signal }: World) {
  const conns: MemoryConn[] = [];
  const never = ({ signal }: { signal: AbortSignal }) => clock.sleep(1e9, signal).then(() => Promise.reject());
  const dial = (options: { signal: AbortSignal }): Promise<Conn> => {
    if (serve === undefined) return never(options);
    const [client, server] = memoryPipe();
    conns.push(client);
    serve(server).catch(() => {});
    return Promise.resolve(client);
  };
  const options: CheckOptions = {
    dialer: { dial: (_, options) => dial(options) },
    timeSources: () => [{ name: "nobody", ask: (signal) => never({ signal }) }],
    resolver: { resolve: (_, options) => hosts === undefined ? never(options) : Promise.resolve(hosts) },
    clock,
    random: systemRandom,
    timeoutMs: 5_000,
    allDcs: false,
    signal,
  };
  return { options, conns };
}

const readHello = async (server: MemoryConn) => {
  const reader = new ByteReader((into) => server.read(into));
  const header = await reader.exactly(5);
  return concat(header, await reader.exactly(header[3]! << 8 | header[4]!));
};

Deno.test("checkLink() waits for a name as long as a step may take", async () => {
  const time = clock();
  const checking = checkLink(link, world({ clock: time }).options);
  await time.advance(5_000);
  const { ok, steps } = await checking;
  assertEquals([ok, steps.map(({ code, ms }) => [code, ms])], [false, [["name-timeout", 5_000]]]);
  assertEquals(time.pendingMs, []);
});

Deno.test("checkLink() tries eight addresses at most, all at once", async () => {
  const time = clock();
  const hosts = Array.from({ length: 20 }, (_, index) => `192.0.2.${index}`);
  const checking = checkLink(link, world({ clock: time, hosts }).options);
  await time.advance(5_000);
  const { steps } = await checking;
  assertEquals(
    steps.slice(1).map(({ code, ms }) => [code, ms]),
    Array.from({ length: 8 }, () => ["tcp-timeout", 5_000]),
  );
});

Deno.test("checkLink() is through within half a minute where everything is silent", async () => {
  const time = clock();
  const { options, conns } = world({ clock: time, hosts: ["192.0.2.1"], serve: () => Promise.resolve() });
  const checking = checkLink(link, options);
  await time.advance(30_000);
  assertEquals((await checking).steps.map(({ code }) => code), ["resolved", "connected", "silent-after-hello"]);
  assertEquals([time.pendingMs, conns.every(({ isClosed }) => isClosed)], [[], true]);
});

Deno.test("checkLink() warns of a record that iPhones do not take", async () => {
  const time = clock();
  const serve = async (server: MemoryConn) => {
    const hello = await readHello(server);
    const applicationData = new Uint8Array(10_241).fill(1);
    await server.write(
      serverFlight({ key, clientRandom: clientRandom(hello), sessionId: hello.slice(44, 76), applicationData }),
    );
    await server.closeWrite();
  };
  const { options } = world({ clock: time, hosts: ["192.0.2.1"], serve });
  const { ok, steps } = await checkLink(link, options);
  assertEquals(steps.slice(2).map(({ outcome, code }) => `${outcome} ${code}`), [
    "warning large-record",
    "failed telegram-closed",
  ]);
  assertEquals(ok, false);
});

Deno.test("checkLink() tells each step as soon as it is over, and no more once it is stopped", async () => {
  const time = clock();
  const stopping = new AbortController();
  const told: string[] = [];
  const { options, conns } = world({
    clock: time,
    hosts: ["192.0.2.1"],
    serve: () => Promise.resolve(),
    signal: stopping.signal,
  });
  const checking = assertRejects(() => checkLink(link, { ...options, onStep: ({ code }) => told.push(code) }));
  await time.advance(1_000);
  assertEquals(told, ["resolved", "connected"]);
  const reason = new Error("stopped");
  stopping.abort(reason);
  assertStrictEquals(await checking, reason);
  assertEquals([told, time.pendingMs, conns.every(({ isClosed }) => isClosed)], [["resolved", "connected"], [], true]);
});
