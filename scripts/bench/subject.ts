/** What is measured: a proxy started as a process of its own, given by its command line. */
import type { SubjectSpec } from "./peers.ts";
import { descendantsOf, type Usage, usageOf } from "./proc.ts";
import { type BenchSecret, fill, placeholdersOf } from "./template.ts";

const startWithinMs = 20_000;
const endWithinMs = 2000;
const pollMs = 50;
const complaintSize = 2000;
const portRange = { first: 20_000, count: 10_000 } as const;
const portAttempts = 100;

/** A subject did not start, or ended by itself; the message says which and why. */
export class SubjectGone extends Error {
  override readonly name = "SubjectGone";
}

/** A running subject. */
export class Subject implements AsyncDisposable {
  readonly spec: SubjectSpec;
  /** Where clients find it. */
  readonly address: { readonly hostname: string; readonly port: number };
  readonly #child: Deno.ChildProcess | undefined;
  readonly #directory: string | undefined;
  readonly #complaints: () => string;

  private constructor(spec: SubjectSpec, address: Subject["address"], child?: Deno.ChildProcess, directory?: string) {
    this.spec = spec;
    this.address = address;
    this.#child = child;
    this.#directory = directory;
    this.#complaints = child === undefined ? () => "" : complaintsOf(child);
  }

  /** Starts it in front of the data centre at `dc`, `HOST:PORT`. @throws {SubjectGone} If it does not listen in time. */
  static async start(spec: SubjectSpec, dc: string, secret: BenchSecret): Promise<Subject> {
    const port = freePort();
    const values = placeholdersOf(port, dc, secret);
    if (spec.command.length === 0) {
      return new Subject(spec, { hostname: values["dc-host"] ?? "", port: Number(values["dc-port"]) });
    }
    const directory = await Deno.makeTempDir({ prefix: `bench-${spec.name}-` });
    if (spec.config !== undefined) {
      values["config"] = `${directory}/config`;
      await Deno.writeTextFile(values["config"], fill(spec.config, values));
    }
    const [program = "", ...args] = spec.command.map((word) => fill(word, values));
    const child = spawn(spec.name, program, { args, cwd: directory });
    const subject = new Subject(spec, { hostname: "127.0.0.1", port }, child, directory);
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
    if (this.#directory !== undefined) await Deno.remove(this.#directory, { recursive: true }).catch(() => {});
  }

  async #listening(): Promise<void> {
    let ended = false;
    void this.#child?.status.then(() => ended = true);
    const deadline = performance.now() + startWithinMs;
    while (!ended && performance.now() < deadline) {
      try {
        (await Deno.connect(this.address)).close();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, pollMs));
      }
    }
    await this[Symbol.asyncDispose]();
    throw new SubjectGone(`${this.spec.name} ${ended ? "ended" : "does not listen"}: ${this.#complaints().trim()}`);
  }
}

/** Relative programs are found from where the benchmark was started, though they run in a directory of their own. */
function spawn(name: string, program: string, options: Deno.CommandOptions): Deno.ChildProcess {
  const path = program.startsWith(".") ? `${Deno.cwd()}/${program}` : program;
  try {
    return new Deno.Command(path, { ...options, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
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

/** A free port that the kernel does not give to outgoing connections, so that none of them takes it first. */
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
