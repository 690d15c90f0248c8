/** HAProxy and nginx in processes of their own, on loopback, their files in a directory that is gone afterwards. */
import { TempDir } from "../net/sockets.ts";

export type Program = "haproxy" | "nginx";

const startLimitMs = 10_000;
const pollMs = 20;
/** A port that was free may be taken by another test before the program has it. */
const attempts = 3;

/** What a configuration is made for: free ports, and a directory of its own. */
export interface Place {
  readonly ports: readonly number[];
  readonly dir: TempDir;
}

export interface Said {
  readonly ok: boolean;
  readonly text: string;
}

/** A running program. Disposing ends it. */
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
   * Started and listening.
   *
   * @param hostnames Where it is to listen: a free port is found at each.
   * @throws {Error} With what it says if it does not start.
   */
  static async start(
    program: Program,
    hostnames: readonly string[],
    configOf: (place: Place) => string,
  ): Promise<Router> {
    for (let attempt = 1;; attempt++) {
      const place = { ports: freePorts(hostnames), dir: new TempDir() };
      const router = new Router(commandOf(program, place.dir, configOf(place)).spawn(), place);
      const said = new Response(router.#child.stderr).text();
      if (await router.#isListening(program, hostnames)) return router;
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

  /** HAProxy's control socket answers once all others listen, and what is behind those sees no visitor. */
  async #isListening(program: Program, hostnames: readonly string[]): Promise<boolean> {
    let ended = false;
    this.#child.status.then(() => ended = true);
    const sockets = program === "haproxy"
      ? [{ transport: "unix", path: this.dir.at("control.sock") } as const]
      : hostnames.map((hostname, index) => ({ hostname, port: this.ports[index]! }));
    for (let waitedMs = 0; !ended && waitedMs < startLimitMs; waitedMs += pollMs) {
      const answers = await Promise.all(sockets.map(isOpen));
      if (answers.every(Boolean)) return true;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    return false;
  }
}

/** The program's own check of a configuration. */
export async function checkConfig(
  program: Program,
  configOf: (place: Place) => string,
  hostnames: readonly string[] = [],
): Promise<Said> {
  using dir = new TempDir();
  const config = configOf({ ports: freePorts(hostnames), dir });
  const { success, stderr } = await commandOf(program, dir, config, [program === "nginx" ? "-t" : "-c"]).output();
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
  const control = program === "haproxy" ? `global\n  stats socket ${dir.at("control.sock")}\n` : "";
  Deno.writeTextFileSync(file, control + config);
  const args = program === "haproxy"
    ? [...more, "-db", "-f", file]
    : [...more, "-e", "stderr", "-c", file, "-g", `daemon off; master_process off; pid ${dir.at("pid")};`];
  return new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "piped" });
}

async function isOpen(socket: Deno.ConnectOptions | Deno.UnixConnectOptions): Promise<boolean> {
  try {
    const conn = "path" in socket ? await Deno.connect(socket) : await Deno.connect(socket);
    conn.close();
    return true;
  } catch {
    return false;
  }
}

function freePorts(hostnames: readonly string[]): readonly number[] {
  const listeners = hostnames.map((hostname) => Deno.listen({ hostname, port: 0 }));
  for (const listener of listeners) listener.close();
  return listeners.map(({ addr }) => addr.port);
}
