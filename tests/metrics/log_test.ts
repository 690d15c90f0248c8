import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import type { Event } from "../../lib/events/event.ts";
import { logEvents, type LogLine, startLogging } from "../../lib/metrics/log.ts";
import { FakeClock } from "../support/fake_clock.ts";

const remote: Address = { kind: "tcp", host: "2001:db8::7", port: 50_000 };
const front: Address = { kind: "tcp", host: "front.test", port: 443 };

/** An event; the level of its line; what the line says; its properties. */
const table: readonly (readonly [Event, string, string, LogLine["properties"]])[] = [
  [{ type: "opened", id: 1, remote }, "debug", "#1 client [2001:db8::7]:50000 came", {
    id: 1,
    client: "[2001:db8::7]:50000",
  }],
  [
    { type: "limited", id: 9, remote, concurrency: 9 },
    "warning",
    '#9 client [2001:db8::7]:50000 was closed: all 9 connections of "concurrency" are in use',
    { id: 9, client: "[2001:db8::7]:50000", concurrency: 9 },
  ],
  [
    { type: "yielded", id: 10, remote },
    "info",
    "#10 [2001:db8::7]:50000 was closed to make room: it had not proven the secret",
    { id: 10, client: "[2001:db8::7]:50000" },
  ],
  [
    { type: "refused", id: 2, remote, code: "bad-digest", reason: "It was not signed", outcome: "fronted" },
    "info",
    "#2 client [2001:db8::7]:50000 fronted: It was not signed",
    { id: 2, client: "[2001:db8::7]:50000", code: "bad-digest", outcome: "fronted" },
  ],
  [
    { type: "refused", id: 2, remote, code: "replayed", reason: "Seen before", outcome: "ignored" },
    "warning",
    "#2 client [2001:db8::7]:50000 ignored: Seen before",
    { id: 2, client: "[2001:db8::7]:50000", code: "replayed", outcome: "ignored" },
  ],
  [
    { type: "refused", id: 12, remote, code: "closed-early", reason: "It went", outcome: "closed" },
    "debug",
    "#12 client [2001:db8::7]:50000 closed: It went",
    { id: 12, client: "[2001:db8::7]:50000", code: "closed-early", outcome: "closed" },
  ],
  [
    { type: "untrusted-header", id: 11, remote },
    "warning",
    '#11 a PROXY protocol header came from [2001:db8::7]:50000, which is not in "proxy-protocol-trusted"',
    { id: 11, client: "[2001:db8::7]:50000" },
  ],
  [
    { type: "front-failed", id: 3, front, reason: "refused" },
    "warning",
    "#3 cannot reach the fronted site front.test:443: refused",
    { id: 3, front: "front.test:443" },
  ],
  [
    { type: "front-failed", front, reason: "refused" },
    "warning",
    "cannot reach the fronted site front.test:443: refused",
    { front: "front.test:443" },
  ],
  [
    { type: "front-loop", front },
    "warning",
    "the fronted site front.test:443 is this proxy itself: give the site's own address in [domain-fronting]",
    { front: "front.test:443" },
  ],
  [
    { type: "connected", id: 4, dc: -10_002, address: remote },
    "debug",
    "#4 connected to data centre -10002 at [2001:db8::7]:50000",
    { id: 4, dc: -10_002, address: "[2001:db8::7]:50000" },
  ],
  [
    { type: "dial-failed", id: 5, dc: 2, reason: "unreachable" },
    "warning",
    "#5 cannot reach data centre 2: unreachable",
    { id: 5, dc: 2 },
  ],
  [
    { type: "dc-replaced", id: 6, asked: 9, given: 2 },
    "info",
    "#6 there is no data centre 9, using 2",
    { id: 6, asked: 9, given: 2 },
  ],
  [
    { type: "closed", id: 7, remote, reason: "idle", upBytes: 64, downBytes: 0, durationMs: 299_501 },
    "debug",
    "#7 client [2001:db8::7]:50000 closed after 300 s: idle, 64 bytes up, 0 down",
    { id: 7, client: "[2001:db8::7]:50000", reason: "idle", upBytes: 64, downBytes: 0, durationMs: 299_501 },
  ],
  [
    { type: "name-stale", host: "front.test", reason: "Cannot look up front.test with 192.0.2.1: no answer" },
    "warning",
    "front.test is reached where it was last: Cannot look up front.test with 192.0.2.1: no answer",
    { host: "front.test" },
  ],
  [
    { type: "uplink-down", uplink: front, reason: "cannot be reached: refused", leftOutMs: 59_999.5 },
    "warning",
    "the SOCKS5 proxy front.test:443 keeps failing and is left out for 60 s if there is another way: " +
    "it cannot be reached: refused",
    { uplink: "front.test:443", leftOutMs: 59_999.5 },
  ],
  [
    { type: "uplink-up", uplink: remote },
    "info",
    "the SOCKS5 proxy [2001:db8::7]:50000 works again",
    { uplink: "[2001:db8::7]:50000" },
  ],
  [
    { type: "clock-suspect", offsetSeconds: 3_600, clients: 5 },
    "warning",
    "the clock of this machine seems to be 3600 s behind: 5 clients with the right secret agree on another time; " +
    "set the clock, best by a time server, or they cannot connect",
    { offsetSeconds: 3_600, clients: 5 },
  ],
  [
    { type: "clock-suspect", offsetSeconds: -120, clients: 64 },
    "warning",
    "the clock of this machine seems to be 120 s ahead: 64 clients with the right secret agree on another time; " +
    "set the clock, best by a time server, or they cannot connect",
    { offsetSeconds: -120, clients: 64 },
  ],
  [
    { type: "accept-failed", address: { kind: "unix", path: "/run/mtg.sock" }, reason: "too many open files" },
    "warning",
    "cannot accept clients on unix:/run/mtg.sock for now: too many open files",
    { address: "unix:/run/mtg.sock" },
  ],
];

