import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import { askSiteDate, type VisitOptions, visitSite } from "../../lib/net/site_visit.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import { settle } from "../support/fake_clock.ts";
import { silence, Site, siteAuthority, siteName, type SiteScript } from "../support/fronted_site.ts";
import { NodeSite } from "../support/node_site.ts";
import { TempDir } from "./sockets.ts";

function visiting(port: number, more: Partial<VisitOptions> = {}): VisitOptions {
  return {
    address: { kind: "tcp", host: "127.0.0.1", port },
    name: siteName,
    protocols: ["h2", "http/1.1"],
    caCerts: [siteAuthority],
    clock: systemClock,
    signal: AbortSignal.timeout(5_000),
    ...more,
  };
}

Deno.test("visitSite() does show certificate and protocol of a site that is all right", async () => {
  await using site = await NodeSite.start({ protocols: ["h2", "http/1.1"] });
  const { protocol, certificate } = await visitSite(visiting(site.port));
  assertEquals(protocol, "h2");
  const { names, fitsName, isTrusted, validFromMs = 0, validToMs = 0 } = certificate;
  assertEquals([names, fitsName, isTrusted], [["front.test", "localhost"], true, true]);
  assert(validFromMs < Date.now() && validToMs > Date.now());
  const old = await visitSite(visiting(site.port, { protocols: ["http/1.1"] }));
  assertEquals(old.protocol, "http/1.1");
});

Deno.test("visitSite() does tell a certificate for another name, and one that nobody trusts", async () => {
  await using site = await NodeSite.start();
  const other = await visitSite(visiting(site.port, { name: "other.test" }));
  assertEquals([other.certificate.fitsName, other.certificate.isTrusted], [false, false]);
  const own = await visitSite(visiting(site.port, { caCerts: undefined }));
  assertEquals([own.certificate.fitsName, own.certificate.isTrusted], [true, false]);
});

Deno.test("visitSite() does say so if no protocol was agreed on, also with TLS 1.2", async () => {
  await using site = await NodeSite.start({ maxVersion: "TLSv1.2" });
  const { protocol, certificate } = await visitSite(visiting(site.port));
  assertEquals([protocol, certificate.isTrusted], [undefined, true]);
});

Deno.test("visitSite() does fail where there is no TLS, nobody, or an end in the middle", async () => {
  const hangUp: SiteScript = async ({ reader }) => void await reader.some();
  const plain: SiteScript = async ({ reader, write }) => {
    await reader.some();
    await write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await reader.all();
  };
  let port = 0;
  for (const script of [hangUp, plain]) {
    await using site = Site.plain(script);
    port = site.port;
    await assertRejects(() => visitSite(visiting(site.port)), Error);
  }
  await assertRejects(() => visitSite(visiting(port)), Error, "ECONNREFUSED");
});

Deno.test("visitSite() does end with its signal's reason while the site is silent", async () => {
  await using site = Site.plain(silence);
  const ending = new AbortController();
  const visit = visitSite(visiting(site.port, { signal: ending.signal }));
  await settle();
  ending.abort(new Error("no answer within 4 s"));
  await assertRejects(() => visit, Error, "no answer within 4 s");
  await assertRejects(() => visitSite(visiting(site.port, { signal: ending.signal })), Error, "no answer within 4 s");
});

Deno.test("visitSite() does send a PROXY protocol header before anything else, also to a Unix socket", async () => {
  using dir = new TempDir();
  const preface = new TextEncoder().encode("PROXY UNKNOWN\r\n");
  const address: Address = { kind: "unix", path: dir.at("site.sock") };
  const listener = Deno.listen({ transport: "unix", path: address.path });
  const visit = visitSite(visiting(0, { address, preface })).then(() => "done", () => "failed");
  const conn = await listener.accept();
  const bytes = new Uint8Array(4_096);
  let size = 0;
  while (size < preface.length + 6) size += await conn.read(bytes.subarray(size)) ?? 0;
  assertEquals(new TextDecoder().decode(bytes.subarray(0, preface.length)), "PROXY UNKNOWN\r\n");
  assertEquals(bytes.subarray(preface.length, preface.length + 2), Uint8Array.of(0x16, 3));
  conn.close();
  listener.close();
  assertEquals(await visit, "failed");
});

Deno.test("askSiteDate() does compare the clock with the site's Date", async () => {
  for (const behindMs of [0, 90_000, -90_000]) {
    const date = new Date(Date.now() - behindMs).toUTCString();
    await using site = await NodeSite.start({
      protocols: ["http/1.1"],
      answer: `HTTP/1.1 403 Forbidden\r\nX-Date: no\r\ndate: ${date}\r\nContent-Length: 0\r\n\r\n`,
    });
    const found = await askSiteDate(visiting(site.port));
    assert(Math.abs((found?.aheadMs ?? NaN) - behindMs) < 2_000, `${found?.aheadMs} in place of ${behindMs}`);
    assertEquals(site.requests, ["HEAD / HTTP/1.1\r\nHost: front.test\r\nConnection: close\r\n\r\n"]);
  }
});

Deno.test("askSiteDate() does know when a site does not tell", async () => {
  const flood = `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(10_000)}`;
  for (const answer of ["HTTP/1.1 200 OK\r\n\r\nDate: today", "HTTP/1.1 200 OK\r\nDate: today\r\n\r\n", flood]) {
    await using site = await NodeSite.start({ answer });
    assertEquals(await askSiteDate(visiting(site.port)), undefined);
  }
});
