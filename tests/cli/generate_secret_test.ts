import { assertEquals, assertNotEquals } from "@std/assert";
import { parseSecret } from "../../lib/policy/secret.ts";
import { runMain } from "./fake_environment.ts";

async function generate(...args: readonly string[]): Promise<string> {
  const { code, out, errors } = await runMain(["generate-secret", ...args]);
  assertEquals([code, errors, out.length], [0, [], 1]);
  return out[0] ?? "";
}

Deno.test("generate-secret does make a fake-TLS secret in base64url", async () => {
  const text = await generate("www.Example.com");
  assertEquals(/^7[g-v][A-Za-z0-9_-]+$/.test(text), true);
  const { kind, host } = parseSecret(text);
  assertEquals([kind, host], ["tls", "www.example.com"]);
});

Deno.test("generate-secret does make every kind, in hex too", async () => {
  assertEquals(/^ee[0-9a-f]{32}6578616d706c652e636f6d$/.test(await generate("--hex", "example.com")), true);
  assertEquals(/^ee[0-9a-f]{32}6578616d706c652e636f6d$/.test(await generate("-x", "--kind=TLS", "example.com")), true);
  assertEquals(/^dd[0-9a-f]{32}$/.test(await generate("--hex", "--kind", "secured")), true);
  assertEquals(/^[0-9a-f]{32}$/.test(await generate("--hex", "--kind", "simple")), true);
  assertEquals(parseSecret(await generate("--kind", "secured")).kind, "secured");
  assertEquals(parseSecret(await generate("--kind", "simple")).kind, "simple");
});

Deno.test("generate-secret does make another one each time", async () => {
  assertNotEquals(await generate("example.com"), await generate("example.com"));
});

Deno.test("generate-secret does make none that looks like a flag", async () => {
  // Without care one of 64 would: none of 600 passes with a chance of 1 to 13,000.
  for (let made = 0; made < 600; made++) assertNotEquals((await generate("--kind", "simple"))[0], "-");
});

Deno.test("generate-secret does refuse hosts that cannot be one", async () => {
  const dns = "expected a DNS name like example.com";
  const cases: readonly (readonly [readonly string[], string])[] = [
    [[], "generate-secret needs <hostname> for a tls secret, as in: mtg generate-secret www.example.com"],
    [["https://example.com"], `Cannot use "https://example.com" as host of a secret: ${dns}`],
    [["example.com:443"], `Cannot use "example.com:443" as host of a secret: ${dns}`],
    [["203.0.113.7"], `Cannot use "203.0.113.7" as host of a secret: ${dns}`],
    [["a.b"], 'Cannot use "a.b" as host of a secret: it has 3 bytes, Telegram\'s clients take 4 to 182'],
    [["--kind", "simple", "example.com"], "A simple secret takes no host"],
    [["--kind", "faketls", "example.com"], '--kind = "faketls": expected one of tls, secured, simple'],
    [["example.com", "example.org"], 'generate-secret does not take "example.org" as well'],
  ];
  for (const [args, message] of cases) {
    const { code, errors } = await runMain(["generate-secret", ...args]);
    assertEquals([code, errors], [2, [`mtg: ${message}`]]);
  }
});
