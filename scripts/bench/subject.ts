/** What is measured: a proxy started as a process of its own, given by its command line. */
import { descendantsOf, type Usage, usageOf } from "./proc.ts";

const startWithinMs = 20_000;
const endWithinMs = 2000;
const pollMs = 50;
const complaintSize = 2000;
const portRange = { first: 20_000, count: 10_000 } as const;
const portAttempts = 100;

/** How clients talk to a subject: as to an MTProto proxy, or through it as through a wire. */
export type Speech = "fake-tls" | "plain";

/** A subject that is not running yet. */
export interface SubjectSpec {
  readonly name: string;
  readonly speech: Speech;
  /** Words with `{bind}`, `{port}`, `{secret}`, `{dc}` and `{dc-port}` in them; none: the load goes to the DC itself. */
  readonly command: readonly string[];
}

/** The secret of the run. */
export interface BenchSecret {
  /** 16 bytes in hex. */
  readonly key: string;
  readonly host: string;
}

/** The secret as it stands in links: `ee`, key and host in hex. */
export function secretText({ key, host }: BenchSecret): string {
  return `ee${key}${new TextEncoder().encode(host).toHex()}`;
}

/** The words of a command line; quotes of either kind keep spaces together. */
export function splitCommand(text: string): string[] {
  return Array.from(
    text.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g),
    ([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );
}

/** A subject did not start, or ended by itself; the message says which and why. */
export class SubjectGone extends Error {
  override readonly name = "SubjectGone";
}

/** A running subject. */
export class Subject implements AsyncDisposable {
  readonly spec: SubjectSpec;
  /** Where it listens on 127.0.0.1. */
  readonly port: number;
  readonly #child: Deno.ChildProcess | undefined;
  readonly #complaints: () => string;

  private constructor(spec: SubjectSpec, port: number, child: Deno.ChildProcess | undefined) {
    this.spec = spec;
    this.port = port;
    this.#child = child;
    this.#complaints = child === undefined ? () => "" : complaintsOf(child);
  }

  /** Starts it in front of the DC at `dcPort`. @throws {SubjectGone} If it does not listen in time. */
  static async start(spec: SubjectSpec, dcPort: number, secret: BenchSecret): Promise<Subject> {
    if (spec.command.length === 0) return new Subject(spec, dcPort, undefined);
    const port = freePort();
    const values: Readonly<Record<string, string>> = {
      bind: `127.0.0.1:${port}`,
      port: String(port),
      secret: secretText(secret),
      dc: `127.0.0.1:${dcPort}`,
      "dc-port": String(dcPort),
    };
    const [program, ...args] = spec.command.map((word) =>
      word.replace(/\{([a-z-]+)\}/g, (whole, name: string) => values[name] ?? whole)
    );
    const subject = new Subject(spec, port, spawn(spec.name, program ?? "", args));
    await subject.#listening();
    return subject;
  }

  /** Its cost so far; NaN for the bare data centre. @throws {SubjectGone} */
  usage(): Usage {
    if (this.#child === undefined) return { cpuSeconds: NaN, residentBytes: NaN };
    try {
      return usageOf(this.#child.pid);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new SubjectGone(`${this.spec.name} ended by itself: ${this.#complaints().trim()}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const family = [child.pid, ...descendantsOf(child.pid)];
    signal(child.pid, "SIGTERM");
    const timer = setTimeout(() => family.forEach((pid) => signal(pid, "SIGKILL")), endWithinMs);
    await child.status;
    clearTimeout(timer);
  }

  async #listening(): Promise<void> {
    let ended = false;
    void this.#child?.status.then(() => ended = true);
    const deadline = performance.now() + startWithinMs;
    while (!ended && performance.now() < deadline) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: this.port })).close();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    }
    await this[Symbol.asyncDispose]();
    throw new SubjectGone(`${this.spec.name} ${ended ? "ended" : "does not listen"}: ${this.#complaints().trim()}`);
  }
}

function spawn(name: string, program: string, args: string[]): Deno.ChildProcess {
  try {
    return new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
  } catch (error) {
    throw new SubjectGone(`${name} cannot be started: ${error instanceof Error ? error.message : error}`);
  }
}

/** Reads the standard error of `child` to its end and gives what came last. */
function complaintsOf(child: Deno.ChildProcess): () => string {
  let tail = "";
  void child.stderr.pipeThrough(new TextDecoderStream()).pipeTo(
    new WritableStream({
      write(text) {
        tail = (tail + text).slice(-complaintSize);
      },
    }),
  );
  return () => tail;
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

/** A free port below those that the kernel gives to outgoing connections, so that none of them takes it first. */
function freePort(): number {
  for (let attempt = 0; attempt < portAttempts; attempt++) {
    const port = portRange.first + Math.floor(Math.random() * portRange.count);
    try {
      using _listener = Deno.listen({ hostname: "127.0.0.1", port });
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`No free port found among ${portRange.count}`);
}
