import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { compareClocks, decodeAnswer } from "../../lib/wire/sntp.ts";
import { answerPacket } from "../wire/sntp_packets.ts";
import { bytes, runs } from "./arbitraries.ts";

const nonce = bytes(8, 8);
/** What 32 bits of seconds can tell: from 1968 to 2104. */
const time = fc.integer({ min: -61_000_000, max: 4_233_000_000 }).map((seconds) => seconds * 1000 + 250);

Deno.test("decodeAnswer() gives one of its four kinds for any bytes, and finite times", () => {
  fc.assert(
    fc.property(bytes(0, 80), nonce, (packet, nonce) => {
      packet.set(nonce.subarray(0, Math.max(0, Math.min(8, packet.length - 24))), Math.min(24, packet.length));
      const answer = decodeAnswer(packet, nonce);
      assert(["time", "refused", "foreign", "unsynchronized"].includes(answer.kind));
      if (answer.kind === "time") assert(Number.isFinite(answer.receivedMs) && Number.isFinite(answer.sentMs));
      if (answer.kind === "refused") assert(/^([A-Z0-9]{1,4}|\?{4})$/.test(answer.code));
    }),
    { numRuns: 5 * runs },
  );
});

Deno.test("compareClocks() finds out any offset if both ways take equally long", () => {
  fc.assert(
    fc.property(nonce, time, fc.integer({ min: -(1e9), max: 1e9 }), fc.nat(5_000), fc.nat(5_000), (...parts) => {
      const [nonce, receivedMs, aheadMs, wayMs, workMs] = parts;
      const sentMs = receivedMs + workMs;
      const answer = decodeAnswer(answerPacket(nonce, { receivedMs, sentMs }), nonce);
      if (answer.kind !== "time") throw new Error(answer.kind);
      const exchange = { askedMs: receivedMs - wayMs + aheadMs, answeredMs: sentMs + wayMs + aheadMs };
      const found = compareClocks(exchange, answer);
      assert(Math.abs(found.aheadMs - aheadMs) < 0.01, `${found.aheadMs} in place of ${aheadMs}`);
      assert(Math.abs(found.delayMs - 2 * wayMs) < 0.01);
    }),
    { numRuns: runs },
  );
});

Deno.test("decodeAnswer() takes no answer to another question", () => {
  fc.assert(
    fc.property(nonce, nonce, time, (asked, other, receivedMs) => {
      fc.pre(asked.toHex() !== other.toHex());
      assertEquals(decodeAnswer(answerPacket(other, { receivedMs, sentMs: receivedMs }), asked), { kind: "foreign" });
    }),
    { numRuns: runs },
  );
});
