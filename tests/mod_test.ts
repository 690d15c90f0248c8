/** The library as an embedder meets it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import * as mtg from "../lib/mod.ts";
import { parseSecret } from "../lib/policy/secret.ts";
import { randomBytes } from "./support/byte_reader.ts";
import { FakeDc } from "./support/fake_dc.ts";
import { RawClient } from "./support/raw_client.ts";

const entry = new URL("../lib/mod.ts", import.meta.url);
const config = fileURLToPath(new URL("../deno.json", import.meta.url));
const limitMs = 60_000;

/** The code of the example in the head of `lib/mod.ts`. */
function example(): string {
  const [, commented] = /```ts\n([\s\S]*?)```/.exec(Deno.readTextFileSync(entry)) ?? [];
  if (commented === undefined) throw new Error("lib/mod.ts has no example");
  return commented.split("\n").map((line) => line.replace(/^ \* ?/, "")).join("\n");
}

/** Replaces what must differ in a test. @throws {Error} If the example does not have it. */
function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`The example has no ${from}`);
  return text.replace(from, to);
}

Deno.test("the example of lib/mod.ts compiles as it stands, and serves", async () => {
  await using dc = FakeDc.start({ mode: "echo" });
  const folder = await Deno.makeTempDir();
  try {
    const asItStands = replaced(example(), '"@mtg/mtg"', JSON.stringify(entry.href));
    await Deno.writeTextFile(`${folder}/as_it_stands.ts`, asItStands);
    const listening = "console.log(JSON.stringify(listener.address));\nawait listener.acceptInto";
    const onLoopback = replaced(
      replaced(
        asItStands,
        "dcOverrides: new Map()",
        `dcOverrides: new Map([[2, [${JSON.stringify(dcAddress(dc))} as const]]])`,
      ),
      "port: 3128",
      "port: 0",
    );
    await Deno.writeTextFile(`${folder}/on_loopback.ts`, replaced(onLoopback, "await listener.acceptInto", listening));
    const check = new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--config", config, `${folder}/as_it_stands.ts`],
      stderr: "piped",
    });
    const { success, stderr } = await check.output();
    assert(success, new TextDecoder().decode(stderr));
    await serve(`${folder}/on_loopback.ts`);
    assertEquals(dc.connections.map(({ dc, fault }) => [dc, fault]), [[2, undefined]]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function dcAddress(dc: FakeDc): mtg.Address {
  return { kind: "tcp", host: "127.0.0.1", port: dc.port };
}

/** Runs the program and sends something through the proxy in it. */
async function serve(program: string): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--no-prompt", "--allow-net", "--config", config, program],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
    signal: AbortSignal.timeout(limitMs),
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    const { value = "" } = await lines.read();
    assertMatch(value, /^\{"kind":"tcp","host":"127\.0\.0\.1","port":\d+\}\n/);
    const { port } = JSON.parse(value.split("\n")[0]!);
    const [, secret] = /parseSecret\("([^"]+)"\)/.exec(example()) ?? [];
    using client = await RawClient.connect({ port, secret: parseSecret(secret ?? "") });
    const bytes = randomBytes(1_000);
    await client.write(bytes);
    assertEquals(await client.readExactly(1_000), bytes);
    let told = value.slice(value.indexOf("\n"));
    while (!told.includes("connected")) told += (await lines.read()).value ?? "\nconnected was not told";
    assertEquals(told.trim().split("\n"), ["opened", "connected"]);
  } finally {
    child.kill("SIGKILL");
    while (!(await lines.read()).done);
    await child.status;
  }
}

Deno.test("lib/mod.ts exports what an embedder needs, and nothing else", () => {
  assertEquals(Object.keys(mtg).toSorted(), [
    "CachingResolver",
    "ConfigError",
    "IpSet",
    "Listener",
    "ProtocolError",
    "Proxy",
    "ReplayFilter",
    "ResolvingDialer",
    "Slots",
    "UplinkDialer",
    "createResolver",
    "directDialer",
    "formatAddress",
    "formatSecret",
    "parseSecret",
    "secretOf",
    "systemClock",
    "systemRandom",
    "uplinkDialers",
  ]);
});
