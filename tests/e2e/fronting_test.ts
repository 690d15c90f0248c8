/** What strangers see through the proxy, compared with what they see when they visit the fronted site themselves. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { ByteReader, concat, randomBytes } from "../support/byte_reader.ts";
import { clientHello } from "../support/client_hello.ts";
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
  type SiteScript,
} from "../support/fronted_site.ts";
import { patient } from "../support/patience.ts";
import { sendAll } from "../support/raw_client.ts";
import { startProxy } from "./tested_proxy.ts";

/** What a visitor saw: the bytes, and how they ended. */
interface Seen {
  readonly bytes: Uint8Array;
  readonly end: "fin" | "reset";
}

type Visitor = (conn: Deno.TcpConn, readToEnd: () => Promise<Seen>) => Promise<Seen>;

async function visit(port: number, visitor: Visitor): Promise<Seen> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  return await visitor(conn, () => readToEnd(conn));
}

async function readToEnd(conn: Deno.TcpConn): Promise<Seen> {
  const parts: Uint8Array[] = [];
  const buffer = new Uint8Array(65_536);
  for (;;) {
    try {
      const count = await conn.read(buffer);
      if (count === null) return { bytes: concat(...parts), end: "fin" };
      parts.push(buffer.slice(0, count));
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
      return { bytes: concat(...parts), end: "reset" };
    }
  }
}

/** Says something, then its end, then listens. */
const askAndEnd = (question: Uint8Array): Visitor => async (conn, toEnd) => {
  await sendAll(conn, question);
  await conn.closeWrite();
  return await toEnd();
};

/** Says something, listens to the end, and only then ends. */
const askAndWait = (question: Uint8Array): Visitor => async (conn, toEnd) => {
  await sendAll(conn, question);
  const seen = await toEnd();
  await conn.closeWrite();
  return seen;
};

/** Listens to the end, says something after all, and ends. */
const askLate = (first: Uint8Array, last: Uint8Array): Visitor => async (conn, toEnd) => {
  await sendAll(conn, first);
  const seen = await toEnd();
  await sendAll(conn, last);
  await conn.closeWrite();
  return seen;
};

/** Talks and listens at once. */
const talk = (bytes: Uint8Array): Visitor => async (conn, toEnd) => {
  const [seen] = await Promise.all([toEnd(), sendAll(conn, bytes).then(() => conn.closeWrite())]);
  return seen;
};

const request = new TextEncoder().encode(`GET / HTTP/1.1\r\nhost: ${siteName}\r\n\r\n`);
const answer = randomBytes(5_000);
const bulk = randomBytes(1_500_000);
const helloParts = { host: siteName, key: randomBytes(16), timeSeconds: 1_800_000_000 };
const strangeHello = clientHello({ ...helloParts, shape: "tdlib" });
const tls12Hello = concat(
  Uint8Array.of(0x16, 3, 1, 0, 0x4b, 1, 0, 0, 0x47, 3, 3),
  randomBytes(32),
  Uint8Array.of(0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0, 0, 0x1a),
  Uint8Array.of(0, 0x0a, 0, 4, 0, 2, 0, 0x17, 0, 0x0b, 0, 2, 1, 0, 0, 0x0d, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1),
);

const visits: readonly { name: string; script: SiteScript; visitor: Visitor }[] = [
  { name: "HTTP, answered after FIN", script: answerAfterFin(answer), visitor: askAndEnd(request) },
  { name: "HTTP, answered before FIN", script: answerAfter(request.length, answer), visitor: askAndEnd(request) },
  { name: "a site that ends first", script: answerAndFinFirst(answer), visitor: askAndWait(request) },
  { name: "a site that ends first and listens on", script: answerAndFinFirst(answer), visitor: askLate(request, bulk) },
  { name: "one byte", script: answerAfterFin(answer), visitor: askAndEnd(Uint8Array.of(0x16)) },
  { name: "half a hello", script: answerAfterFin(answer), visitor: askAndEnd(strangeHello.subarray(0, 300)) },
  { name: "a hello with another key", script: answerAfterFin(answer), visitor: askAndEnd(strangeHello) },
  { name: "garbage and a silent site", script: silence, visitor: askAndEnd(randomBytes(20_000)) },
  { name: "much both ways, client first", script: answerAfterFin(bulk), visitor: askAndEnd(concat(request, bulk)) },
  { name: "much both ways at once", script: answerAndFinFirst(bulk), visitor: talk(concat(request, bulk)) },
  { name: "a visitor that says nothing", script: answerAndFinFirst(answer), visitor: askAndWait(new Uint8Array(0)) },
];

for (const { name, script, visitor } of visits) {
  Deno.test(`a stranger sees the fronted site: ${name}`, async () => {
    await using site = Site.plain(script);
    const direct = await visit(site.port, visitor);
    await site.log.until("closed");
    await using proxy = await startProxy({ site, timeouts: { handshakeMs: 200 } });
    assertEquals(await visit(proxy.port, visitor), direct);
    await site.log.until("closed", { connection: 1 });
    assertEquals(site.received(1), site.received(0), "what the site got");
    assertEquals(site.log.order(1), site.log.order(0), "in which order the site saw it");
    await proxy.ledger.until("closed");
    assertEquals(proxy.ledger.story(1).at(-1), "closed ended");
  });
}

