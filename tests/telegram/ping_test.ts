import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { systemRandom } from "../../lib/crypto/random.ts";
import { secretOf } from "../../lib/policy/secret.ts";
import { writeAll } from "../../lib/relay/conn.ts";
import { askDataCentre, askThroughProxy, DcError } from "../../lib/telegram/ping.ts";
import type { TransportTag } from "../../lib/transport/obfuscated2.ts";
import { ByteReader, concat, randomBytes } from "../support/byte_reader.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { type MemoryConn, memoryPipe } from "../support/memory_pipe.ts";
import { acceptFrame } from "../support/obfuscated2_client.ts";
import { framePacket, readPacket } from "../support/transports.ts";
import { secret as key } from "../transport/frames.ts";

const timeMs = Date.UTC(2026, 0, 2);

/** What the stand-in does with the client's packet. @returns What it sends, or `undefined` to be mute. */
type Reply = (packet: Uint8Array, tag: TransportTag) => Uint8Array | undefined;

/** As a server of Telegram does: a packet for a packet. */
const resPq: Reply = (packet, tag) => {
  const head = new Uint8Array(24);
  new DataView(head.buffer).setUint32(12, timeMs / 1_000, true);
  head.set([0x63, 0x24, 0x16, 0x05], 20);
  return framePacket(tag, concat(head, packet.slice(24, 40), randomBytes(16), new Uint8Array(28)));
};

const serve = async (conn: MemoryConn, reply: Reply, key?: Uint8Array) => {
  const wire = new ByteReader((into) => conn.read(into));
  const accepted = acceptFrame(await wire.exactly(64), key);
  using ciphers = accepted.ciphers;
  const plain = new ByteReader(async (into) => {
    const part = await wire.some(into.length);
    if (part !== null) into.set(ciphers.decrypt.update(part));
    return part && part.length;
  });
  const packet = await readPacket(accepted.tag, plain);
  const answer = reply(packet!, accepted.tag);
  if (answer !== undefined) await writeAll(conn, ciphers.encrypt.update(answer));
  return { tag: accepted.tag, dc: accepted.dc, packet: packet! };
};

const options = (clock = new FakeClock()) => ({ clock, random: systemRandom, signal: new AbortController().signal });

Deno.test("askDataCentre() asks as a client does, and tells the round trip and Telegram's clock", async () => {
  const clock = new FakeClock();
  const [client, server] = memoryPipe({ latency: { clock, ms: 35 } });
  const asking = askDataCentre(client, -4, options(clock));
  const serving = serve(server, resPq);
  await clock.advance(70);
  assertEquals(await asking, { rttMs: 70, timeMs });
  const { tag, dc, packet } = await serving;
  assertEquals([tag, dc, packet.slice(0, 8).toHex()], [0xdd, -4, "0000000000000000"]);
  assertEquals(packet.slice(20, 24).toHex(), "f18e7ebe");
  assertEquals(client.deeds[0]?.startsWith("write"), true, "frame and question are one write");
});

Deno.test("askDataCentre() reads an answer that comes byte by byte", async () => {
  const [client, server] = memoryPipe({ readAtMost: 1, writeAtMost: 7 });
  const serving = serve(server, resPq);
  assertEquals((await askDataCentre(client, 2, options())).timeMs, timeMs);
  await serving;
});

for (const [kind, tag] of [["tls", 0xdd], ["secured", 0xdd], ["simple", 0xee]] as const) {
  Deno.test(`askThroughProxy() asks as a client with a ${kind} secret does`, async () => {
    const [client, server] = memoryPipe();
    const secret = secretOf(kind, key, kind === "tls" ? "front.test" : "");
    const serving = serve(server, resPq, key);
    const answer = await askThroughProxy(client, { dc: 4, secret }, options());
    assertEquals(answer.timeMs, timeMs);
    const { tag: asked, dc } = await serving;
    assertEquals([asked, dc], [tag, 4]);
  });
}

const failures: readonly (readonly [string, Reply, string, string, number?])[] = [
  [
    "a transport error",
    (_, tag) => framePacket(tag, Uint8Array.of(0x6c, 0xfe, 0xff, 0xff)),
    "refused",
    "Telegram refused: error -404, it does not know what it was asked",
    -404,
  ],
  [
    "a transport error without a name",
    (_, tag) => framePacket(tag, Uint8Array.of(0xff, 0xff, 0xff, 0xff)),
    "refused",
    "Telegram refused: error -1",
    -1,
  ],
  [
    "garbage",
    () => new TextEncoder().encode("HTTP/1.1 400 Bad Request"),
    "garbage",
    "What came is no answer of Telegram: a packet of 1347703880 bytes",
  ],
];

for (const [name, reply, kind, message, code] of failures) {
  Deno.test(`askDataCentre() tells ${name}`, async () => {
    const [client, server] = memoryPipe();
    const serving = serve(server, reply);
    const error = await assertRejects(() => askDataCentre(client, 2, options()), DcError);
    assertEquals([error.kind, error.message, error.code], [kind, message, code]);
    await serving;
  });
}

Deno.test("askDataCentre() tells that the connection was closed without an answer", async () => {
  const [client, server] = memoryPipe();
  const serving = serve(server, () => undefined).then(() => server.closeWrite());
  const error = await assertRejects(() => askDataCentre(client, 2, options()), DcError);
  assertEquals([error.kind, error.message], ["closed", "The connection was closed without an answer"]);
  await serving;
});

Deno.test("askDataCentre() tells that the connection was reset, before or after the question", async () => {
  for (const before of [true, false]) {
    const [client, server] = memoryPipe();
    if (before) server.reset();
    const serving = before ? undefined : serve(server, () => undefined).then(() => server.reset());
    const error = await assertRejects(() => askDataCentre(client, 2, options()), DcError);
    assertEquals(error.kind, "reset");
    await serving;
  }
});

Deno.test("askDataCentre() waits until its signal aborts, rejects with the reason and closes", async () => {
  const [client, server] = memoryPipe();
  const aborting = new AbortController();
  const asking = assertRejects(() => askDataCentre(client, 2, { ...options(), signal: aborting.signal }));
  await serve(server, () => undefined);
  const reason = new Error("no answer within 5 s");
  aborting.abort(reason);
  assertStrictEquals(await asking, reason);
  assertEquals(client.isClosed, true);
});

Deno.test("askDataCentre() with an aborted signal sends nothing, and closes", async () => {
  const [client] = memoryPipe();
  const reason = new Error("too late");
  const signal = AbortSignal.abort(reason);
  assertStrictEquals(await assertRejects(() => askDataCentre(client, 2, { ...options(), signal })), reason);
  assertEquals([client.deeds, client.isClosed], [["dispose"], true]);
});
