/** A machine to install on, in a temporary directory: programs that stand in for those of the system, and a release on loopback. */
import { encodeHex } from "../../lib/bytes/encoding.ts";

const script = new URL("../../scripts/install.sh", import.meta.url).pathname;
const serviceFiles = new URL("../../scripts/service/", import.meta.url).pathname;

/** What the script did and said. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface StandIn {
  readonly version: string;
  /** Whether the service runs with it; it does. */
  readonly runs?: boolean;
  /** Whether it answers, when it runs; it does. */
  readonly serves?: boolean;
  /** Whether it takes the configuration that is there; it does. */
  readonly takesConfig?: boolean;
}

/** The secret that a stand-in generates. */
export const standInSecret = "7gARIjNEVWZ3iJmqu8zd7v93d3cuZXhhbXBsZS5jb20";
export const link = "tg://proxy?server=192.0.2.1&port=443&secret=7gAR";

const enterChroot = `
layers=$(mktemp -d) && mount -t tmpfs tmpfs "$layers" && cd "$layers" && mkdir up work all
mount -t overlay overlay -o lowerdir=/,upperdir=up,workdir=work all
mkdir -p all/rig all/run/systemd/system && mount --bind "$1" all/rig
mount --rbind /proc all/proc && mount --rbind /dev all/dev
chroot all sh -e /rig/commands`;

/** Whether `inChroot()` is possible: it needs root, and a kernel that lets it mount. */
export async function canChroot(): Promise<boolean> {
  const rig = await InstallRig.start();
  try {
    return (await rig.inChroot("exit 7")).code === 7;
  } catch {
    return false;
  } finally {
    await rig[Symbol.asyncDispose]();
  }
}

