/**
 * The executable alone: one file in an empty directory, with nothing around it, and with the permissions of the table and no
 * others. Left out where the sources are tested.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { stringify } from "@std/toml/stringify";
import { parseSecret } from "../../lib/policy/secret.ts";
import { writableOnly } from "../../lib/permissions.ts";
import { exists, TempDir } from "../net/sockets.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { Site, siteAuthority, siteName, sitePage } from "../support/fronted_site.ts";
import { callWithMtcute } from "../support/mtcute_client.ts";
import { MtprotoServer } from "../support/mtproto/server.ts";
import { Collected } from "../support/proxy_process.ts";
import { binary } from "../support/subject.ts";

const ignore = binary === undefined;
const ignoreStrace = ignore || !isInstalled("strace");
if (!ignore && ignoreStrace) {
  Deno.stderr.writeSync(new TextEncoder().encode("strace: not installed, the test with it is left out\n"));
}

/** A directory of its own with the executable in it, and no variable that it could take anything from. */
class Alone extends TempDir {
  readonly program: string;

  constructor() {
    super();
    this.program = this.at("mtg");
    Deno.copyFileSync(binary ?? "", this.program);
  }

  async mtg(...args: readonly string[]): Promise<{ code: number; out: string; errors: string }> {
    const { code, stdout, stderr } = await this.#command(this.program, args).output();
    const [out = "", errors = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, out, errors };
  }

  /** Serves by its `config.toml`; `before` is a program that starts it. */
  async serve<T>(use: (port: number) => Promise<T>, before: readonly string[] = []): Promise<T> {
    const [command = "", ...args] = [...before, this.program, "run", "config.toml"];
    await using child = this.#command(command, args).spawn();
    const [out, log] = [new Collected(child.stdout), new Collected(child.stderr)];
    const port = await out.first(/[?&]port=(\d+)/);
    if (port === undefined) throw new Error(log.text);
    const result = await use(Number(port));
    child.kill("SIGTERM");
    await Promise.all([child.status, out.done, log.done]);
    return result;
  }

  #command(command: string, args: readonly string[]): Deno.Command {
    const how = { cwd: this.path, clearEnv: true, env: { PATH: "/usr/bin:/bin" } };
    return new Deno.Command(command, { ...how, args: [...args], stdin: "null", stdout: "piped", stderr: "piped" });
  }
}

