import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { TcpAddress } from "../../lib/address.ts";
import { dialTls } from "../../lib/net/tls_dialer.ts";
import { writeAll } from "../../lib/relay/conn.ts";
import { ByteReader } from "../support/byte_reader.ts";
import { silence, Site, siteAuthority, siteName, sitePage } from "../support/fronted_site.ts";

const to = (port: number): TcpAddress => ({ kind: "tcp", host: "127.0.0.1", port });
const caCerts = [siteAuthority];
const signal = new AbortController().signal;

Deno.test("dialTls() opens TLS to any address in the name of a site", async () => {
  await using site = Site.tls();
  using conn = await dialTls(to(site.port), siteName, { signal, caCerts });
  await writeAll(conn, new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
  const answer = await new ByteReader((into) => conn.read(into)).all();
  assert(new TextDecoder().decode(answer).endsWith(sitePage));
  assertEquals(conn.remote, to(site.port));
});

Deno.test("dialTls() takes no certificate that is not right", async () => {
  await using site = Site.tls();
  await assertRejects(() => dialTls(to(site.port), siteName, { signal }), Deno.errors.InvalidData);
  await assertRejects(() => dialTls(to(site.port), "other.test", { signal, caCerts }), Deno.errors.InvalidData);
});

Deno.test("dialTls() rejects with the reason of its signal, whenever that aborts", async () => {
  await using site = Site.plain(silence);
  const reason = new Error("too late");
  const before = { signal: AbortSignal.abort(reason), caCerts };
  assertStrictEquals(await assertRejects(() => dialTls(to(site.port), siteName, before)), reason);
  const aborting = new AbortController();
  const dialing = assertRejects(() => dialTls(to(site.port), siteName, { signal: aborting.signal, caCerts }));
  while (site.received().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  aborting.abort(reason);
  assertStrictEquals(await dialing, reason);
});
