/** A real client library exchanges keys and makes calls through the proxy, both in processes of their own. */
import { assert, assertEquals } from "@std/assert";
import { formatSecret, type SecretKind, secretOf } from "../../lib/policy/secret.ts";
import { randomBytes } from "../support/byte_reader.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { Site, siteName } from "../support/fronted_site.ts";
import { callWithMtcute } from "../support/mtcute_client.ts";
import { MtprotoServer } from "../support/mtproto/server.ts";
import { patient } from "../support/patience.ts";
import { proxyConfig, ProxyProcess } from "../support/proxy_process.ts";

/** The library sends `ee` with a simple secret; what Telegram gets is what the client chose. */
const tags: Record<SecretKind, number> = { simple: 0xee, secured: 0xdd, tls: 0xdd };

for (const kind of ["simple", "secured", "tls"] as const) {
  for (const fastMode of [true, false]) {
    const mode = fastMode ? "fast mode" : "no fast mode";
    Deno.test(`mtcute exchanges keys and calls through a ${kind} secret, ${mode}`, () => exchange(kind, fastMode));
  }
}

async function exchange(kind: SecretKind, fastMode: boolean): Promise<void> {
  const server = await MtprotoServer.create("AQ");
  await using dc = FakeDc.start({ mode: server.handler });
  await using site = Site.tls();
  const secret = formatSecret(secretOf(kind, randomBytes(16), kind === "tls" ? siteName : ""), "hex");
  const dcs = { "2": dc.addresses };
  await using proxy = await ProxyProcess.start(proxyConfig({ secret, dcs, fastMode, frontPort: site.port }));
  const { publicPem } = server;
  const report = await callWithMtcute({ port: proxy.port, secret, dc: 2, publicPem, timeoutMs: patient(20_000) });
  if (!report.ok) throw new Error(`${report.reason}\n${proxy.log}`);
  assertEquals([report.country, report.dc], ["AQ", 2]);
  assert(server.events.some(({ kind }) => kind === "key"));
  assertEquals(server.events.filter(({ what }) => what === "help.getNearestDc").length, 2);
  // Rarely the library opens a second connection; each must look the same.
  const seen = new Set(dc.connections.map(({ tag, dc, fault }) => JSON.stringify({ tag, dc, fault })));
  assertEquals(seen, new Set([JSON.stringify({ tag: tags[kind], dc: 2, fault: undefined })]));
  assert(site.log.events.every(({ kind }) => kind !== "data"), "something was sent to the fronted site");
  assert(!proxy.log.includes(secret.slice(2, 34)), "the log holds the secret's key");
  assertEquals(await proxy.stop(), 0);
}
