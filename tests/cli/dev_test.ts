import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { parseSecret } from "../../lib/policy/secret.ts";
import { hexKey } from "./fake_environment.ts";

const dev = fileURLToPath(new URL("../../scripts/dev.ts", import.meta.url));
const limitMs = 60_000;

function start(args: readonly string[], temporary: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", dev, ...args],
    env: { NO_COLOR: "1", TMPDIR: temporary, TMP: temporary },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(limitMs),
  }).spawn();
}

/** Reads until `pattern` stands in what was read; gives all of that. */
async function readUntil(reader: ReadableStreamDefaultReader<string>, pattern: RegExp): Promise<string> {
  let text = "";
  while (!pattern.test(text)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`ended before ${pattern}: ${text}`);
    text += value;
  }
  return text;
}

/** Waits until `child` has ended and all that it wrote is read; gives its exit code. */
async function finish(child: Deno.ChildProcess, ...readers: ReadableStreamDefaultReader<string>[]): Promise<number> {
  for (const reader of readers) {
    while (!(await reader.read()).done);
  }
  return (await child.status).code;
}

/** Resolves once nobody listens on `port`: it is a fixed one, which a run of these tests beside this one may take meanwhile. */
async function untilFree(port: number): Promise<void> {
  for (let left = 300;; left--) {
    try {
      return Deno.listen({ hostname: "127.0.0.1", port }).close();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function filesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => `${folder}/${name}`);
}

Deno.test({
  name: "dev does run a proxy with links to it, and leaves nothing behind",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const temporary = await Deno.makeTempDir();
    const child = start(["--front", "127.0.0.1:1"], temporary);
    const out = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const errors = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    const shown = await readUntil(out, /█\n\n/);
    const [, port, secret] = /tg:\/\/proxy\?server=127\.0\.0\.1&port=(\d+)&secret=([\w-]+)/.exec(shown) ?? [];
    assertEquals(parseSecret(secret ?? "").kind, "tls");
    assertMatch(shown, new RegExp(`https://t\\.me/proxy\\?server=127\\.0\\.0\\.1&port=${port}&secret=${secret}`));
    const [config] = await filesIn(temporary);
    assertEquals((await Deno.stat(config ?? "")).mode! & 0o777, 0o600);

    await readUntil(errors, new RegExp(`127\\.0\\.0\\.1:${port}`));
    child.kill("SIGTERM");
    await finish(child, out, errors);
    assertEquals(await filesIn(temporary), []);
    await untilFree(Number(port));
    await Deno.remove(temporary, { recursive: true });
  },
});

Deno.test({
  name: "dev does run a configuration of one's own, and gives its exit code",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const temporary = await Deno.makeTempDir();
    const config = `${temporary}/my.toml`;
    await Deno.writeTextFile(config, `secret = "dd${hexKey}"\nbind-to = "127.0.0.1:0"\ngrace = "0s"\n`);
    const child = start(["--", config], temporary);
    const out = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const errors = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    assertMatch(
      await readUntil(out, /dd\w+\n$/),
      new RegExp(`^  tg://proxy\\?server=127\\.0\\.0\\.1&port=\\d+&secret=dd${hexKey}$`, "m"),
    );
    child.kill("SIGINT");
    assertEquals(await finish(child, out, errors), 0);
    assertEquals(await filesIn(temporary), [config]);
    await Deno.remove(temporary, { recursive: true });
  },
});

Deno.test("dev does not wait for a configuration that is not there", async () => {
  const temporary = await Deno.makeTempDir();
  const { code, stderr } = await start([`${temporary}/no.toml`], temporary).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [1, `dev: there is no file ${temporary}/no.toml\n`]);
  await Deno.remove(temporary, { recursive: true });
});

Deno.test("dev does refuse what it does not know", async () => {
  const temporary = await Deno.makeTempDir();
  for (const args of [["--lna"], ["a.toml", "b.toml"], ["--lan", "a.toml"]]) {
    const { code, stdout, stderr } = await start(args, temporary).output();
    assertEquals([code, stdout.length], [2, 0]);
    assertEquals(new TextDecoder().decode(stderr), "usage: deno task dev [-- [--lan] [--front IP:PORT] | my.toml]\n");
  }
  await Deno.remove(temporary, { recursive: true });
});
