/** `mtg check` as people start it. */
import { assertEquals, assertMatch } from "@std/assert";
import { mtgCommand } from "../support/subject.ts";
import { linkTo, otherSecret, startTelegram } from "./check_rig.ts";
import { LoopbackProxy } from "./loopback_proxy.ts";

const root = new URL("../../", import.meta.url);

async function run(
  program: string,
  ...args: readonly string[]
): Promise<{ code: number; out: string; errors: string }> {
  const command = new Deno.Command(program, { args: [...args], cwd: root, stdout: "piped", stderr: "piped" });
  const { code, stdout, stderr } = await command.output();
  const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out!, errors: errors! };
}

const check = (...args: readonly string[]) => run(...mtgCommand(["check", ...args], ["--allow-net"]));

Deno.test("mtg check needs no permission but that for the network, and shows what it does", async () => {
  await using dc = await startTelegram();
  await using proxy = await LoopbackProxy.start({ dc });
  const { code, out, errors } = await check(linkTo(proxy.port, proxy.secret));
  assertEquals({ code, errors }, { code: 0, errors: "" });
  assertMatch(
    out,
    new RegExp(
      `^Checking the proxy at 127\\.0\\.0\\.1:${proxy.port}, which looks like front\\.test\\.

✅ name +\\d.*
✅ TCP +\\d.*
✅ fake TLS +\\d.* ms  the proxy knows the secret; .*
✅ Telegram +\\d.* ms  data centre 2 answers through the proxy
✅ clock +the clock of this machine is right, by Telegram

The proxy works from this machine\\.
$`,
    ),
  );
});

Deno.test("mtg check fails where the proxy does, and where the link is none", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const refused = await check(linkTo(port, otherSecret()));
  assertEquals([refused.code, refused.errors], [1, ""]);
  assertMatch(refused.out, /❌ TCP .* refuses connections\n +Why: .*/);
  const wrong = await check("https://example.com/");
  assertEquals([wrong.code, wrong.out], [2, ""]);
});

Deno.test("mtg check loads neither proxy nor daemon", async () => {
  const { code, out } = await run(Deno.execPath(), "info", "--json", "lib/cli/check_here.ts");
  assertEquals(code, 0);
  const { modules } = JSON.parse(out) as { modules: readonly { specifier: string; dependencies?: unknown[] }[] };
  const rooms = new Set(modules.map(({ specifier }) => /\/lib\/([a-z]+)\//.exec(specifier)?.[1]));
  assertEquals(["proxy", "thread", "workers", "daemon", "doctor", "metrics"].filter((room) => rooms.has(room)), []);
  assertEquals(rooms.has("probe"), true);
});