export class InstallRig implements AsyncDisposable {
  readonly directory: string;
  /** What stands for `/`. */
  readonly root: string;
  readonly #files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(directory: string) {
    this.directory = directory;
    this.root = `${directory}/root`;
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      const path = new URL(request.url).pathname.slice(1);
      if (path.startsWith("redirect/")) return Response.redirect(`${this.baseUrl}/${path.slice("redirect/".length)}`);
      const body = this.#files.get(path);
      return body === undefined ? new Response("no such file", { status: 404 }) : new Response(body);
    });
  }

  static async start(): Promise<InstallRig> {
    const rig = new InstallRig(await Deno.makeTempDir({ prefix: "mtg-install-" }));
    await Deno.mkdir(`${rig.directory}/bin`);
    await Deno.mkdir(`${rig.root}/run/systemd/system`, { recursive: true });
    await rig.command("uname", `case $1 in -s) echo Linux ;; -m) echo x86_64 ;; esac`);
    await rig.command("getconf", `echo 64`);
    await rig.command("ldd", `echo "ldd (GNU libc) 2.27"`);
    await rig.command("getent", `exit 2`);
    await rig.command("id", `if [ "$1" = -u ]; then echo 0; else exit 1; fi`);
    for (const name of ["groupadd", "useradd", "groupdel", "userdel", "chgrp", "rc-update"]) {
      await rig.command(name, `echo "${name} $*" >>"$RIG/calls"`);
    }
    await rig.command("ufw", "exit 0");
    // Between two looks at the service.
    await rig.command("sleep", `[ "$1" != 1 ] || set -- 0.1\nexec ${pathOf("sleep")} "$@"`);
    await rig.command("journalctl", `echo "the last words of mtg"`);
    const version = 'if [ "$1" = --version ]; then echo "systemd ${SYSTEMD:-252} (252.39-1)"; exit; fi';
    await rig.command("systemctl", `${version}\n${service("systemctl", "$1", `[ "$1" != is-active ]`)}`);
    await rig.command("rc-service", service("rc-service", "$2", `[ "$2" != status ]`));
    return rig;
  }

  /** A program that comes before the system's own. */
  async command(name: string, body: string): Promise<void> {
    await writeProgram(`${this.directory}/bin/${name}`, body);
  }

  get script(): string {
    return script;
  }

  /** `${baseUrl}/redirect` leads to the same by http. */
  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** One that somebody listens on. */
  get port(): number {
    return this.#server.addr.port;
  }

  /** Puts a release with `program` in the place of the one that was served. */
  async release(version: string, program: string, { sums }: { readonly sums?: string } = {}): Promise<void> {
    this.#files.clear();
    const text = new TextEncoder();
    for (const name of ["mtg.service", "mtg.openrc"]) {
      this.#files.set(name, await Deno.readFile(serviceFiles + name));
    }
    this.#files.set(`mtg-${version}-aarch64-unknown-linux-gnu`, text.encode("not for this machine"));
    this.#files.set(`mtg-${version}-x86_64-unknown-linux-gnu`, text.encode(program));
    const lines = [...this.#files].map(async ([name, bytes]) =>
      `${encodeHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)))}  ${name}\n`
    );
    this.#files.set("SHA256SUMS", text.encode(sums ?? (await Promise.all(lines)).join("")));
  }

  /** A release whose program records its calls, and listens nowhere. */
  async releaseStandIn(standIn: StandIn): Promise<void> {
    const { version, runs = true, serves = true, takesConfig = true } = standIn;
    await this.release(
      version,
      `#!/bin/sh
echo "mtg-${version} $*" >>"$RIG/calls"
case "$1 $2" in
  "generate-secret --kind") echo 3QARIjNEVWZ3iJmqu8zd7v8 ;;
  "generate-secret "*) echo ${standInSecret} ;;
  "config check") echo 'bind-to = ["127.0.0.1:${this.port}"]   # config.toml:3' && exit ${takesConfig ? 0 : 2} ;;
  "access "*) printf '    "tg_url": "%s",\\n' '${link}' ;;
  "healthcheck "*) ${serves ? "echo serving" : "echo 'mtg: nobody answers' >&2 && exit 1"} ;;
  "doctor "*) echo "doctor was here" ;;
  "run "*) exit ${runs ? 0 : 1} ;;
esac
`,
    );
  }

  /** Runs the script with `--root`; `options` come after what every run has. */
  async install(
    options: readonly string[],
    { env = {}, input = "", shell = "sh", signal }: {
      env?: Record<string, string>;
      input?: string;
      shell?: string;
      /** Sent once `after` was called. */
      signal?: { readonly name: Deno.Signal; readonly after: string };
    } = {},
  ): Promise<Outcome> {
    const child = new Deno.Command(shell, {
      args: [script, "--root", this.root, "--base-url", this.baseUrl, "--wait", "1", ...options],
      env: { ...this.env, ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    // It may have ended without reading.
    await writer.write(new TextEncoder().encode(input)).catch(() => {});
    await writer.close().catch(() => {});
    const ended = child.output();
    if (signal !== undefined) {
      while (!(await readOr(`${this.directory}/calls`, "")).includes(signal.after)) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      child.kill(signal.name);
    }
    const { code, stdout, stderr } = await ended;
    return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
  }

  /**
   * Runs `commands` by a shell in a chroot that has all of this machine and forgets what was changed, with this rig in /rig and
   * the script in /rig/install.sh. Only systemd is stood in for.
   */
  async inChroot(commands: string): Promise<Outcome> {
    await Deno.mkdir(`${this.directory}/few`, { recursive: true });
    await Deno.copyFile(`${this.directory}/bin/systemctl`, `${this.directory}/few/systemctl`);
    await Deno.copyFile(script, `${this.directory}/install.sh`);
    await Deno.writeTextFile(`${this.directory}/commands`, commands);
    const { code, stdout, stderr } = await new Deno.Command("unshare", {
      args: ["--mount", "sh", "-ec", enterChroot, "sh", this.directory],
      env: { PATH: `/rig/few:${Deno.env.get("PATH")}`, RIG: "/rig", ROOT: "", MTG_BASE_URL: this.baseUrl },
      stdin: "null",
    }).output();
    return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
  }

  get env(): Record<string, string> {
    return { PATH: `${this.directory}/bin:${Deno.env.get("PATH")}`, RIG: this.directory, ROOT: this.root };
  }

  /** What was called since the last time. */
  async calls(): Promise<string> {
    const file = `${this.directory}/calls`;
    const text = await readOr(file, "");
    await Deno.writeTextFile(file, "");
    return text;
  }

  read(path: string): Promise<string> {
    return Deno.readTextFile(`${this.root}${path}`);
  }

  /** All files, with what is in them. */
  async files(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for await (const path of walk(this.root)) found[path.slice(this.root.length)] = await Deno.readTextFile(path);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pid = Number(await readOr(`${this.directory}/pid`, ""));
    if (pid > 0) await endProcess(pid);
    await this.#server.shutdown();
    await Deno.remove(this.directory, { recursive: true });
  }
}

/** Where the system has `program`. */
export function pathOf(program: string): string | undefined {
  return (Deno.env.get("PATH") ?? "").split(":").map((directory) => `${directory}/${program}`).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

export async function writeProgram(path: string, body: string): Promise<void> {
  await Deno.writeTextFile(path, `#!/bin/sh\n${body}\n`);
  await Deno.chmod(path, 0o755);
}

/**
 * A service manager: what is told to start is started and must end well, or, with `$SERVE`, goes on in the background. It is
 * active from then on, or as long as it runs. It fails to do `$FAIL`. What `isRecorded` is false for is asked too often to be
 * recorded.
 */
function service(name: string, verb: string, isRecorded: string): string {
  return `
if ${isRecorded}; then echo "${name} $*" >>"$RIG/calls"; fi
[ "${verb}" != "$FAIL" ] || exit 1
case "${verb}" in
  restart)
    rm -f "$RIG/active"
    [ ! -e "$RIG/pid" ] || { kill "$(cat "$RIG/pid")"; sleep 0.5; }
    if [ -n "$SERVE" ]; then
      "$ROOT\${PROGRAM:-/usr/local/bin/mtg}" run --no-links "$ROOT/etc/mtg/config.toml" </dev/null >"$RIG/log" 2>&1 &
      echo $! >"$RIG/pid"
    else
      "$ROOT\${PROGRAM:-/usr/local/bin/mtg}" run --no-links /etc/mtg/config.toml && : >"$RIG/active"
    fi
    ;;
  is-active | status) if [ -n "$SERVE" ]; then kill -0 "$(cat "$RIG/pid")" 2>/dev/null; else [ -e "$RIG/active" ]; fi ;;
  disable | stop) rm -f "$RIG/active" ;;
esac`;
}

async function endProcess(pid: number): Promise<void> {
  for (let looks = 0; looks < 100; looks++) {
    try {
      Deno.kill(pid, "SIGTERM");
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function readOr(path: string, otherwise: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return otherwise;
    throw error;
  }
}

async function* walk(directory: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    if (isDirectory) yield* walk(`${directory}/${name}`);
    else yield `${directory}/${name}`;
  }
}
