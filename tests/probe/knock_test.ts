import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { systemRandom } from "../../lib/crypto/random.ts";
import { verifyDigest } from "../../lib/faketls/digest.ts";
import { secretOf } from "../../lib/policy/secret.ts";
import { knock, type Rebuff, type Welcome } from "../../lib/probe/knock.ts";
import { TimedOut } from "../../lib/relay/aborts.ts";
import { decodeWhole, key } from "../faketls/hellos.ts";
import { record } from "../faketls/records.ts";
import { concat } from "../support/byte_reader.ts";
import { clientRandom } from "../support/client_hello.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { type MemoryConn, memoryPipe, type MemoryPipeOptions } from "../support/memory_pipe.ts";
import { serverFlight } from "../support/server_flight.ts";

const secret = secretOf("tls", key, "front.test");

/** Knocks; `answer` is what the other end does with the hello. */
async function tryKnock(
  answer: (server: MemoryConn, hello: Uint8Array) => unknown,
  { pipe = {}, signal = new AbortController().signal }: { pipe?: MemoryPipeOptions; signal?: AbortSignal } = {},
): Promise<{ outcome: Welcome | Rebuff; client: MemoryConn; server: MemoryConn; hello: Uint8Array }> {
  const [client, server] = memoryPipe(pipe);
  const knocking = knock(client, { secret, clock: new FakeClock(), random: systemRandom, signal });
  const hello = new Uint8Array(4_096);
  let size = 0;
  while (size < 5 || size < 5 + (hello[3]! << 8 | hello[4]!)) size += (await server.read(hello.subarray(size)))!;
  await answer(server, hello.slice(0, size));
  return { outcome: await knocking, client, server, hello: hello.slice(0, size) };
}

const flightFor = (hello: Uint8Array, sessionId = hello.slice(44, 76)) =>
  serverFlight({ key, clientRandom: clientRandom(hello), sessionId });

Deno.test("knock() tells the time and is let in, however the answer is cut", async () => {
  for (const pipe of [{}, { readAtMost: 1 }, { readAtMost: 128 }]) {
    const { outcome, client, hello } = await tryKnock((server, hello) => server.write(flightFor(hello)), { pipe });
    assertEquals(outcome.kind === "verified" && [outcome.sizes, outcome.ms], [[122, 1, 2_900], 0]);
    assertEquals(verifyDigest(decodeWhole(hello), key), Date.UTC(2026, 0, 1) / 1_000);
    assertEquals(client.isClosed, false);
  }
});

Deno.test("knock() passes on what follows the flight", async () => {
  const { outcome } = await tryKnock((server, hello) =>
    server.write(concat(flightFor(hello), record(0x17, Uint8Array.of(7, 8, 9))))
  );
  if (outcome.kind !== "verified") throw new Error(outcome.kind);
  const into = new Uint8Array(10);
  assertEquals([await outcome.conn.read(into), into.slice(0, 3)], [3, Uint8Array.of(7, 8, 9)]);
});

const hello = new Uint8Array(1_000);
const strangers: readonly (readonly [string, (server: MemoryConn) => unknown, Rebuff])[] = [
  ["another secret", (server) => server.write(flightFor(hello)), { kind: "site", received: 3_038 }],
  ["no TLS", (server) => server.write(Uint8Array.of(0x48, 0x54)), { kind: "foreign", received: 2 }],
  ["an alert", (server) => server.write(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 40)), { kind: "alert", code: 40 }],
  ["an end", (server) => server.closeWrite(), { kind: "closed", received: 0 }],
  ["a reset", (server) => server.reset(), { kind: "reset", received: 0 }],
  [
    "an end after a ServerHello",
    async (server) => {
      await server.write(flightFor(hello).subarray(0, 127));
      await server.closeWrite();
    },
    { kind: "site", received: 127 },
  ],
  [
    "an end before a ServerHello is whole",
    async (server) => {
      await server.write(flightFor(hello).subarray(0, 126));
      await server.closeWrite();
    },
    { kind: "broken-off", received: 126 },
  ],
];

for (const [name, answer, expected] of strangers) {
  Deno.test(`knock() knows ${name}, and closes`, async () => {
    const { outcome, client } = await tryKnock(answer);
    assertEquals(outcome, expected);
    assertEquals(client.isClosed, true);
  });
}

Deno.test("knock() takes it for silence when time is up, and for broken off if something has come", async () => {
  for (const [bytes, expected] of [[0, "silent"], [50, "broken-off"], [127, "site"]] as const) {
    const aborting = new AbortController();
    const { outcome, client } = await tryKnock(async (server, hello) => {
      if (bytes > 0) await server.write(flightFor(hello).subarray(0, bytes));
      await settle();
      aborting.abort(new TimedOut(5_000));
    }, { signal: aborting.signal });
    assertEquals(outcome, { kind: expected, received: bytes });
    assertEquals(client.isClosed, true);
  }
});

Deno.test("knock() rejects with the reason of any other abort, and closes", async () => {
  const reason = new Error("stopped");
  const aborting = new AbortController();
  const error = await assertRejects(() => tryKnock(() => aborting.abort(reason), { signal: aborting.signal }));
  assertStrictEquals(error, reason);
  const [client] = memoryPipe();
  const options = { secret, clock: new FakeClock(), random: systemRandom, signal: AbortSignal.abort(reason) };
  assertStrictEquals(await assertRejects(() => knock(client, options)), reason);
  assertEquals(client.deeds, ["dispose"]);
});
