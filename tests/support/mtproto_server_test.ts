import { assert, assertEquals, assertMatch } from "@std/assert";
import { FakeDc } from "./fake_dc.ts";
import { callWithMtcute } from "./mtcute_client.ts";
import { MtprotoServer } from "./mtproto/server.ts";

for (const padded of [false, true]) {
  Deno.test(`MtprotoServer completes a key exchange and a call of mtcute, ${padded ? "padded " : ""}intermediate`, async () => {
    const server = await MtprotoServer.create("NL");
    await using dc = FakeDc.start({ mode: server.handler });
    const report = await callWithMtcute({
      port: dc.port,
      padded,
      dc: 2,
      publicPem: server.publicPem,
      timeoutMs: 20_000,
    });
    assertEquals(report.ok && report.country, "NL", JSON.stringify(report));
    // A client may have to ask again: for the last step where the key begins with a zero byte, or from the start.
    const asked = server.events.filter(({ kind }) => kind === "plain").map(({ what }) => what);
    assertMatch(asked.join(" "), /^(be7e8ef1 d712e4be( f5045f1f)+ ?)+$/);
    assert(server.events.some(({ kind }) => kind === "key"));
    const calls = server.events.filter(({ what }) => what === "help.getNearestDc");
    assertEquals(calls.length, 2);
    assertEquals([dc.connections[0]?.tag, dc.connections[0]?.fault], [padded ? 0xdd : 0xee, undefined]);
  });
}
