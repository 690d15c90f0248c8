import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import { HttpClient, HttpError } from "../../lib/http/http_client.ts";
import { directDialer } from "../../lib/net/dialer.ts";
import { Socks5Dialer } from "../../lib/net/socks5_dialer.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { ResettingSite, silence, Site } from "../support/fronted_site.ts";
import { SocksServer } from "../support/socks_server.ts";
import { answer, caCerts, MapDialer, readHead, requestOf, serve } from "./downloads.ts";

const url = "https://front.test/list?key=hidden";
const shown = "https://front.test/list";

function clientOf(ports: Readonly<Record<string, number>>, options: { trusting?: boolean; clock?: FakeClock } = {}) {
  const dialer = new MapDialer(ports);
  const { trusting = true, clock = systemClock } = options;
  return { dialer, http: new HttpClient({ dialer, clock, timeoutMs: 5_000, ...(trusting ? { caCerts } : {}) }) };
}

async function failure(attempt: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => attempt);
  assertInstanceOf(error, HttpError);
  return error.message;
}

Deno.test("HttpClient downloads through its dialer, by name, and tells nothing of itself", async () => {
  await using site = serve(answer("ü 1\n", { headers: "X-Two: b\r\n" }));
  const { http, dialer } = clientOf({ "front.test:443": site.port });
  const { status, headers, text } = await http.get(url, { headers: { Accept: "text/plain" } });
  assertEquals([status, headers.get("x-two"), text], [200, "b", "ü 1\n"]);
  assertEquals(dialer.dialed, [{ kind: "tcp", host: "front.test", port: 443 }]);
  assertEquals(requestOf(site), [
    "GET /list?key=hidden HTTP/1.1",
    "host: front.test",
    "user-agent: curl/8.5.0",
    "accept: text/plain",
    "connection: close",
    "",
    "",
  ]);
});

Deno.test("HttpClient gives bad statuses as they are, from other ports too", async () => {
  await using site = serve(answer("no", { status: 404 }));
  const { http } = clientOf({ "localhost:8443": site.port });
  const { status, text } = await http.get("https://localhost:8443");
  assertEquals([status, text, requestOf(site).slice(0, 2)], [404, "no", ["GET / HTTP/1.1", "host: localhost:8443"]]);
});

Deno.test("HttpClient takes bodies in chunks, and in any pieces", async () => {
  const whole = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
  await using site = serve(...whole);
  const { http } = clientOf({ "front.test:443": site.port });
  assertEquals((await http.get(url)).text, "abcde");
});

Deno.test("HttpClient takes a body that lasts until the end, if TLS says that it is the end", async () => {
  const head = "HTTP/1.1 200 OK\r\n\r\nall of it";
  await using site = Site.tls(async (conn) => {
    await readHead(conn);
    await conn.write(new TextEncoder().encode(head));
    await conn.closeWrite();
    await conn.reader.all();
  });
  const { http } = clientOf({ "front.test:443": site.port });
  assertEquals((await http.get(url)).text, "all of it");
});

Deno.test("HttpClient downloads large bodies, and several at a time", async () => {
  const body = "0123456789abcdef".repeat(40_000);
  await using site = serve(answer(body));
  const { http } = clientOf({ "front.test:443": site.port });
  const all = await Promise.all(Array.from({ length: 4 }, () => http.get(url)));
  assertEquals(all.map(({ text }) => text === body), [true, true, true, true]);
});

