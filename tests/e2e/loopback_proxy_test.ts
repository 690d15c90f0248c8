/** What can only be seen of a proxy in this very process. */
import { assertEquals } from "@std/assert";
import { ByteReader, randomBytes } from "../support/byte_reader.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { RawClient, sendAll } from "../support/raw_client.ts";
import { LoopbackProxy } from "./loopback_proxy.ts";

Deno.test("Proxy does not resolve its disposal before the last socket is closed", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  await using proxy = await LoopbackProxy.start({ dc });
  {
    using gone = await RawClient.connect({ port: proxy.port, secret: proxy.secret });
    await gone.write(randomBytes(10));
    await gone.readExactly(10);
    const draining = proxy.proxy.drain(5_000);
    gone.close();
    await draining;
  }
  using client = await RawClient.connect({ port: proxy.port, secret: proxy.secret });
  await client.write(randomBytes(10));
  await client.readExactly(10);
  await proxy.proxy[Symbol.asyncDispose]();
  assertEquals([proxy.proxy.connections, proxy.slots.taken], [0, 0]);
});

Deno.test("a proxy that fronts itself does so once, not for ever", async () => {
  await using proxy = await LoopbackProxy.start({ frontsItself: true });
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  await sendAll(conn, new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  assertEquals(await new ByteReader((into) => conn.read(into)).all(), new Uint8Array(0));
  await proxy.ledger.until("closed", { count: 2 });
  assertEquals(proxy.ledger.story(1), [
    "opened",
    "refused bad-client-hello fronted",
    "front-loop",
    "closed front-loop",
  ]);
  assertEquals(proxy.ledger.story(2), ["opened", "refused closed-early closed", "closed closed-early"]);
  assertEquals(proxy.ledger.of("opened").length, 2);
});
