import { assertEquals, assertRejects } from "@std/assert";
import { ByteReader, randomBytes } from "./byte_reader.ts";
import {
  answerAfter,
  answerAfterFin,
  answerAndFinFirst,
  ResettingSite,
  silence,
  Site,
  siteAuthority,
  siteName,
  sitePage,
} from "./fronted_site.ts";
import { sendAll } from "./raw_client.ts";

const question = new TextEncoder().encode("a question");
const answer = randomBytes(5_000);

function connect(port: number): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port });
}

function readAll(conn: Deno.Conn): Promise<Uint8Array> {
  return new ByteReader((into) => conn.read(into)).all();
}

Deno.test("Site.tls() answers its page under its name, and both ends close", async () => {
  await using site = Site.tls();
  const plain = await connect(site.port);
  using conn = await Deno.startTls(plain, { hostname: siteName, caCerts: [siteAuthority] });
  await sendAll(conn, new TextEncoder().encode(`GET / HTTP/1.1\r\nhost: ${siteName}\r\n\r\n`));
  const text = new TextDecoder().decode(await readAll(conn));
  assertEquals([text.split("\r\n")[0], text.split("\r\n\r\n")[1]], ["HTTP/1.1 200 OK", sitePage]);
  await conn.closeWrite();
  await site.log.until("closed");
  assertEquals(site.log.order(), ["open", "data", "sent", "fin-out", "fin-in", "closed"]);
});

Deno.test("answerAfterFin() keeps silent until FIN", async () => {
  await using site = Site.plain(answerAfterFin(answer));
  using conn = await connect(site.port);
  await sendAll(conn, question);
  await conn.closeWrite();
  assertEquals(await readAll(conn), answer);
  await site.log.until("closed");
  assertEquals(site.log.order(), ["open", "data", "fin-in", "sent", "fin-out", "closed"]);
  assertEquals(site.received(), question);
});

Deno.test("answerAndFinFirst() half-closes before it has read", async () => {
  await using site = Site.plain(answerAndFinFirst(answer));
  using conn = await connect(site.port);
  assertEquals(await readAll(conn), answer);
  await sendAll(conn, question);
  await conn.closeWrite();
  await site.log.until("closed");
  assertEquals(site.log.order(), ["open", "sent", "fin-out", "data", "fin-in", "closed"]);
  assertEquals(site.received(), question);
});

Deno.test("answerAfter() waits for the question, then for FIN", async () => {
  await using site = Site.plain(answerAfter(question.length, answer));
  using conn = await connect(site.port);
  await sendAll(conn, question);
  await site.log.until("sent");
  await conn.closeWrite();
  assertEquals(await readAll(conn), answer);
  await site.log.until("closed");
  assertEquals(site.log.order(), ["open", "data", "sent", "fin-in", "fin-out", "closed"]);
});

Deno.test("silence() says nothing, and Site ends open connections when it is disposed", async () => {
  const site = Site.plain(silence);
  using conn = await connect(site.port);
  await sendAll(conn, question);
  await site.log.until("data");
  await assertRejects(() => site.log.until("fin-in", { timeoutMs: 20 }), Error, "saw no fin-in");
  await site[Symbol.asyncDispose]();
  assertEquals(await readAll(conn), new Uint8Array(0));
});

for (const bytes of [new Uint8Array(0), question]) {
  Deno.test(`ResettingSite resets after an answer of ${bytes.length} bytes`, async () => {
    await using site = await ResettingSite.start(bytes);
    using conn = await connect(site.port);
    await sendAll(conn, question);
    await assertRejects(() => readAll(conn), Deno.errors.ConnectionReset);
    assertEquals(site.log.order(), ["open", "data", "sent", "reset-out"]);
  });
}