Deno.test("a stranger of a secured secret sees the fronted site too", async () => {
  await using site = Site.plain(answerAfterFin(answer));
  await using proxy = await startProxy({ kind: "secured", site });
  const bytes = randomBytes(64);
  assertEquals(await visit(proxy.port, askAndEnd(bytes)), { bytes: answer, end: "fin" });
  assertEquals(site.received(), bytes);
});

/** Types and sizes of TLS records, the rest of them being random. */
function recordsOf({ bytes }: Seen): readonly (readonly [number, number])[] {
  const records: [number, number][] = [];
  for (let at = 0; at < bytes.length;) {
    const size = bytes[at + 3]! << 8 | bytes[at + 4]!;
    records.push([bytes[at]!, size]);
    at += 5 + size;
  }
  return records;
}

const tlsVisits: readonly { name: string; bytes: Uint8Array }[] = [
  { name: "a hello of TLS 1.3", bytes: clientHello({ ...helloParts, shape: "old" }) },
  { name: "a hello of TLS 1.2", bytes: tls12Hello },
];

for (const { name, bytes } of tlsVisits) {
  Deno.test(`a TLS server answers ${name} through the proxy as it does directly`, async () => {
    await using site = Site.tls();
    await using proxy = await startProxy({ site });
    const direct = await visit(site.port, askAndEnd(bytes));
    const fronted = await visit(proxy.port, askAndEnd(bytes));
    const [one, other] = [recordsOf(direct), recordsOf(fronted)];
    assert(one[0]?.[0] === 0x16, `the site itself answered no handshake: ${JSON.stringify(one)}`);
    assertEquals(other.map(([type]) => type), one.map(([type]) => type));
    // The size of an ECDSA signature differs by a few bytes each time.
    other.forEach(([, size], i) => assert(Math.abs(size - one[i]![1]) <= 4, `record ${i} has ${size} bytes`));
    assertEquals(fronted.end, direct.end);
    assertNotEquals(fronted.bytes.subarray(11, 43), direct.bytes.subarray(11, 43));
  });
}

for (
  const [name, bytes] of [["HTTP", request], ["garbage", randomBytes(3_000)], [
    "an alert",
    Uint8Array.of(21, 3, 3, 0, 2, 1, 0),
  ]] as const
) {
  Deno.test(`a TLS server answers ${name} through the proxy byte for byte as it does directly`, async () => {
    await using site = Site.tls();
    await using proxy = await startProxy({ site });
    const direct = await visit(site.port, askAndEnd(bytes));
    assertEquals((await visit(proxy.port, askAndEnd(bytes))).bytes, direct.bytes);
  });
}

Deno.test("a browser gets the page of the fronted site with the right certificate, as it does directly", async () => {
  await using site = Site.tls();
  await using proxy = await startProxy({ site });
  const pages: string[] = [];
  for (const port of [site.port, proxy.port]) {
    const plain = await Deno.connect({ hostname: "127.0.0.1", port });
    using conn = await Deno.startTls(plain, { hostname: siteName, caCerts: [siteAuthority] });
    await sendAll(conn, request);
    pages.push(new TextDecoder().decode(await new ByteReader((into) => conn.read(into)).all()));
    await conn.closeWrite();
    await site.log.until("closed", { connection: pages.length - 1 });
  }
  assert(pages[0]!.endsWith(sitePage));
  assertEquals(pages[1], pages[0]);
  assertEquals(site.log.order(1), site.log.order(0));
  await proxy.ledger.until("closed");
  assertEquals(proxy.ledger.story(1), ["opened", "refused bad-digest fronted", "closed ended"]);
});

for (const size of [0, 700]) {
  Deno.test(`a stranger sees FIN where the fronted site resets after ${size} bytes`, async () => {
    const bytes = answer.subarray(0, size);
    await using site = await ResettingSite.start(bytes);
    assertEquals((await visit(site.port, (conn, toEnd) => sendAll(conn, request).then(toEnd))).end, "reset");
    await using proxy = await startProxy({ site });
    assertEquals(await visit(proxy.port, (conn, toEnd) => sendAll(conn, request).then(toEnd)), { bytes, end: "fin" });
    await proxy.ledger.until("closed");
    assertEquals(proxy.ledger.story(1).at(-1), "closed reset");
  });
}

Deno.test("a stranger is let go at once and without a word where the fronted site is down", async () => {
  const dead = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const frontPort = dead.addr.port;
  dead.close();
  await using proxy = await startProxy({ frontPort });
  const startMs = performance.now();
  const seen = await visit(proxy.port, (conn, toEnd) => sendAll(conn, request).then(toEnd));
  assertEquals(seen, { bytes: new Uint8Array(0), end: "fin" });
  assert(performance.now() - startMs < patient(2_000));
  await proxy.ledger.until("closed");
  assertEquals(proxy.ledger.story(1), [
    "opened",
    "refused bad-client-hello fronted",
    "front-failed",
    "closed front-failed",
  ]);
});
