import { assertEquals } from "@std/assert";
import { formatAddress } from "../../lib/address.ts";
import type { RandomSource } from "../../lib/crypto/random.ts";
import { dcLists, keepUpdated } from "../../lib/daemon/dc_updates.ts";
import type { GetOptions, HttpResponse } from "../../lib/http/http_client.ts";
import type { DcUpdates } from "../../lib/telegram/addresses.ts";
import { FakeClock } from "../support/fake_clock.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const [list4 = "", list6 = ""] = dcLists;

/** Pauses without jitter. */
const noJitter: RandomSource = { fill: (into) => into.fill(0), x25519PublicKey: () => new Uint8Array(32) };

type Answer = string | Error | number;

interface RigOptions {
  readonly random?: RandomSource;
  readonly fault?: Error;
  /** What an earlier start has kept. */
  readonly files?: Readonly<Record<string, string>>;
  /** What keeps files from being written. */
  readonly writeFault?: Error;
}

/** Telegram's server for both lists, as a test tells it, and what becomes of it. */
class Rig implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly asked: string[] = [];
  readonly updates: Record<number, string[]>[] = [];
  readonly lines: string[] = [];
  readonly files: Map<string, string>;
  readonly #answers: Record<string, Answer>;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(answers: { ipv4?: Answer; ipv6?: Answer } = {}, options: RigOptions = {}) {
    this.#answers = { [list4]: answers.ipv4 ?? list(), [list6]: answers.ipv6 ?? list() };
    const files = this.files = new Map(Object.entries(options.files ?? {}));
    this.#running = keepUpdated({
      state: {
        read: (name) => Promise.resolve(files.get(name)),
        write: (name, text) => {
          if (options.writeFault !== undefined) return Promise.reject(options.writeFault);
          files.set(name, text);
          return Promise.resolve();
        },
      },
      http: { get: (url, get) => this.#get(url, get) },
      clock: this.clock,
      random: options.random ?? noJitter,
      onUpdate: (updates) => {
        this.updates.push(named(updates));
        if (options.fault !== undefined) throw options.fault;
      },
      log: (level, message) => this.lines.push(`${level}: ${message}`),
    }, this.#stop.signal);
  }

  answer(answers: { ipv4?: Answer; ipv6?: Answer }): void {
    if (answers.ipv4 !== undefined) this.#answers[list4] = answers.ipv4;
    if (answers.ipv6 !== undefined) this.#answers[list6] = answers.ipv6;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    assertEquals(this.clock.pendingMs, []);
  }

  async #get(url: string, options: GetOptions = {}): Promise<HttpResponse> {
    this.asked.push(url);
    await Promise.resolve();
    options.signal?.throwIfAborted();
    const answer = this.#answers[url] ?? 404;
    if (answer instanceof Error) throw answer;
    if (typeof answer === "number") return { status: answer, headers: new Map(), text: list("192.0.2.9:443") };
    return { status: 200, headers: new Map(), text: answer };
  }
}

/** A list that names these addresses for data centre 203, and others for another one. */
function list(...addresses: readonly string[]): string {
  return ["default 2;", "proxy_for 2 192.0.2.1:8888;", ...addresses.map((each) => `proxy_for 203 ${each};`)].join("\n");
}

function named(updates: DcUpdates): Record<number, string[]> {
  return Object.fromEntries([...updates].map(([dc, addresses]) => [dc, addresses.map(formatAddress)]));
}

const a4 = "192.0.2.11:443";
const b4 = "192.0.2.12:443";
const a6 = "[2001:db8::11]:443";

