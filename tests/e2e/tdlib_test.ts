/** TDLib, the library of Telegram's own apps, through the proxy: its real hellos, and its judgement of the proxy's answers. */
import { assertEquals } from "@std/assert";
import { formatSecret, secretOf } from "../../lib/policy/secret.ts";
import { randomBytes } from "../support/byte_reader.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { answerAndFinFirst, Site, siteName } from "../support/fronted_site.ts";
import { MtprotoServer } from "../support/mtproto/server.ts";
import { tdlib, testWithTdlib } from "../support/tdlib_client.ts";
import { startProxy } from "./tested_proxy.ts";

const ignore = tdlib === undefined;
if (ignore) {
  Deno.stderr.writeSync(new TextEncoder().encode("TEST_TDLIB is not set: the tests with TDLib are left out\n"));
}

/** Each hello of fake TLS is another one. */
const tries = 10;

for (const kind of ["tls", "secured", "simple"] as const) {
  Deno.test({
    name: `TDLib finds a proxy with a ${kind} secret good, ${tries} times at once`,
    ignore,
    fn: async () => {
      const server = await MtprotoServer.create();
      await using dc = FakeDc.start({ mode: server.handler });
      await using proxy = await startProxy({ kind, dc });
      const { port } = proxy;
      const secrets = Array.from({ length: tries }, (_, i) => formatSecret(proxy.secret, i % 2 ? "hex" : "base64"));
      const told = await testWithTdlib({ port, secrets, publicPem: server.publicPem });
      assertEquals(told.map(({ type, message }) => message ?? type), Array(tries).fill("ok"));
      assertEquals(server.events.filter(({ kind }) => kind === "key").length, tries);
      await proxy.ledger.until("closed", { count: tries });
      assertEquals(proxy.ledger.of("refused"), []);
    },
  });
}

Deno.test({
  name: "TDLib finds a proxy with another secret bad, and is shown the fronted site",
  ignore,
  fn: async () => {
    const server = await MtprotoServer.create();
    await using site = Site.plain(answerAndFinFirst(randomBytes(2_000)));
    await using proxy = await startProxy({ site });
    const other = formatSecret(secretOf("tls", randomBytes(16), siteName), "hex");
    const [told] = await testWithTdlib({ port: proxy.port, secrets: [other], publicPem: server.publicPem });
    assertEquals(told?.type, "error");
    await proxy.ledger.until("closed");
    assertEquals(proxy.ledger.story(1).slice(0, 2), ["opened", "refused bad-digest fronted"]);
    assertEquals(site.received().subarray(0, 3), Uint8Array.of(0x16, 3, 1));
  },
});
