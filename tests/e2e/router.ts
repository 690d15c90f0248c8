/** HAProxy and nginx with a configuration from README.md, on loopback, their files in a directory that is gone afterwards. */
import { TempDir } from "../net/sockets.ts";

export type Program = "haproxy" | "nginx";

const startLimitMs = 10_000;
const pollMs = 20;
/** A port that was free may be taken by another test before the program has it. */
const attempts = 3;

/** What a configuration is made for: free ports of 127.0.0.1, and a directory of its own. */
export interface Place {
  readonly ports: readonly number[];
  readonly dir: TempDir;
}

export interface Said {
  readonly ok: boolean;
  readonly text: string;
}

/** A running router, or web server. Disposing ends it. */
export class Router implements AsyncDisposable {
  readonly ports: readonly number[];
  readonly dir: TempDir;
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, { ports, dir }: Place) {
    this.#child = child;
    this.ports = ports;
    this.dir = dir;
  }

  /**
   * Started and listening on as many ports as are asked for.
   *
   * @throws {Error} With what it says if it does not start.
   */
  static async start(program: Program, ports: number, configOf: (place: Place) => string): Promise<Router> {
    for (let attempt = 1;; attempt++) {
      const place = { ports: freePorts(ports), dir: new TempDir() };
      const child = commandOf(program, place.dir, configOf(place)).spawn();
      const router = new Router(child, place);
      const said = new Response(child.stderr).text();
      if (await router.#isListening()) return router;
      await router[Symbol.asyncDispose]();
      if (attempt === attempts) throw new Error(`${program} does not start: ${await said}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It may have ended by itself.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.#child.status;
    this.dir[Symbol.dispose]();
  }

  async #isListening(): Promise<boolean> {
    let ended = false;
    this.#child.status.then(() => ended = true);
    const open = new Set(this.ports);
    for (let waitedMs = 0; !ended && waitedMs < startLimitMs; waitedMs += pollMs) {
      for (const port of open) if (await isOpen(port)) open.delete(port);
      // One whose port is another's by now has ended, or is about to.
      if (open.size === 0) return !ended;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    return false;
  }
}

/** The program's own check of a configuration. */
export async function checkConfig(program: Program, configOf: (place: Place) => string, ports = 0): Promise<Said> {
  using dir = new TempDir();
  const command = commandOf(program, dir, configOf({ ports: freePorts(ports), dir }), [
    program === "nginx" ? "-t" : "-c",
  ]);
  const { success, stderr } = await command.output();
  return { ok: success, text: new TextDecoder().decode(stderr) };
}

/** What keeps this machine from running the program; `undefined` if nothing does. */
export async function whatIsMissing(program: Program): Promise<string | undefined> {
  const least = ({ dir }: Place) =>
    program === "haproxy"
      ? `frontend any\n mode tcp\n timeout client 1s\n bind unix@${dir.at("socket")}\n`
      : `include /etc/nginx/modules-enabled/*.conf; events {}
        stream { server { listen unix:${dir.at("socket")}; ssl_preread on; proxy_pass unix:${dir.at("other")}; } }`;
  try {
    const { ok, text } = await checkConfig(program, least);
    return ok ? undefined : text;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "not installed";
    throw error;
  }
}

/** nginx in one process, so that ending that one ends it all. */
function commandOf(program: Program, dir: TempDir, config: string, more: readonly string[] = []): Deno.Command {
  const file = dir.at(`${program}.conf`);
  Deno.writeTextFileSync(file, config);
  const args = program === "haproxy"
    ? [...more, "-db", "-f", file]
    : [...more, "-e", "stderr", "-c", file, "-g", `daemon off; master_process off; pid ${dir.at("pid")};`];
  return new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "piped" });
}

async function isOpen(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

function freePorts(count: number): readonly number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  for (const listener of listeners) listener.close();
  return listeners.map(({ addr }) => addr.port);
}
