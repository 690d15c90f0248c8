/** A fronted site on a Unix socket, from the first thread and from a worker that may open that socket and no other file. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { stringify } from "@std/toml/stringify";
import { formatSecret, secretOf } from "../../lib/policy/secret.ts";
import { decodeProxyHeader } from "../../lib/wire/proxy_protocol.ts";
import { TempDir } from "../net/sockets.ts";
import { ByteReader, randomBytes } from "../support/byte_reader.ts";
import { answerAfterFin, Site, siteName } from "../support/fronted_site.ts";
import { sendAll } from "../support/raw_client.ts";
import { makeSocketFolder } from "../support/subject.ts";
import { DaemonProcess } from "./daemon_process.ts";

const secret = secretOf("tls", randomBytes(16), siteName);
const answer = randomBytes(3_000);
const request = randomBytes(700);

for (const isolate of [false, true]) {
  Deno.test(`a stranger sees the fronted site at its Unix socket, ${isolate ? "from a worker" : "from one thread"}`, async () => {
    using dir = new TempDir(makeSocketFolder());
    const path = dir.at("site.sock");
    await using site = Site.unix(path, answerAfterFin(answer));
    await using daemon = await DaemonProcess.start({
      config: configOf(path, isolate),
      permissions: [`--allow-write=${path}`],
    });
    await site.log.until("closed"); // The look at the site at start; it brings nothing.
    assertEquals(site.received(0).length, 0);
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: daemon.port });
    await sendAll(conn, request);
    await conn.closeWrite();
    assertEquals(await new ByteReader((into) => conn.read(into)).all(), answer);
    const header = decodeProxyHeader(site.received(1));
    assertEquals(header.kind, "done");
    if (header.kind !== "done") return;
    assertEquals(header.source, { kind: "tcp", host: "127.0.0.1", port: conn.localAddr.port });
    assertEquals(header.destination, { kind: "tcp", host: "127.0.0.1", port: daemon.port });
    assertEquals(site.received(1).subarray(header.consumed), request);
    daemon.signal("SIGTERM");
    assertEquals(await daemon.exited, 0);
    assertMatch(daemon.log, /1 were refused/);
  });
}

Deno.test("the log says what is wrong where the Unix socket of the fronted site is not there", async () => {
  using dir = new TempDir(makeSocketFolder());
  const path = dir.at("site.sock");
  await using daemon = await DaemonProcess.start({
    config: configOf(path, false),
    permissions: [`--allow-write=${path}`],
  });
  await daemon.logged(new RegExp(`cannot reach the fronted site unix:${path}: No such file`));
  daemon.signal("SIGTERM");
  assertEquals(await daemon.exited, 0);
});

for (const isolate of [false, true]) {
  Deno.test(`a Unix socket of the fronted site that may not be used is a mistake, ${isolate ? "for a worker" : "for one thread"}`, async () => {
    using dir = new TempDir();
    const path = dir.at("site.sock");
    await using daemon = await DaemonProcess.spawn({ config: configOf(path, isolate) });
    assertEquals(await daemon.exited, 2);
    assertStringIncludes(
      daemon.log,
      `mtg: (standard input):7: domain-fronting.host = "unix:${path}": ` +
        "mtg may write files and use sockets in mtg-data, /var/lib/mtg, /data and /run/mtg only",
    );
  });
}

function configOf(path: string, isolate: boolean): string {
  return stringify({
    "secret": formatSecret(secret, "hex"),
    "bind-to": "127.0.0.1:0",
    "workers": 1,
    "isolate": isolate,
    "domain-fronting": { host: `unix:${path}`, "proxy-protocol": true },
  });
}