Deno.test("keepUpdated() does ask for both lists at once and each hour, and tells only what has changed", async () => {
  await using rig = new Rig({ ipv4: list(a4), ipv6: list(a6) });
  await rig.clock.advance(0);
  assertEquals(rig.asked, [list4, list6]);
  assertEquals(rig.updates, [{ 203: [a4] }, { 203: [a4, a6] }]);
  assertEquals(rig.lines, [
    `info: Telegram names further addresses: data centre 203 at ${a4}`,
    `info: Telegram names further addresses: data centre 203 at ${a4}, ${a6}`,
  ]);
  await rig.clock.advance(hourMs - 1);
  assertEquals(rig.asked.length, 2);
  await rig.clock.advance(1);
  assertEquals([rig.asked.length, rig.updates.length, rig.lines.length], [4, 2, 2]);
  rig.answer({ ipv4: list(b4, a4) });
  await rig.clock.advance(hourMs);
  rig.answer({ ipv4: list(a4, b4) });
  await rig.clock.advance(hourMs);
  assertEquals(rig.updates.slice(2), [{ 203: [b4, a4, a6] }]);
});

Deno.test("keepUpdated() does forget addresses that a list no longer names", async () => {
  await using rig = new Rig({ ipv4: list(a4) });
  await rig.clock.advance(0);
  rig.answer({ ipv4: list() });
  await rig.clock.advance(hourMs);
  assertEquals(rig.updates, [{ 203: [a4] }, {}]);
  assertEquals(rig.lines.at(-1), "info: Telegram names further addresses: none any more");
});

Deno.test("keepUpdated() does tell nothing where there is nothing beyond what is built in", async () => {
  await using rig = new Rig();
  await rig.clock.advance(3 * hourMs);
  assertEquals([rig.asked.length, rig.updates, rig.lines], [8, [], []]);
});

const failures: readonly (readonly [Answer, string])[] = [
  [new Error(`${list4}: nobody is there`), `${list4}: nobody is there`],
  [404, `${list4}: the server answered with status 404`],
  ["<html>", `${list4}: line 1: expected a semicolon at the end`],
  ["", `${list4}: no line of it names an address`],
];

for (const [failure, reason] of failures) {
  Deno.test(`keepUpdated() does keep what it knows, warn once and ask sooner after ${reason}`, async () => {
    await using rig = new Rig({ ipv4: list(a4), ipv6: list(a6) });
    await rig.clock.advance(0);
    const before = rig.updates.length;
    const asked4 = () => rig.asked.filter((url) => url === list4).length;
    rig.answer({ ipv4: failure });
    await rig.clock.advance(hourMs);
    assertEquals(asked4(), 2);
    for (const [index, minutes] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
      await rig.clock.advance(minutes * minuteMs - 1);
      assertEquals(asked4(), 2 + index);
      await rig.clock.advance(1);
      assertEquals(asked4(), 3 + index);
    }
    assertEquals(rig.lines.slice(before), [`warning: cannot update the addresses of data centres: ${reason}`]);
    assertEquals(rig.updates.length, before);
    rig.answer({ ipv4: list(b4) });
    await rig.clock.advance(hourMs);
    assertEquals(rig.updates.at(-1), { 203: [b4, a6] });
    rig.answer({ ipv4: failure });
    await rig.clock.advance(hourMs);
    assertEquals(rig.lines.length, before + 3, "it warns again, after it had come again");
  });
}

Deno.test("keepUpdated() does follow one list while the other is out of reach", async () => {
  await using rig = new Rig({ ipv4: new Error("no way"), ipv6: list(a6) });
  await rig.clock.advance(0);
  assertEquals(rig.updates, [{ 203: [a6] }]);
  rig.answer({ ipv4: list(a4) });
  await rig.clock.advance(minuteMs);
  assertEquals(rig.updates.at(-1), { 203: [a4, a6] });
});

Deno.test("keepUpdated() does wait up to a tenth longer, as chance will have it", async () => {
  const most: RandomSource = { ...noJitter, fill: (into) => into.fill(0xff) };
  await using rig = new Rig({}, { random: most });
  await rig.clock.advance(0);
  for (const pauseMs of rig.clock.pendingMs) {
    assertEquals([pauseMs > hourMs, pauseMs <= 1.1 * hourMs], [true, true]);
  }
});

