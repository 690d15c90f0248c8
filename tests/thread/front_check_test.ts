import { assertEquals } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import type { Event } from "../../lib/events/event.ts";
import type { ProxyOptions } from "../../lib/proxy/options.ts";
import { buildProxyOptions } from "../../lib/thread/build_proxy.ts";
import { checkFront, isOwnConnection, type OwnAddresses } from "../../lib/thread/front_check.ts";
import { allocate, SharedState } from "../../lib/thread/shared_state.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { memoryPipe } from "../support/memory_pipe.ts";

const tcp = (host: string, port: number): Address => ({ kind: "tcp", host, port });
const unix = (path: string): Address => ({ kind: "unix", path });

/** What the proxy is bound to, or known by; a connection from here to there; whether that is its own. */
const table: readonly (readonly [string, OwnAddresses, Address, Address, boolean])[] = [
  [
    "the address bound",
    { bound: [tcp("127.0.0.1", 443)], public: [] },
    tcp("127.0.0.1", 9),
    tcp("127.0.0.1", 443),
    true,
  ],
  ["another port", { bound: [tcp("127.0.0.1", 443)], public: [] }, tcp("127.0.0.1", 9), tcp("127.0.0.1", 8443), false],
  ["all interfaces", { bound: [tcp("0.0.0.0", 443)], public: [] }, tcp("192.0.2.1", 9), tcp("192.0.2.1", 443), true],
  ["all of IPv6's", { bound: [tcp("::", 443)], public: [] }, tcp("2001:db8::1", 9), tcp("2001:db8::1", 443), true],
  [
    "IPv4 on a dual-stack socket",
    { bound: [tcp("::", 443)], public: [] },
    tcp("127.0.0.1", 9),
    tcp("127.0.0.1", 443),
    true,
  ],
  [
    "the same port elsewhere",
    { bound: [tcp("::", 443)], public: [] },
    tcp("192.0.2.1", 9),
    tcp("203.0.113.1", 443),
    false,
  ],
  [
    "another address here",
    { bound: [tcp("192.0.2.2", 443)], public: [] },
    tcp("192.0.2.1", 9),
    tcp("192.0.2.1", 443),
    false,
  ],
  ["the second listener", { bound: [tcp("::1", 1), tcp("::1", 2)], public: [] }, tcp("::1", 9), tcp("::1", 2), true],
  [
    "the public address",
    { bound: [], public: [tcp("203.0.113.7", 443)] },
    tcp("10.0.0.1", 9),
    tcp("203.0.113.7", 443),
    true,
  ],
  [
    "the public address's other port",
    { bound: [], public: [tcp("203.0.113.7", 443)] },
    tcp("10.0.0.1", 9),
    tcp("203.0.113.7", 80),
    false,
  ],
  ["its Unix socket", { bound: [unix("/run/a")], public: [] }, unix(""), unix("/run/a"), true],
  ["another Unix socket", { bound: [unix("/run/a")], public: [] }, unix(""), unix("/run/b"), false],
  ["no listener at all", { bound: [], public: [] }, tcp("127.0.0.1", 9), tcp("127.0.0.1", 443), false],
];

for (const [name, own, local, remote, expected] of table) {
  Deno.test(`isOwnConnection() does say ${expected} for ${name}`, () => {
    assertEquals(isOwnConnection({ local, remote }, own), expected);
  });
}

interface Check {
  readonly events: Event[];
  readonly clock: FakeClock;
  readonly options: ProxyOptions;
}

function checkOf(dial: ProxyOptions["dialer"]["dial"], isOwn = false, front = 'ip = "192.0.2.1"'): Check {
  const events: Event[] = [];
  const clock = new FakeClock();
  const secret = "dd00112233445566778899aabbccddeeff";
  const config = parseConfig(`secret = "${secret}"\nbind-to = "127.0.0.1:1"\n[domain-fronting]\n${front}`, {
    file: "a",
  });
  const sink = { emit: (event: Event) => void events.push(event) };
  const shared = new SharedState(config, allocate(config, 1));
  const network = { telegram: { dial: () => Promise.reject(new Error("only for Telegram")) }, direct: { dial } };
  const surroundings = { clock, events: sink, isOwn: () => isOwn, shared, network, workers: 1 };
  return { events, clock, options: buildProxyOptions({ config, dcUpdates: new Map() }, surroundings) };
}

const front = tcp("192.0.2.1", 443);

Deno.test("checkFront() does close what it has opened, and says nothing where all is well", async () => {
  const [near, far] = memoryPipe();
  const { options, events, clock } = checkOf((to) => {
    assertEquals(to, front);
    return Promise.resolve(near);
  });
  await checkFront(options, new AbortController().signal);
  assertEquals([events, near.isClosed, clock.pendingMs], [[], true, []]);
  assertEquals(await far.read(new Uint8Array(1)), null);
});

Deno.test("checkFront() does take the way that strangers are taken", async () => {
  const [near] = memoryPipe();
  const { options, events } = checkOf(() => Promise.reject(new Error("only for Telegram")));
  await checkFront({ ...options, frontDialer: { dial: () => Promise.resolve(near) } }, new AbortController().signal);
  assertEquals([events, near.isClosed], [[], true]);
});

Deno.test("checkFront() does send no PROXY protocol header: nobody comes with it", async () => {
  const [near, far] = memoryPipe();
  const { options } = checkOf(() => Promise.resolve(near), false, 'ip = "192.0.2.1"\nproxy-protocol = true');
  assertEquals(options.frontProxyProtocol, true);
  await checkFront(options, new AbortController().signal);
  assertEquals(await far.read(new Uint8Array(1)), null);
});

Deno.test("checkFront() does warn of a loop", async () => {
  const [near] = memoryPipe();
  const { options, events } = checkOf(() => Promise.resolve(near), true);
  await checkFront(options, new AbortController().signal);
  assertEquals([events, near.isClosed], [[{ type: "front-loop", front }], true]);
});

Deno.test("checkFront() does warn where the site refuses", async () => {
  const { options, events, clock } = checkOf(() => Promise.reject(new Error("connection refused")));
  await checkFront(options, new AbortController().signal);
  assertEquals(events, [{ type: "front-failed", front, reason: "connection refused" }]);
  assertEquals(clock.pendingMs, []);
});

/** Never connects. */
const hang: ProxyOptions["dialer"]["dial"] = (_, { signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

Deno.test("checkFront() does warn where the site does not answer in time", async () => {
  const { options, events, clock } = checkOf(hang);
  const checking = checkFront(options, new AbortController().signal);
  await clock.advance(9_999);
  assertEquals(events, []);
  await clock.advance(1);
  await checking;
  assertEquals(events, [{ type: "front-failed", front, reason: "no answer within 10 s" }]);
});

Deno.test("checkFront() does end silently when the proxy does", async () => {
  const { options, events, clock } = checkOf(hang);
  const ending = new AbortController();
  const checking = checkFront(options, ending.signal);
  await settle();
  ending.abort();
  await checking;
  assertEquals([events, clock.pendingMs], [[], []]);
});

Deno.test("checkFront() does nothing where no site is fronted", async () => {
  const { options, events } = checkOf(() => Promise.reject(new Error("dialed")), false, "");
  assertEquals(options.front, undefined);
  await checkFront(options, new AbortController().signal);
  assertEquals(events, []);
});
