/** The command as its users start it: a process of its own, with the permissions that README names. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { binary, makeSocketFolder, mtgCommand } from "../support/subject.ts";
import { configText, tlsBase64 } from "./fake_environment.ts";

const limitMs = 30_000;

interface Finished {
  readonly code: number;
  readonly out: string;
  readonly errors: string;
}

async function mtg(
  args: readonly string[],
  permissions: readonly string[] = [],
  { input = "", env = {} }: { readonly input?: string; readonly env?: Record<string, string> } = {},
): Promise<Finished> {
  const [command, ...all] = mtgCommand(args, permissions);
  const child = new Deno.Command(command, {
    args: all,
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(limitMs),
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, out: new TextDecoder().decode(stdout), errors: new TextDecoder().decode(stderr) };
}

Deno.test("mtg does its light work without any permission", async () => {
  const version = await mtg(["--version"]);
  assertEquals([version.code, version.errors], [0, ""]);
  assertMatch(version.out, /^mtg \d+\.\d+\.\d+ \((commit [0-9a-f]{12}\+?, )?deno \d+\.\d+\.\d+, [\w-]+\)\n$/);
  const secret = await mtg(["generate-secret", "example.com"]);
  assertEquals([secret.code, secret.errors], [0, ""]);
  assertMatch(secret.out, /^7[A-Za-z0-9_-]{37}\n$/);
  const access = await mtg(["access", "-"], [], { input: configText("127.0.0.1:3128") });
  assertEquals([access.code, access.errors, JSON.parse(access.out).secret.base64], [0, "", tlsBase64]);
});

/** Those of an executable are what they are: binary_test.ts. */
const ignore = binary !== undefined;

Deno.test({ name: "mtg does name the permission that it lacks", ignore, fn: namesPermissions });

async function namesPermissions(): Promise<void> {
  const read = await mtg(["access", "config.toml"]);
  assertEquals([read.code, read.out], [2, ""]);
  assertEquals(
    read.errors,
    "mtg: cannot read config.toml: Deno was started without the permission for it, --allow-read\n",
  );
  const write = await mtg(["access", "-", "--qr", "a.png"], [], { input: configText("127.0.0.1:3128") });
  assertEquals([write.code, write.out], [1, ""]);
  assertEquals(
    write.errors,
    "mtg: cannot write a.png: Deno was started without the permission for it, --allow-write\n",
  );
}

Deno.test("mtg does read MTG_ variables where it may, and does without where it may not", async () => {
  const env = { MTG_PUBLIC_PORT: "4443" };
  const args = ["access", "-"];
  const input = configText("127.0.0.1:3128");
  const without: readonly [readonly string[], number][] = binary === undefined ? [[[], 3128]] : [];
  for (const [permissions, port] of [[["--allow-env=MTG_*"], 4443] as const, ...without]) {
    const { code, out, errors } = await mtg(args, permissions, { input, env });
    assertEquals([code, errors, JSON.parse(out).ipv4.port], [0, "", port]);
  }
});

Deno.test("mtg does write a QR code that only its user can read", async () => {
  const folder = makeSocketFolder();
  try {
    const file = `${folder}/a.svg`;
    const access = await mtg(["access", "-", "--qr", file], ["--allow-write"], { input: configText("127.0.0.1:3128") });
    assertEquals([access.code, access.errors], [0, ""]);
    assertStringIncludes(await Deno.readTextFile(file), "<svg ");
    if (Deno.build.os !== "windows") assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("mtg does say on standard error what is wrong", async () => {
  const { code, out, errors } = await mtg(["runn"]);
  assertEquals({ code, out, errors }, {
    code: 2,
    out: "",
    errors: 'mtg: unknown command "runn": the nearest known one is run\n',
  });
});