Deno.test("keepUpdated() does go on when its owner fails, and says so", async () => {
  await using rig = new Rig({ ipv4: list(a4) }, { fault: new Error("owner") });
  await rig.clock.advance(0);
  assertEquals(rig.lines.at(-1), "warning: cannot update the addresses of data centres: owner");
  await rig.clock.advance(minuteMs);
  assertEquals(rig.asked.length, 3);
});

Deno.test("keepUpdated() does end at once and without a word when it is told to, whatever it is doing", async () => {
  await using asking = new Rig();
  await asking.stop();
  await using waiting = new Rig();
  await waiting.clock.advance(minuteMs);
  await waiting.stop();
  assertEquals([asking.lines, waiting.lines, asking.updates], [[], [], []]);
});

const file4 = "getProxyConfig.txt";
const file6 = "getProxyConfigV6.txt";

/** As it would have been kept so many minutes before the clock of a rig starts. */
function kept(minutes: number, text: string): string {
  return `# ${new Date(new FakeClock().nowMs() - minutes * minuteMs).toISOString()} x\n${text}`;
}

Deno.test("keepUpdated() does keep each good answer with its time, and no other", async () => {
  await using rig = new Rig({ ipv4: list(a4), ipv6: "<html>" });
  await rig.clock.advance(0);
  const then = new Date(rig.clock.nowMs()).toISOString();
  assertEquals([...rig.files], [[file4, `# ${then} ${list4}\n${list(a4)}`]]);
  rig.answer({ ipv4: 404 });
  await rig.clock.advance(hourMs);
  assertEquals(rig.files.get(file4)?.includes(then), true);
});

for (const [minutes, age] of [[0, "0 minutes"], [90, "90 minutes"], [180, "3 hours"], [72 * 60, "3 days"]] as const) {
  Deno.test(`keepUpdated() does begin with what was kept ${age} ago, also where nobody answers`, async () => {
    const down = new Error("no way");
    await using rig = new Rig({ ipv4: down, ipv6: down }, { files: { [file4]: kept(minutes, list(a4)) } });
    await rig.clock.advance(0);
    assertEquals(rig.updates, [{ 203: [a4] }]);
    assertEquals(rig.lines[0], `info: Telegram named further addresses ${age} ago: data centre 203 at ${a4}`);
    rig.answer({ ipv4: list(b4) });
    await rig.clock.advance(minuteMs);
    assertEquals(rig.updates.at(-1), { 203: [b4] });
  });
}

const spoilt: readonly (readonly [string, string])[] = [
  [list(a4), `${file4}: expected a time in the first line`],
  ["", `${file4}: expected a time in the first line`],
  [
    kept(1, "proxy_for 203 evil.example:443;"),
    `${file4}: line 2: expected proxy_for, the number of a data centre, ` +
    "and an IP address and port such as 203.0.113.7:443",
  ],
  [kept(1, ""), `${file4}: no line of it names an address`],
];

for (const [text, reason] of spoilt) {
  Deno.test(`keepUpdated() does not use what was kept where it says ${reason}`, async () => {
    await using rig = new Rig({ ipv4: list(a4) }, { files: { [file4]: text } });
    await rig.clock.advance(0);
    assertEquals(rig.lines[0], `warning: what an earlier start has kept is not used: ${reason}`);
    assertEquals(rig.updates, [{ 203: [a4] }]);
  });
}

Deno.test("keepUpdated() does say once that all is in memory where nothing can be written, and go on", async () => {
  await using rig = new Rig({ ipv4: list(a4), ipv6: list(a6) }, { writeFault: new Error("full") });
  await rig.clock.advance(3 * hourMs);
  assertEquals(rig.lines.slice(2), ["info: addresses of data centres are in memory only: full"]);
  assertEquals([rig.asked.length, rig.files.size, rig.files.has(file6)], [8, 0, false]);
});
