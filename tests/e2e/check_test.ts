/** `mtg check` against a real proxy, and against all that may be in its place. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import { formatSecret, type SecretKind } from "../../lib/policy/secret.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { ResettingSite, silence, Site, siteName } from "../support/fronted_site.ts";
import { datedSite, linkTo, otherSecret, runCheck, startTelegram } from "./check_rig.ts";
import { LoopbackProxy } from "./loopback_proxy.ts";

const reached = ["name ok resolved", "tcp ok connected"];
const working: Readonly<Record<SecretKind, readonly string[]>> = {
  tls: [...reached, "fake-tls ok verified", "telegram ok answered", "clock ok clock-right"],
  secured: [...reached, "telegram ok answered", "clock ok clock-right"],
  simple: [...reached, "telegram ok answered", "clock ok clock-right"],
};
const hourMs = 3_600_000;

for (const kind of ["tls", "secured", "simple"] as const) {
  Deno.test(`mtg check goes through a proxy with a ${kind} secret`, async () => {
    await using dc = await startTelegram();
    await using proxy = await LoopbackProxy.start({ kind, dc });
    const { code, words, text } = await runCheck(linkTo(proxy.port, proxy.secret));
    assertEquals({ code, words }, { code: 0, words: working[kind] });
    for (const encoding of ["hex", "base64"] as const) {
      assertEquals(text.includes(formatSecret(proxy.secret, encoding)), false);
    }
    assertEquals(text.includes(proxy.secret.key.toHex()), false);
  });

  Deno.test(`mtg check finds that a proxy with a ${kind} secret cannot reach Telegram`, async () => {
    await using proxy = await LoopbackProxy.start({ kind });
    const { code, words, steps } = await runCheck(linkTo(proxy.port, proxy.secret));
    assertEquals({ code, last: words.at(-1) }, { code: 1, last: "telegram failed telegram-closed" });
    assertStringIncludes(steps.at(-1)?.cause ?? "", "cannot reach Telegram");
  });

  Deno.test(`mtg check finds that Telegram is mute behind a proxy with a ${kind} secret`, async () => {
    await using dc = FakeDc.start({ mode: async ({ reader }) => void await reader.all() });
    await using proxy = await LoopbackProxy.start({ kind, dc });
    const { code, words } = await runCheck(linkTo(proxy.port, proxy.secret));
    assertEquals({ code, last: words.at(-1) }, { code: 1, last: "telegram failed telegram-silent" });
  });
}

Deno.test("mtg check --all-dcs asks each data centre, over a connection of its own", async () => {
  await using dc = await startTelegram();
  const here: readonly Address[] = [{ kind: "tcp", host: "127.0.0.1", port: dc.port }];
  const dcOverrides = new Map<number, readonly Address[]>([[2, here], [1, here], [3, []], [4, here], [5, here], [
    203,
    here,
  ]]);
  await using proxy = await LoopbackProxy.start({ dcOverrides });
  const { code, steps } = await runCheck(linkTo(proxy.port, proxy.secret), {}, "--all-dcs");
  const asked = steps.filter(({ step }) => step === "telegram").map(({ outcome, detail }) => [
    outcome,
    /data centre (\d+)/.exec(detail)?.[1],
  ]);
  assertEquals(asked, [["ok", "2"], ["ok", "1"], ["failed", "3"], ["ok", "4"], ["ok", "5"], ["ok", "203"]]);
  assertEquals([code, steps.at(-1)?.code], [1, "clock-right"]);
  assertEquals(dc.connections.map((connection) => connection.dc), [2, 1, 4, 5, 203]);
});

Deno.test("mtg check looks a name up, tries all its addresses, and takes the first that answers", async () => {
  await using dc = await startTelegram();
  await using proxy = await LoopbackProxy.start({ dc });
  const world = { names: { "proxy.test": ["127.0.0.3", "127.0.0.1"] } };
  const { code, words, steps } = await runCheck(linkTo(proxy.port, proxy.secret, "proxy.test"), world);
  assertEquals(code, 0);
  assertEquals(words.slice(0, 3), ["name ok resolved", "tcp warning refused", "tcp ok connected"]);
  assertStringIncludes(steps[0]?.detail ?? "", "proxy.test is at 127.0.0.3, 127.0.0.1");
});

Deno.test("mtg check finds that a name has no address", async () => {
  const { code, words } = await runCheck(linkTo(443, otherSecret(), "proxy.test"));
  assertEquals({ code, words }, { code: 1, words: ["name failed no-name"] });
});

Deno.test("mtg check finds a closed port", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { code, words } = await runCheck(linkTo(port, otherSecret()));
  assertEquals({ code, words }, { code: 1, words: ["name ok resolved", "tcp failed refused"] });
});

for (
  const [kind, last] of [["tls", "fake-tls failed silent-after-hello"], [
    "secured",
    "telegram failed telegram-silent",
  ]] as const
) {
  Deno.test(`mtg check finds a mute port, with a ${kind} secret`, async () => {
    await using site = Site.plain(silence);
    const { code, words } = await runCheck(linkTo(site.port, otherSecret(kind)));
    assertEquals({ code, words }, { code: 1, words: [...reached, last] });
  });
}

Deno.test("mtg check tells a wrong secret from a wrong clock where the site behind the proxy knows the time", async () => {
  await using site = datedSite();
  await using proxy = await LoopbackProxy.start({ frontPort: site.port });
  const { code, words, steps } = await runCheck(linkTo(proxy.port, otherSecret()));
  assertEquals({ code, words }, { code: 1, words: [...reached, "fake-tls failed site-answered"] });
  assertMatch(steps.at(-1)?.cause ?? "", /The clock of this machine is right \(by the site behind the proxy\)/);
});

Deno.test("mtg check finds a wrong secret where the site does not tell the time", async () => {
  await using site = Site.tls();
  await using proxy = await LoopbackProxy.start({ frontPort: site.port });
  const { code, words, steps } = await runCheck(linkTo(proxy.port, otherSecret()));
  assertEquals({ code, last: words.at(-1) }, { code: 1, last: "fake-tls failed site-answered" });
  assertStringIncludes(steps.at(-1)?.cause ?? "", "could not be found out");
});

Deno.test("mtg check finds a web server without a proxy", async () => {
  await using site = datedSite();
  const { code, words } = await runCheck(linkTo(site.port, otherSecret()));
  assertEquals({ code, last: words.at(-1) }, { code: 1, last: "fake-tls failed site-answered" });
});

Deno.test("mtg check finds that a proxy with a wrong secret has no site to show", async () => {
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = closed.addr;
  closed.close();
  await using proxy = await LoopbackProxy.start({ frontPort: port });
  const { code, words } = await runCheck(linkTo(proxy.port, otherSecret()));
  assertEquals({ code, last: words.at(-1) }, { code: 1, last: "fake-tls failed closed-after-hello" });
});

Deno.test("mtg check finds that the greeting is cut off", async () => {
  await using site = await ResettingSite.start();
  const { code, words } = await runCheck(linkTo(site.port, otherSecret()));
  assertEquals({ code, last: words.at(-1) }, { code: 1, last: "fake-tls failed reset-after-hello" });
});

Deno.test("mtg check finds that only the greeting of Telegram's apps is swallowed on the way", async () => {
  await using site = datedSite();
  // Takes large greetings for Telegram's, and lets all others through.
  await using censor = Site.plain(async ({ reader, write }) => {
    const hello = (await reader.some())!;
    if (hello.length > 1_000) return void await reader.all();
    using passed = await Deno.connect({ hostname: "127.0.0.1", port: site.port });
    const pass = async () => {
      for (let part: Uint8Array | null = hello; part !== null; part = await reader.some()) await passed.write(part);
      await passed.closeWrite();
    };
    const passing = pass();
    const buffer = new Uint8Array(16_384);
    for (let count = await passed.read(buffer); count !== null; count = await passed.read(buffer)) {
      await write(buffer.slice(0, count));
    }
    await passing;
  });
  const { code, words } = await runCheck(linkTo(censor.port, otherSecret()));
  assertEquals({ code, last: words.at(-1) }, { code: 1, last: "fake-tls failed greeting-blocked" });
});

const text = (words: string) => new TextEncoder().encode(words);
const answers: readonly (readonly [string, Uint8Array, string])[] = [
  ["SSH", text("SSH-2.0-OpenSSH_9.6\r\n"), "not-tls"],
  ["HTTP", text("HTTP/1.1 400 Bad Request\r\n\r\n"), "not-tls"],
  ["an alert", Uint8Array.of(0x15, 3, 3, 0, 2, 2, 112), "tls-alert"],
  ["half an answer", Uint8Array.of(0x16, 3, 3, 0, 90, 2), "broken-off"],
];
for (const [name, answer, word] of answers) {
  Deno.test(`mtg check finds that ${name} comes in the place of the proxy's answer`, async () => {
    await using site = Site.plain(async ({ reader, write }) => {
      await reader.some();
      await write(answer);
      await reader.all();
    });
    const { code, words } = await runCheck(linkTo(site.port, otherSecret()));
    assertEquals({ code, last: words.at(-1) }, { code: 1, last: `fake-tls failed ${word}` });
  });
}

for (const kind of ["secured", "simple"] as const) {
  Deno.test(`mtg check finds that a web site answers to a ${kind} secret that is wrong`, async () => {
    await using site = Site.plain(async ({ reader, write }) => {
      await reader.some();
      await write(text("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
      await reader.all();
    });
    await using proxy = await LoopbackProxy.start({ kind, frontPort: site.port });
    const { code, words } = await runCheck(linkTo(proxy.port, otherSecret(kind)));
    assertEquals({ code, last: words.at(-1) }, { code: 1, last: "telegram failed telegram-garbage" });
  });
}

for (const aheadMs of [hourMs, -hourMs, -20 * 365 * 24 * hourMs]) {
  Deno.test(`mtg check finds that this machine's clock is off by ${aheadMs / hourMs} h`, async () => {
    await using dc = await startTelegram();
    await using site = datedSite();
    await using proxy = await LoopbackProxy.start({ dc, frontPort: site.port });
    const { code, words, steps } = await runCheck(linkTo(proxy.port, proxy.secret), { aheadMs });
    assertEquals(code, 1);
    assertEquals(words.slice(2), ["fake-tls failed wrong-time", "telegram ok answered", "clock failed clock-off"]);
    const off = Math.abs(aheadMs) === hourMs ? "60 min" : "7300 days";
    assertStringIncludes(steps.at(-1)?.detail ?? "", `${off} ${aheadMs < 0 ? "behind" : "ahead"}, by Telegram`);
  });
}

Deno.test("mtg check asks the site that the proxy looks like, where the one behind it does not know the time", async () => {
  await using dc = await startTelegram();
  await using behind = Site.tls();
  await using real = datedSite();
  await using proxy = await LoopbackProxy.start({ dc, frontPort: behind.port });
  const names = { [siteName]: ["203.0.113.9"] };
  const world = { aheadMs: -hourMs, names, ports: { "203.0.113.9:443": real.port } };
  const { code, words } = await runCheck(linkTo(proxy.port, proxy.secret), world);
  assertEquals({ code, last: words.at(-1) }, { code: 1, last: "clock failed clock-off" });
});

Deno.test("mtg check tries what each of those says who do not agree on the time", async () => {
  await using dc = await startTelegram();
  await using behind = datedSite(5 * hourMs);
  await using real = datedSite();
  await using proxy = await LoopbackProxy.start({ dc, frontPort: behind.port });
  const names = { [siteName]: ["203.0.113.9"] };
  const world = { aheadMs: hourMs, names, ports: { "203.0.113.9:443": real.port } };
  const { words } = await runCheck(linkTo(proxy.port, proxy.secret), world);
  assertEquals(words.slice(2), ["fake-tls failed wrong-time", "telegram ok answered", "clock failed clock-off"]);
});

Deno.test("mtg check finds that it is the proxy whose clock is wrong", async () => {
  await using dc = await startTelegram();
  // On the machine of the proxy, so it is wrong in the same way.
  await using site = datedSite(-hourMs);
  await using proxy = await LoopbackProxy.start({ dc, frontPort: site.port, clockAheadMs: -hourMs });
  const { code, words, steps } = await runCheck(linkTo(proxy.port, proxy.secret));
  assertEquals(code, 1);
  assertEquals(words.slice(2), ["fake-tls failed wrong-time", "telegram ok answered", "clock failed proxy-clock-off"]);
  assertStringIncludes(steps.at(-1)?.detail ?? "", "the clock of the proxy is 60 min behind");
});

Deno.test("mtg check cannot tell whose clock is wrong where Telegram is not reached", async () => {
  await using site = datedSite();
  await using proxy = await LoopbackProxy.start({ frontPort: site.port });
  const { code, words } = await runCheck(linkTo(proxy.port, proxy.secret), { aheadMs: hourMs });
  assertEquals({ code, words: words.slice(2) }, {
    code: 1,
    words: ["fake-tls failed wrong-time", "telegram failed telegram-closed", "clock failed clocks-differ"],
  });
});

Deno.test("mtg check warns of a clock that this proxy tolerates and others do not", async () => {
  await using dc = await startTelegram();
  await using proxy = await LoopbackProxy.start({ dc });
  const { code, words } = await runCheck(linkTo(proxy.port, proxy.secret), { aheadMs: 100_000 });
  assertEquals({ code, last: words.at(-1) }, { code: 0, last: "clock warning clock-differs" });
});
