/** Clients of every kind over real sockets: bulk, half-close, receivers that stall. */
import { assert, assertEquals } from "@std/assert";
import { randomBytes } from "../support/byte_reader.ts";
import { command, isPattern, patternAt } from "../support/dc_handlers.ts";
import { FakeDc } from "../support/fake_dc.ts";
import type { TransportTag } from "../support/obfuscated2_client.ts";
import { RawClient } from "../support/raw_client.ts";
import { endsStalledWrites } from "../support/subject.ts";
import { startProxy } from "./tested_proxy.ts";

const bulkBytes = 5_000_003;

async function download(client: RawClient, count: number): Promise<void> {
  await client.write(command("D", count));
  for (let at = 0; at < count;) {
    const part = await client.read();
    if (part === null) throw new Error(`the download ended after ${at} bytes`);
    assert(isPattern(part, at), `the download is wrong near byte ${at}`);
    at += part.length;
  }
}

async function upload(client: RawClient, count: number): Promise<void> {
  await client.write(command("U", count));
  for (let at = 0; at < count;) {
    const part = patternAt(at, count - at);
    await client.write(part);
    at += part.length;
  }
  assertEquals(new TextDecoder().decode((await client.readExactly(16)).subarray(0, 2)), "ok");
}

const tags: readonly (readonly ["simple" | "secured" | "tls", TransportTag])[] = [
  ["simple", 0xef],
  ["simple", 0xee],
  ["secured", 0xdd],
  ["tls", 0xdd],
];

for (const [kind, tag] of tags) {
  for (const fastMode of [true, false]) {
    const mode = fastMode ? "fast mode" : "no fast mode";
    Deno.test(`a client of a ${kind} secret, tag ${tag.toString(16)}, downloads and uploads, ${mode}`, async () => {
      await using dc = FakeDc.start({ mode: "commands" });
      await using proxy = await startProxy({ kind, dc, fastMode });
      using client = await RawClient.connect({ port: proxy.port, secret: proxy.secret, tag });
      await download(client, bulkBytes);
      await upload(client, bulkBytes);
      await download(client, 1);
      assertEquals(dc.connections.map(({ tag, dc, fault }) => ({ tag, dc, fault })), [{
        tag,
        dc: 2,
        fault: undefined,
      }]);
      if (kind === "tls") assert(client.recordSizes.every((size) => size >= 1 && size <= 16_384));
    });
  }
}

Deno.test("both ends of a client's session learn of the other's end, and no byte is lost", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using proxy = await startProxy({ dc });
  const bytes = randomBytes(300_000);
  for (let i = 0; i < 10; i++) {
    using client = await RawClient.connect({ port: proxy.port, secret: proxy.secret });
    const [got] = await Promise.all([
      client.readAll(),
      client.write(bytes).then(() => client.closeWrite()),
    ]);
    assertEquals(got, bytes);
  }
  await proxy.ledger.until("closed", { count: 10 });
  assertEquals(proxy.ledger.of("closed").map(({ reason }) => reason), Array(10).fill("ended"));
  assertEquals(dc.connections.map(({ end }) => end), Array(10).fill("fin"));
});

Deno.test("a client gets the last bytes of a data centre that closes at once behind them", async () => {
  const bytes = randomBytes(1_000_000);
  await using dc = FakeDc.start({ mode: (stream) => stream.write(bytes) });
  await using proxy = await startProxy({ dc });
  for (let i = 0; i < 5; i++) {
    using client = await RawClient.connect({ port: proxy.port, secret: proxy.secret });
    await client.write(new Uint8Array(0));
    assertEquals(await client.readAll(), bytes);
    await client.closeWrite();
  }
  await proxy.ledger.until("closed", { count: 5 });
});

Deno.test({
  name: "a client that takes nothing of its download loses its slot when the session is idle",
  ignore: !endsStalledWrites,
  fn: async () => {
    await using dc = FakeDc.start({ mode: "commands" });
    await using proxy = await startProxy({ dc, concurrency: 1, timeouts: { idleMs: 400 } });
    using client = await RawClient.connect({ port: proxy.port, secret: proxy.secret });
    await client.write(command("D", 50_000_000));
    await proxy.ledger.until("closed");
    assertEquals(proxy.ledger.story(1), ["opened", "connected", "closed idle"]);
    using next = await RawClient.connect({ port: proxy.port, secret: proxy.secret });
    await download(next, 1_000);
  },
});

Deno.test({
  name: "a data centre that takes nothing does not keep an idle session alive",
  ignore: !endsStalledWrites,
  fn: async () => {
    await using dc = FakeDc.start({
      mode: ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true })),
    });
    await using proxy = await startProxy({ dc, timeouts: { idleMs: 400 } });
    using client = await RawClient.connect({ port: proxy.port, secret: proxy.secret });
    const writing = client.write(randomBytes(30_000_000)).catch((error) => error);
    await proxy.ledger.until("closed");
    assertEquals(proxy.ledger.story(1), ["opened", "connected", "closed idle"]);
    assert(await writing instanceof Error, "the client is told");
  },
});

Deno.test("a client's session works where every data centre address but the last is dead", async () => {
  await using dc = FakeDc.start({ mode: "echo", listeners: 2 });
  const dead = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const deadPort = dead.addr.port;
  dead.close();
  const dcPorts = [deadPort, Number(dc.addresses[1]!.split(":")[1])];
  await using proxy = await startProxy({ dcPorts });
  for (let i = 0; i < 3; i++) {
    using client = await RawClient.connect({ port: proxy.port, secret: proxy.secret });
    const bytes = randomBytes(10);
    await client.write(bytes);
    assertEquals(await client.readExactly(10), bytes);
  }
  assertEquals(dc.connections.map(({ listener }) => listener), [1, 1, 1]);
});
