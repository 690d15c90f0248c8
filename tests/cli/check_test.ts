import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Step } from "../../lib/probe/step.ts";
import { hexKey, runMain, tlsBase64 } from "./fake_environment.ts";

const link = `tg://proxy?server=203.0.113.7&port=443&secret=${tlsBase64}`;
const simple = `https://t.me/proxy?server=proxy.example.com&port=8443&secret=${hexKey}`;

const connected: Step = { step: "tcp", outcome: "ok", code: "connected", ms: 34.4, detail: "203.0.113.7:443 answers" };
const differs: Step = {
  step: "clock",
  outcome: "warning",
  code: "clock-differs",
  ms: 0,
  detail: "the clock is wrong",
  cause: "Nobody has set it.",
  remedy: "Set it.",
};
const refused: Step = {
  step: "telegram",
  outcome: "failed",
  code: "telegram-closed",
  ms: 1234.5,
  detail: "the proxy hangs up",
  cause:
    "It cannot reach Telegram, and this sentence is so long that it must go on in another line, indented a little more.",
  remedy: "Ask its owner.",
};

Deno.test("mtg check shows a person each step, why it fails and what to do", async () => {
  const { code, out, errors } = await runMain(["check", link], {
    report: { ok: false, steps: [connected, refused, differs] },
  });
  assertEquals([code, errors], [1, []]);
  assertEquals(out, [
    "Checking the proxy at 203.0.113.7:443, which looks like example.com.",
    "",
    "✅ TCP          34 ms  203.0.113.7:443 answers",
    "❌ Telegram   1235 ms  the proxy hangs up",
    "            Why: It cannot reach Telegram, and this sentence is so long that it must go on in",
    "              another line, indented a little more.",
    "            What to do: Ask its owner.",
    "⚠️  clock               the clock is wrong",
    "            Why: Nobody has set it.",
    "            What to do: Set it.",
    "",
    "The proxy does not work from this machine.",
  ]);
});

Deno.test("mtg check sums up, and gives 0 where nothing has failed", async () => {
  for (
    const [steps, words] of [
      [[connected], "The proxy works from this machine."],
      [[connected, differs], "The proxy works from this machine, but see the warnings."],
    ] as const
  ) {
    const { code, out } = await runMain(["check", simple], { report: { ok: true, steps } });
    assertEquals([code, out[0], out.at(-1)], [
      0,
      "Checking the proxy at proxy.example.com:8443, with a simple secret.",
      words,
    ]);
  }
});

Deno.test("mtg check --json prints the report, and nothing else", async () => {
  const report = { ok: false, steps: [connected, refused] };
  const { code, out, errors } = await runMain(["check", "--json", link], { report });
  assertEquals([code, errors], [1, []]);
  const about = { server: "203.0.113.7", port: 443, kind: "tls", host: "example.com" };
  assertEquals(JSON.parse(out.join("\n")), { ...about, ...report });
  const plain = await runMain(["check", "--json", simple], { report });
  assertEquals("host" in JSON.parse(plain.out.join("\n")), false);
});

Deno.test("mtg check gives 2 for what is no link and for a wrong timeout", async () => {
  for (
    const [args, message] of [
      [["hello"], "mtg: Cannot use the link: it is none of Telegram's"],
      [[link, "--timeout", "soon"], 'mtg: --timeout = "soon": expected a duration such as'],
      [[link, "-t", "0s"], 'mtg: --timeout = "0s": expected more than nothing'],
    ] as const
  ) {
    const { code, out, errors } = await runMain(["check", ...args]);
    assertEquals([code, out], [2, []]);
    assertStringIncludes(errors.join("\n"), message);
  }
});
