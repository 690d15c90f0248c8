/** HAProxy in a process of its own, on loopback, its files in a directory that is gone afterwards. */
import { TempDir } from "../net/sockets.ts";

const startLimitMs = 10_000;
const pollMs = 20;
/** A port that was free may be taken by another test before HAProxy has it. */
const attempts = 3;

/** A listening socket of HAProxy, and where it leads. */
export interface Passage {
  /** 127.0.0.1 by default. */
  readonly hostname?: string;
  /** On the listening side, such as `accept-proxy`. */
  readonly bindOptions?: string;
  /** On 127.0.0.1. */
  readonly toPort: number;
  /** On the other side, such as `send-proxy`. */
  readonly serverOptions?: string;
}

export async function isHaProxyInstalled(): Promise<boolean> {
  try {
    return (await new Deno.Command("haproxy", { args: ["-v"], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

/** Disposing ends it. */
export class HaProxy implements AsyncDisposable {
  /** Where its passages listen, in their order. */
  readonly ports: readonly number[];
  readonly #child: Deno.ChildProcess;
  readonly #dir: TempDir;

  private constructor(child: Deno.ChildProcess, dir: TempDir, ports: readonly number[]) {
    this.#child = child;
    this.#dir = dir;
    this.ports = ports;
  }

  /** Started and listening. @throws {Error} With what it says if it does not start. */
  static async start(...passages: readonly Passage[]): Promise<HaProxy> {
    for (let attempt = 1;; attempt++) {
      const ports = freePorts(passages);
      const dir = new TempDir();
      Deno.writeTextFileSync(dir.at("haproxy.cfg"), configOf(passages, ports, dir));
      const child = new Deno.Command("haproxy", {
        args: ["-db", "-f", dir.at("haproxy.cfg")],
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const haproxy = new HaProxy(child, dir, ports);
      const said = new Response(child.stderr).text();
      if (await haproxy.#isListening()) return haproxy;
      await haproxy[Symbol.asyncDispose]();
      if (attempt === attempts) throw new Error(`HAProxy does not start: ${await said}`);
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
    this.#dir[Symbol.dispose]();
  }

  /** Its control socket answers once all others listen. */
  async #isListening(): Promise<boolean> {
    let ended = false;
    this.#child.status.then(() => ended = true);
    for (let waitedMs = 0; !ended && waitedMs < startLimitMs; waitedMs += pollMs) {
      try {
        (await Deno.connect({ transport: "unix", path: this.#dir.at("control.sock") })).close();
        return true;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    }
    return false;
  }
}

function freePorts(passages: readonly Passage[]): readonly number[] {
  const listeners = passages.map(({ hostname = "127.0.0.1" }) => Deno.listen({ hostname, port: 0 }));
  for (const listener of listeners) listener.close();
  return listeners.map(({ addr }) => addr.port);
}

function configOf(passages: readonly Passage[], ports: readonly number[], dir: TempDir): string {
  const sections = passages.map(({ hostname = "127.0.0.1", bindOptions = "", toPort, serverOptions = "" }, index) => `
listen passage${index}
  bind ${hostname}:${ports[index]} ${bindOptions}
  server there 127.0.0.1:${toPort} ${serverOptions}`);
  return `
global
  stats socket ${dir.at("control.sock")}
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
${sections.join("\n")}
`;
}
