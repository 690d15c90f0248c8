import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { dcFailed, type Finding, nameFailed, rebuffed, tcpFailed } from "../../lib/probe/causes.ts";
import type { Rebuff } from "../../lib/probe/knock.ts";
import { Rebuffed } from "../../lib/probe/way.ts";
import { TimedOut } from "../../lib/relay/aborts.ts";
import { DcError } from "../../lib/telegram/ping.ts";

const at4 = { kind: "tcp", host: "203.0.113.7", port: 443 } as const;
const at6 = { kind: "tcp", host: "2001:db8::7", port: 443 } as const;
const late = new TimedOut(5_000);
const failure = (code: string) => Object.assign(new Error("the system's words"), { code });
const rebuff = (rebuff: Rebuff) => rebuffed(rebuff, { host: "front.test", visited: false, clock: "CLOCK." });
const visited = (kind: "closed" | "reset" | "silent" | "broken-off") =>
  rebuffed({ kind, received: 0 }, { host: "front.test", visited: true, clock: "CLOCK." });
const silent: Rebuff = { kind: "silent", received: 0 };

/** What was seen; the word for it; what is said of it, and of its cause. */
const table: readonly (readonly [Finding, string, string, string])[] = [
  [
    nameFailed("a.test", late),
    "name-timeout",
    "nobody tells the address of a.test: no answer within 5 s",
    "not connected",
  ],
  [nameFailed("a.test", new Error("gone")), "no-name", "the address of a.test cannot be found: gone", "no such name"],
  [tcpFailed(at4, late), "tcp-timeout", "203.0.113.7:443 does not answer", "blocks the address"],
  [tcpFailed(at4, failure("ETIMEDOUT")), "tcp-timeout", "203.0.113.7:443 does not answer", "a firewall"],
  [tcpFailed(at4, failure("ECONNREFUSED")), "refused", "203.0.113.7:443 refuses", "no program listens on port 443"],
  [tcpFailed(at4, failure("ENETUNREACH")), "unreachable", "there is no way to 203.0.113.7:443", "no route"],
  [tcpFailed(at6, failure("EHOSTUNREACH")), "unreachable", "there is no way to [2001:db8::7]:443", "has no IPv6"],
  [tcpFailed(at6, failure("EADDRNOTAVAIL")), "unreachable", "there is no way to [2001:db8::7]:443", "has no IPv6"],
  [
    tcpFailed(at4, failure("EMFILE")),
    "tcp-failed",
    "203.0.113.7:443 cannot be reached: the system's words",
    "no other",
  ],
  [tcpFailed(at4, "odd"), "tcp-failed", "203.0.113.7:443 cannot be reached: odd", "no other"],
  [
    rebuff({ kind: "site", received: 9 }),
    "site-answered",
    "a web site answers, not the proxy",
    "site that it hides behind. CLOCK",
  ],
  [rebuff({ kind: "alert", code: 112 }), "tls-alert", "(TLS alert 112)", "does not know the name front.test. CLOCK."],
  [rebuff({ kind: "alert", code: 40 }), "tls-alert", "(TLS alert 40)", "a web server in its place"],
  [rebuff({ kind: "foreign", received: 9 }), "not-tls", "speaks no TLS", "Another service"],
  [rebuff({ kind: "closed", received: 0 }), "closed-after-hello", "is closed as soon as", "no web site to show"],
  [
    rebuff({ kind: "reset", received: 0 }),
    "reset-after-hello",
    "is cut as soon as",
    "A censor on the way acts on the name front.test",
  ],
  [rebuff(silent), "silent-after-hello", "gets no answer", "A censor on the way swallows it"],
  [rebuff({ kind: "broken-off", received: 50 }), "broken-off", "stops after 50 bytes", "MTU"],
  [visited("closed"), "greeting-blocked", "an ordinary visit", "A censor on the way knows the greeting"],
  [visited("reset"), "greeting-blocked", "an ordinary visit", "A censor on the way knows the greeting"],
  [visited("silent"), "greeting-blocked", "an ordinary visit", "A censor on the way knows the greeting"],
  [visited("broken-off"), "broken-off", "stops after 0 bytes", "MTU"],
  [
    dcFailed(4, "tls", late),
    "telegram-silent",
    "data centre 4 does not answer through the proxy",
    "knows the secret, but cannot reach",
  ],
  [dcFailed(4, "simple", late), "telegram-silent", "no answer within 5 s", "does not know the secret"],
  [dcFailed(4, "tls", new DcError("closed", "x")), "telegram-closed", "the proxy hangs up", "cannot reach Telegram"],
  [
    dcFailed(4, "secured", new DcError("closed", "x")),
    "telegram-closed",
    "the proxy hangs up",
    "does not know the secret",
  ],
  [dcFailed(4, "tls", new DcError("reset", "x")), "telegram-reset", "the proxy hangs up", "cannot reach Telegram"],
  [
    dcFailed(4, "tls", new DcError("refused", "Telegram refused: error -429", -429)),
    "telegram-refused",
    "telegram refused: error -429",
    "does not like its address",
  ],
  [
    dcFailed(4, "tls", new DcError("garbage", "x")),
    "telegram-garbage",
    "is not from data centre 4",
    "changes what is sent",
  ],
  [
    dcFailed(4, "simple", new DcError("garbage", "x")),
    "telegram-garbage",
    "is not from data centre 4",
    "its web site answered",
  ],
  [dcFailed(4, "tls", new Rebuffed(silent)), "telegram-no-handshake", "not again for data centre 4", "as many clients"],
];

for (const [finding, code, detail, cause] of table) {
  Deno.test(`a check finds ${code} in what was seen: ${detail}`, () => {
    assertEquals(finding.code, code);
    assertStringIncludes(finding.detail, detail);
    assertStringIncludes(finding.cause ?? "", cause);
    for (const text of [finding.cause, finding.remedy]) assert(text !== undefined && /^[A-Z].*\.$/s.test(text), text);
    assert(!/\.\.| {2}|undefined/.test(`${finding.detail} ${finding.cause} ${finding.remedy}`));
  });
}
