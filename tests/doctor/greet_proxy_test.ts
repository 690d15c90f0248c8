import { assertEquals, assertRejects } from "@std/assert";
import { systemRandom } from "../../lib/crypto/random.ts";
import { greetProxy } from "../../lib/doctor/greet_proxy.ts";
import { directDialer } from "../../lib/net/dialer.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import { type Secret, type SecretKind, secretOf } from "../../lib/policy/secret.ts";
import { LoopbackProxy } from "../e2e/loopback_proxy.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { silence, Site, siteName } from "../support/fronted_site.ts";
import { MtprotoServer } from "../support/mtproto/server.ts";

async function greet(port: number, secret: Secret, signal = AbortSignal.timeout(5_000)) {
  const conn = await directDialer.dial({ kind: "tcp", host: "127.0.0.1", port }, { signal });
  return await greetProxy(conn, secret, { clock: systemClock, random: systemRandom, signal });
}

const stranger = (kind: SecretKind) => secretOf(kind, new Uint8Array(16).fill(1), kind === "tls" ? siteName : "");

Deno.test("greetProxy() does know a proxy by its secret, with every kind of secret", async () => {
  const server = await MtprotoServer.create();
  for (const kind of ["tls", "secured", "simple"] as const) {
    await using dc = FakeDc.start({ mode: server.handler });
    await using proxy = await LoopbackProxy.start({ kind, dc });
    assertEquals(await greet(proxy.port, proxy.secret), "proxy", kind);
  }
});

Deno.test("greetProxy() does know others: a proxy with another secret, a site, another protocol, a hang-up", async () => {
  await using site = Site.tls();
  await using proxy = await LoopbackProxy.start({ frontPort: site.port });
  assertEquals(await greet(proxy.port, stranger("tls")), "other");
  assertEquals(await greet(site.port, stranger("tls")), "other");
  await using other = Site.plain(async ({ reader, write }) => {
    await reader.some();
    await write(new TextEncoder().encode("SSH-2.0-OpenSSH_9.6\r\n"));
  });
  assertEquals(await greet(other.port, stranger("tls")), "other");
  await using rude = Site.plain(async ({ reader }) => void await reader.some());
  assertEquals(await greet(rude.port, stranger("tls")), "other");
});

Deno.test("greetProxy() does not know who hangs up, where only Telegram could prove it", async () => {
  await using rude = Site.plain(async ({ reader }) => void await reader.exactly(64));
  assertEquals(await greet(rude.port, stranger("secured")), "unclear");
});

Deno.test("greetProxy() does end with its signal's reason while nobody answers", async () => {
  for (const kind of ["tls", "secured"] as const) {
    await using site = Site.plain(silence);
    const ending = new AbortController();
    const greeting = greet(site.port, stranger(kind), ending.signal);
    while (site.connections === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    ending.abort(new Error("no answer within 3.5 s"));
    await assertRejects(() => greeting, Error, "no answer within 3.5 s");
  }
});