function recorder(clock = new FakeClock()): { emit(event: Event): void; lines: LogLine[]; clock: FakeClock } {
  const lines: LogLine[] = [];
  const sink = logEvents(clock, { write: (line) => lines.push(line) });
  return { emit: (event) => sink.emit(event), lines, clock };
}

Deno.test("logEvents() does put each event into words, at its level", () => {
  startLogging("debug", "json");
  const { emit, lines } = recorder();
  for (const [event] of table) emit(event);
  const expected = table.map(([{ type: event }, level, message, properties]) => {
    return { level, message, properties: { event, ...properties } } as LogLine;
  });
  assertEquals(lines, expected);
});

Deno.test("logEvents() does say what to do where the replay filter is full", () => {
  startLogging("debug", "json");
  const { emit, lines } = recorder();
  emit({ type: "replay-filter-full", capacity: 1_000 });
  assertEquals([lines[0]?.level, lines[0]?.properties], ["warning", { event: "replay-filter-full", capacity: 1_000 }]);
  assertStringIncludes(lines[0]?.message ?? "", "raise defense.anti-replay.max-size");
});

Deno.test("logEvents() does log a fault with its place, whatever was thrown", () => {
  startLogging("debug", "json");
  const { emit, lines } = recorder();
  emit({ type: "fault", id: 8, error: new RangeError("no such block") });
  emit({ type: "fault", error: "just a word" });
  assertEquals(lines.map(({ level }) => level), ["error", "error"]);
  assertMatch(lines[0]!.message, /^#8 a fault of this program: RangeError: no such block\n +at .*log_test\.ts/);
  assertEquals(lines[1]!.message, "a fault of this program: just a word");
});

for (
  const [level, types] of [
    ["info", [
      "limited",
      "yielded",
      "refused",
      "refused",
      "untrusted-header",
      "front-failed",
      "front-failed",
      "front-loop",
      "dial-failed",
      "dc-replaced",
      "name-stale",
      "uplink-down",
      "uplink-up",
      "clock-suspect",
      "clock-suspect",
      "accept-failed",
    ]],
    ["warning", [
      "limited",
      "refused",
      "untrusted-header",
      "front-failed",
      "front-failed",
      "front-loop",
      "dial-failed",
      "name-stale",
      "uplink-down",
      "clock-suspect",
      "clock-suspect",
      "accept-failed",
    ]],
    ["error", []],
  ] as const
) {
  Deno.test(`logEvents() does keep silent below ${level}`, () => {
    startLogging(level, "json");
    const { emit, lines } = recorder();
    const logged = table.filter(([event]) => {
      const before = lines.length;
      emit(event);
      return lines.length > before;
    });
    assertEquals(logged.map(([{ type }]) => type), types);
  });
}

const opened = (id: number): Event => ({ type: "opened", id, remote });

Deno.test("logEvents() does let 20 lines of a kind through each second, and reports how many it held back", async () => {
  startLogging("debug", "json");
  const { emit, lines, clock } = recorder();
  for (let id = 0; id < 1_020; id++) emit(opened(id));
  assertEquals(lines.length, 20);
  emit({ type: "dc-replaced", id: 1, asked: 9, given: 2 });
  assertEquals(lines.length, 21, "another kind has a count of its own");
  await clock.advance(1_000);
  emit(opened(2_000));
  assertEquals(lines.slice(21), [
    {
      level: "debug",
      message: "1000 more lines of this kind were held back",
      properties: { kind: "opened", heldBack: 1_000 },
    },
    {
      level: "debug",
      message: "#2000 client [2001:db8::7]:50000 came",
      properties: { event: "opened", id: 2_000, client: "[2001:db8::7]:50000" },
    },
  ]);
  for (let id = 0; id < 19; id++) emit(opened(id));
  assertEquals(lines.length, 21 + 2 + 19, "the report does not count as one of the twenty");
  await clock.advance(60_000);
  emit(opened(3_000));
  assertEquals(lines.length, 21 + 2 + 19 + 1, "nothing was held back, nothing is reported");
});

Deno.test("logEvents() does go on when the clock is set back", async () => {
  startLogging("debug", "json");
  const { emit, lines, clock } = recorder();
  await clock.advance(10_000);
  for (let id = 0; id < 30; id++) emit(opened(id));
  clock.set(clock.nowMs() - 3_600_000);
  await clock.advance(1_000);
  for (let id = 0; id < 30; id++) emit(opened(id));
  assertEquals(lines.length, 20 + 1 + 20);
});

Deno.test("logEvents() does not put events into words that nobody reads", () => {
  startLogging("info", "json");
  const { emit, lines } = recorder();
  const unread: Event = {
    type: "opened",
    id: 1,
    get remote(): Address {
      throw new Error("looked at");
    },
  };
  emit(unread);
  assertEquals(lines, []);
  assert(true);
});

Deno.test("logEvents() does share the lines of a second out among threads", async () => {
  startLogging("debug", "json");
  for (const [threads, expected] of [[2, 10], [3, 7], [100, 1]] as const) {
    const lines: LogLine[] = [];
    const clock = new FakeClock();
    const sink = logEvents(clock, { write: (line) => lines.push(line), threads });
    for (let id = 0; id < 30; id++) sink.emit(opened(id));
    assertEquals(lines.length, expected);
    await clock.advance(1_000);
    sink.emit(opened(31));
    assertEquals(lines.length, expected + 2);
  }
});
