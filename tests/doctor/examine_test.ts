import { assert, assertEquals } from "@std/assert";
import { loadConfig } from "../../lib/config/parse.ts";
import { examine } from "../../lib/doctor/examine.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { complaints, configWith, fakeWorld, never, nowMs, type Spoiled, way } from "./fake_world.ts";

/** Whoever is asked is silent, and heeds no signal either. */
const blackHole: Spoiled = {
  resolver: { resolve: (host) => /^[\d.]+$/.test(host) ? Promise.resolve([host]) : never() },
  ways: [way({ ask: never }), way({ label: "through socks5 198.51.100.1:1080", ask: never })],
  askTime: never,
  touch: never,
  watchSite: never,
  visitSite: never,
  askSiteDate: never,
  publicAddresses: never,
  whoAnswers: never,
};

function begin(spoiled: Spoiled, lines: readonly string[] = []) {
  const { config, warnings } = loadConfig({ file: { name: "config.toml", text: configWith(lines) } });
  const world = fakeWorld(spoiled);
  return { groups: examine({ config, file: "config.toml", warnings }, world), clock: world.clock as FakeClock };
}

Deno.test("examine() does end within 12 s though everybody is silent", async () => {
  const { groups, clock } = begin(blackHole);
  let done = 0;
  for (const group of groups) group.then(() => done++);
  await clock.advance(12_000);
  assertEquals(done, groups.length);
  assertEquals(clock.pendingMs, []);
  const bad = complaints(await Promise.all(groups)).filter((line) => line.includes(" bad: "));
  assertEquals(bad.filter((line) => line.startsWith("telegram-")).length, 12);
  assert(bad.some((line) => line.startsWith("front/reachable bad: 192.0.2.80:443: no answer within 4 s")));
});

Deno.test("examine() does come to an end in time where each answer takes as long as it may", async () => {
  const clock = new FakeClock(nowMs);
  const good = fakeWorld();
  const late = <A extends readonly unknown[], T>(ms: number, ask: (...args: A) => Promise<T>) => async (...args: A) => {
    await clock.sleep(ms - 1);
    return await ask(...args);
  };
  const { groups } = begin({
    clock,
    resolver: { resolve: late(3_500, good.resolver.resolve) },
    touch: late(4_000, good.touch),
    ways: [way({ ask: never })],
    askTime: never,
    askSiteDate: never,
    watchSite: never,
    publicAddresses: late(4_000, () => Promise.resolve({ ipv4: "203.0.113.8", ipv6: undefined })),
    whoAnswers: late(3_500, good.whoAnswers),
  }, ['domain-fronting.host = "time.example"', "domain-fronting.ip = ", "public-ipv4 = ", "public-ipv6 = "]);
  await clock.advance(12_000);
  const lines = complaints(await Promise.all(groups));
  assert(lines.some((line) => line.startsWith("clock/offset warning: nobody told the time")), lines.join("\n"));
  assert(lines.some((line) => /^front\/tls bad: .* no answer within 4 s/.test(line)), lines.join("\n"));
  assertEquals(clock.pendingMs, []);
});

Deno.test("examine() does do everything side by side: each group is there as soon as its own answers are", async () => {
  const { groups, clock } = begin({ ways: [way({ ask: never })], askTime: never });
  const done: string[] = [];
  for (const group of groups) group.then(({ id }) => done.push(id));
  await settle();
  assertEquals(done.toSorted(), ["config", "front", "limits", "names", "port"]);
  await clock.advance(4_000);
  assert(done.includes("clock"));
  assert(!done.includes("telegram-direct"));
  await clock.advance(4_000);
  assertEquals(done.at(-1), "telegram-direct");
  assertEquals(clock.pendingMs, []);
});
