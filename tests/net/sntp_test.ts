import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemRandom } from "../../lib/crypto/random.ts";
import { askTime } from "../../lib/net/sntp.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { timeBehind, type TimeScript, TimeServer } from "../support/time_server.ts";
import { answerPacket } from "../wire/sntp_packets.ts";
import { hasIpv6 } from "./sockets.ts";

const limitMs = 5_000;

async function ask(script: TimeScript, hostname?: string) {
  await using server = new TimeServer(script, hostname);
  const options = { clock: systemClock, random: systemRandom, signal: AbortSignal.timeout(limitMs) };
  return { found: await askTime(server.address, options), questions: server.questions };
}

Deno.test("askTime() does tell how far the clock is off", async () => {
  for (const aheadMs of [0, 90_000, -90_000]) {
    const { found, questions } = await ask(timeBehind(aheadMs));
    assert(Math.abs(found.aheadMs - aheadMs) < 500, `${found.aheadMs} in place of ${aheadMs}`);
    assert(found.delayMs < 1_000);
    assertEquals([questions.length, questions[0]?.length], [1, 48]);
  }
});

Deno.test({
  name: "askTime() does ask over IPv6 too",
  ignore: !hasIpv6(),
  fn: async () => void assert(Math.abs((await ask(timeBehind(0), "::1")).found.aheadMs) < 500),
});

Deno.test("askTime() does not take answers to other questions, nor garbage", async () => {
  const { found } = await ask((question, index) => {
    const nowMs = Date.now();
    const wrong = answerPacket(new Uint8Array(8), { receivedMs: 0, sentMs: 0 });
    const right = timeBehind(5_000)(question, index) ?? [];
    return [
      wrong,
      new Uint8Array(0),
      question,
      new Uint8Array(1_000),
      ...right,
      answerPacket(question.subarray(40), {
        receivedMs: nowMs,
        sentMs: nowMs,
      }),
    ];
  });
  assert(Math.abs(found.aheadMs - 5_000) < 500);
});

Deno.test("askTime() does ask again where nobody answers, with another nonce", async () => {
  const { found, questions } = await ask((question, index) => index === 0 ? undefined : timeBehind(0)(question, index));
  assert(Math.abs(found.aheadMs) < 500);
  assertEquals(questions.length, 2);
  assert(questions[0]?.toHex() !== questions[1]?.toHex());
});

Deno.test("askTime() does fail if the server refuses, or does not know the time", async () => {
  const refusal = timeBehind(0, { stratum: 0, code: "RATE" });
  await assertRejects(() => ask(refusal), Error, "it does not want to be asked (RATE)");
  await assertRejects(() => ask(timeBehind(0, { leap: 3 })), Error, "it does not know the time itself");
});

Deno.test("askTime() does end with its signal's reason while nobody answers", async () => {
  await using server = new TimeServer(() => undefined);
  const clock = new FakeClock();
  const ending = new AbortController();
  const asking = askTime(server.address, { clock, random: systemRandom, signal: ending.signal });
  await settle();
  ending.abort(new Error("no answer within 3 s"));
  await assertRejects(() => asking, Error, "no answer within 3 s");
  assertEquals(clock.pendingMs, []);
  const { signal } = ending;
  await assertRejects(() => askTime(server.address, { clock, random: systemRandom, signal }), Error, "within 3 s");
});