Deno.test("HttpClient bounds the size of an answer, whether it is told beforehand or not", async () => {
  const answers = [
    answer("x".repeat(101)),
    `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(101)}`,
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n`,
  ];
  for (const text of answers) {
    await using site = serve(text);
    const { http } = clientOf({ "front.test:443": site.port });
    assertEquals(
      await failure(http.get(url, { maxBytes: 100 })),
      `${shown}: the server answered with more than 100 bytes`,
    );
  }
  await using site = serve(answer("x".repeat(100)));
  const { http } = clientOf({ "front.test:443": site.port });
  assertEquals((await http.get(url, { maxBytes: 100 })).text.length, 100);
});

Deno.test("HttpClient follows redirects to https, and checks the certificate there too", async () => {
  await using end = serve(answer("here"));
  await using start = serve(answer("", { status: 302, headers: "Location: https://localhost:1/b?c\r\n" }));
  await using middle = serve(answer("", { status: 308, headers: "Location: /d\r\n" }));
  const ports = { "front.test:443": start.port, "localhost:1": middle.port };
  const { http, dialer } = clientOf(ports);
  assertEquals(await failure(http.get(url)), `${shown}: more than 3 redirects`);
  assertEquals(requestOf(middle, 1)[0], "GET /d HTTP/1.1");
  assertEquals(dialer.dialed.length, 4);

  await using once = serve(answer("", { status: 301, headers: "Location: https://localhost/there\r\n" }));
  const good = clientOf({ "front.test:443": once.port, "localhost:443": end.port });
  assertEquals((await good.http.get(url)).text, "here");
  assertEquals(requestOf(end)[0], "GET /there HTTP/1.1");

  await using wrong = serve(answer("", { status: 307, headers: "Location: https://other.test/there?s=1\r\n" }));
  const bad = clientOf({ "front.test:443": wrong.port, "other.test:443": end.port });
  assertStringIncludes(await failure(bad.http.get(url)), "https://other.test/there: invalid peer certificate");
});

Deno.test("HttpClient does not follow redirects to what is no https", async () => {
  const cases = [
    ["http://front.test/a?b", "http://front.test/a: expected https, so that nobody on the way can change it"],
    ["https://u:p@front.test/", "https://front.test/: expected no user name and password"],
    ["https://", "(no URL): expected a URL such as https://example.com/list.txt"],
  ] as const;
  for (const [location, message] of cases) {
    await using site = serve(answer("", { status: 302, headers: `Location: ${location}\r\n` }));
    const { http, dialer } = clientOf({ "front.test:443": site.port });
    assertEquals(await failure(http.get(url)), `${shown}: redirect to ${message}`);
    assertEquals(dialer.dialed.length, 1);
  }
});

Deno.test("HttpClient gives a redirect that leads nowhere as it is", async () => {
  await using site = serve(answer("gone", { status: 302 }));
  assertEquals((await clientOf({ "front.test:443": site.port }).http.get(url)).status, 302);
});

Deno.test("HttpClient refuses URLs that are none, or not https, without showing what is secret", async () => {
  const { http, dialer } = clientOf({});
  const cases = [
    ["list.txt", "(no URL): expected a URL such as https://example.com/list.txt"],
    ["http://front.test/?k", "http://front.test/: expected https, so that nobody on the way can change it"],
    ["https://user:pass@front.test/?k", "https://front.test/: expected no user name and password"],
  ] as const;
  for (const [wrong, message] of cases) assertEquals(await failure(http.get(wrong)), message);
  assertEquals(dialer.dialed, []);
});

Deno.test("HttpClient refuses certificates for another name, and of an unknown authority", async () => {
  await using site = serve(answer("secret"));
  const named = clientOf({ "other.test:443": site.port });
  const message = await failure(named.http.get("https://other.test/"));
  assertStringIncludes(
    message,
    'https://other.test/: invalid peer certificate: certificate not valid for name "other.test"',
  );
  const unknown = clientOf({ "front.test:443": site.port }, { trusting: false });
  assertEquals(await failure(unknown.http.get(url)), `${shown}: invalid peer certificate: UnknownIssuer`);
  assertEquals([site.received(0).length, site.received(1).length], [0, 0]);
});

Deno.test("HttpClient says so where nobody answers, or something else does", async () => {
  assertEquals(await failure(clientOf({}).http.get(url)), `${shown}: nobody is there`);
  await using reset = await ResettingSite.start();
  const over = `${shown}: the server closed the connection before its answer was complete`;
  assertEquals(await failure(clientOf({ "front.test:443": reset.port }).http.get(url)), over);
  await using plain = Site.plain(async ({ reader, write }) => {
    await reader.some();
    await write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
  });
  const message = await failure(clientOf({ "front.test:443": plain.port }).http.get(url));
  assert(message.startsWith(`${shown}: `) && !message.includes("400"), message);
});

Deno.test("HttpClient takes no answer for whole that was cut off", async () => {
  const cut = [
    "",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345678",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
  ];
  for (const text of cut) {
    await using site = Site.tls(async (conn) => {
      await readHead(conn);
      await conn.write(new TextEncoder().encode(text));
    });
    const { http } = clientOf({ "front.test:443": site.port });
    assertEquals(
      await failure(http.get(url)),
      `${shown}: the server closed the connection before its answer was complete`,
    );
  }
});

Deno.test("HttpClient says what it did not understand", async () => {
  await using site = serve("SSH-2.0-OpenSSH_9\r\n");
  const { http } = clientOf({ "front.test:443": site.port });
  assertEquals(await failure(http.get(url)), `${shown}: the server did not answer in HTTP/1.1`);
});

/** Where a download can get stuck. */
const stuck: readonly (readonly [string, () => Site])[] = [
  ["before the handshake", () => Site.plain(silence)],
  ["before the answer", () => Site.tls(silence)],
  ["within the answer", () => serve("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1")],
];

for (const [where, start] of stuck) {
  Deno.test(`HttpClient gives up at its deadline ${where}, and when it is told to`, async () => {
    await using site = start();
    const clock = new FakeClock();
    const { http } = clientOf({ "front.test:443": site.port }, { clock });
    const late = failure(http.get(url));
    await site.log.until("data");
    await clock.advance(4_999);
    await clock.advance(1);
    assertEquals(await late, `${shown}: no answer within 5 s`);

    const stop = new AbortController();
    const stopped = assertRejects(() => http.get(url, { signal: stop.signal }), TypeError, "enough");
    await site.log.until("data", { connection: 1 });
    stop.abort(new TypeError("enough"));
    await stopped;

    const closed = failure(http.get(url));
    await site.log.until("data", { connection: 2 });
    http[Symbol.dispose]();
    assertEquals(await closed, "the download was given up");
    assertEquals(await failure(http.get(url)), "the download was given up");
    assertEquals(clock.pendingMs, []);
  });
}

Deno.test("HttpClient gives up a dial that takes too long", async () => {
  const clock = new FakeClock();
  const never = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const http = new HttpClient({ dialer: { dial: (_, { signal }) => never(signal) }, clock, timeoutMs: 100 });
  const late = failure(http.get(url));
  await settle();
  await clock.advance(100);
  assertEquals(await late, `${shown}: no answer within 0.1 s`);
});

Deno.test("HttpClient downloads through a SOCKS proxy, which looks up the name, and waits for none that is mute", async () => {
  await using site = serve(answer("through"));
  await using socks = SocksServer.start({ names: { "front.test": "127.0.0.1" } });
  const dialer = new Socks5Dialer({
    proxy: { address: { kind: "tcp", host: "127.0.0.1", port: socks.port }, credentials: undefined, remoteDns: true },
    dialer: directDialer,
    resolver: { resolve: (host) => Promise.resolve([host]) },
    clock: systemClock,
    timeoutMs: 5_000,
  });
  const http = new HttpClient({ dialer, clock: systemClock, timeoutMs: 5_000, caCerts });
  assertEquals((await http.get(`https://front.test:${site.port}/`)).text, "through");
  assertEquals(socks.requests, [`front.test:${site.port}`]);

  socks.behaviour = "mute";
  const clock = new FakeClock();
  const patient = new HttpClient({ dialer, clock, timeoutMs: 1_000, caCerts });
  const late = failure(patient.get(url));
  while (socks.unanswered === 0) await settle();
  await clock.advance(1_000);
  assertEquals(await late, `${shown}: no answer within 1 s`);
});