function isInstalled(tool: string): boolean {
  try {
    return new Deno.Command(tool, { args: ["-V"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** A configuration with a secret that the executable has made; gives the secret. */
async function configure(alone: Alone, dc: FakeDc, site: Site, workers: number): Promise<string> {
  const { code, out, errors } = await alone.mtg("generate-secret", siteName);
  assertEquals([code, errors], [0, ""]);
  const text = stringify({
    "secret": out.trim(),
    "bind-to": "127.0.0.1:0",
    "workers": workers,
    "grace": "1s",
    "domain-fronting": { ip: "127.0.0.1", port: site.port },
    "dc-overrides": { "2": [...dc.addresses] },
  });
  await Deno.writeTextFile(alone.at("config.toml"), text);
  assertEquals(parseSecret(out.trim()).host, siteName);
  return out.trim();
}

for (const workers of Deno.build.os === "linux" ? [1, 2] : [1]) {
  Deno.test({
    name: `one file serves a real client and strangers, with ${workers} workers, and leaves nothing behind`,
    ignore,
    fn: async () => {
      using alone = new Alone();
      const server = await MtprotoServer.create("AQ");
      await using dc = FakeDc.start({ mode: server.handler });
      await using site = Site.tls();
      const secret = await configure(alone, dc, site, workers);
      const order = { secret, dc: 2, publicPem: server.publicPem, timeoutMs: 20_000 };
      const [report, page] = await alone.serve(async (port) =>
        [await callWithMtcute({ ...order, port }), await pageAt(port)] as const
      );
      assertEquals(report.ok && [report.country, report.dc], ["AQ", 2]);
      assertStringIncludes(page, sitePage);
      const files = (await Array.fromAsync(Deno.readDir(alone.path))).map(({ name }) => name);
      assertEquals(files.sort(), ["config.toml", "mtg"]);
    },
  });
}

async function pageAt(port: number): Promise<string> {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  using tls = await Deno.startTls(tcp, { hostname: siteName, caCerts: [siteAuthority] });
  await tls.write(new TextEncoder().encode(`GET / HTTP/1.1\r\nhost: ${siteName}\r\nconnection: close\r\n\r\n`));
  const decoder = new TextDecoder();
  const part = new Uint8Array(16_384);
  let text = "";
  while (!text.includes(sitePage)) {
    const count = await tls.read(part);
    if (count === null) break;
    text += decoder.decode(part.subarray(0, count), { stream: true });
  }
  return text;
}

Deno.test({
  name: "an executable does not read /proc, nor asks whether it may",
  ignore: ignore || Deno.build.os !== "linux",
  fn: async () => {
    using alone = new Alone();
    for (const file of ["/proc/self/status", "/proc/self/environ", "/sys/kernel/mm/transparent_hugepage/enabled"]) {
      const { code, out, errors } = await alone.mtg("run", file);
      assertEquals([code, out], [2, ""]);
      assertMatch(errors, new RegExp(`^mtg: cannot read ${file}: Deno lets no program read that`));
    }
  },
});

Deno.test({
  name: "an executable does write in its directories only",
  ignore,
  fn: async () => {
    using alone = new Alone();
    await Deno.writeTextFile(alone.at("config.toml"), `secret = "${"dd".repeat(17)}"\nbind-to = "127.0.0.1:3128"\n`);
    const refused = await alone.mtg("access", "config.toml", "--qr", "elsewhere.svg");
    assertEquals(refused, { code: 1, out: "", errors: `mtg: cannot write elsewhere.svg: ${writableOnly}\n` });
    assert(!exists(alone.at("elsewhere.svg")));
    await Deno.mkdir(alone.at("mtg-data"));
    const { code, errors } = await alone.mtg("access", "config.toml", "--qr", "mtg-data/link.svg");
    assertEquals([code, errors], [0, ""]);
    assertStringIncludes(await Deno.readTextFile(alone.at("mtg-data/link.svg")), "<svg ");
  },
});

Deno.test({
  name: "an executable does not listen on sockets elsewhere, and says where it would",
  ignore,
  fn: async () => {
    using alone = new Alone();
    const path = alone.at("mtg.sock");
    await Deno.writeTextFile(alone.at("config.toml"), `secret = "${"dd".repeat(17)}"\nbind-to = "unix:${path}"\n`);
    for (const command of [["run"], ["config", "check"]]) {
      const { code, out, errors } = await alone.mtg(...command, "config.toml");
      assertEquals([code, out], [2, ""]);
      assertEquals(errors, `mtg: config.toml:2: bind-to = "unix:${path}": ${writableOnly}\n`);
    }
    const simple = await alone.mtg("simple-run", `unix:${path}`, "dd".repeat(17));
    assertEquals([simple.code, simple.errors.includes(writableOnly), exists(path)], [2, true, false]);
  },
});

Deno.test({
  name: "an executable takes no permission from its command line",
  ignore,
  fn: async () => {
    using alone = new Alone();
    for (const flag of ["--allow-all", "--allow-run", "-A"]) {
      const { code, out, errors } = await alone.mtg(flag, "run", "/proc/self/status");
      assertEquals([code, out], [2, ""]);
      assertMatch(errors, /^mtg: unknown flag -/);
    }
  },
});

/** What a runtime opens by itself: libraries, the time zone, randomness, and how much memory and processor there is. */
const ownFiles = [
  /^\/etc\/(ld\.so\.(cache|preload)|localtime)$/,
  /^\/usr\/share\/zoneinfo\//,
  /^(\/usr)?\/lib(64)?\/.*\.so[.\d]*$/,
  /^\/dev\/u?random$/,
  /^\/proc\/(meminfo|cpuinfo|stat|self\/(cgroup|maps|mountinfo|exe|auxv)|sys\/vm\/overcommit_memory)$/,
  /^\/sys\/(devices\/system\/cpu|fs\/cgroup|kernel\/mm\/transparent_hugepage)\//,
];

Deno.test({
  name: "strace sees no file opened but the configuration, itself and what the runtime opens, and no program started",
  ignore: ignoreStrace,
  fn: async () => {
    using alone = new Alone();
    const server = await MtprotoServer.create("AQ");
    await using dc = FakeDc.start({ mode: server.handler });
    await using site = Site.tls();
    const secret = await configure(alone, dc, site, 2);
    using log = new TempDir();
    const trace = log.at("calls");
    const order = { secret, dc: 2, publicPem: server.publicPem, timeoutMs: 20_000 };
    const calls = "trace=open,openat,openat2,creat,execve,execveat";
    const report = await alone.serve(
      (port) => callWithMtcute({ ...order, port }),
      ["strace", "-D", "-f", "-qq", "-I1", "-e", calls, "-o", trace],
    );
    assertEquals(report.ok, true);
    const lines = (await Deno.readTextFile(trace)).split("\n").filter((line) => !line.includes("ENOENT"));
    const started = lines.filter((line) => /\bexecve(at)?\(/.test(line));
    assertEquals(started.length, 1, started.join("\n"));
    const opened = new Set(lines.flatMap((line) => /\b(?:open\w*|creat)\([^"]*"([^"]*)"/.exec(line)?.[1] ?? []));
    const own = [alone.program, "./mtg", alone.at("config.toml")];
    const others = [...opened].filter((path) => !own.includes(path) && !ownFiles.some((known) => known.test(path)));
    assertEquals(others, []);
    assert(opened.has(alone.at("config.toml")));
  },
});
