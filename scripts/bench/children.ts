/** The benchmark's own processes: the load generator and the stand-in data centre. */
import type { DcReport } from "./dc.ts";
import { goOn, type Job, type LoadEvent, type LoadResult } from "./job.ts";
import { lines } from "./lines.ts";

const faultsKept = 20;

/** Starts a script of this directory with pipes to its standard input and output. */
function spawnScript(script: string, ...args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-net", new URL(script, import.meta.url).pathname, ...args],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
}

/** The stand-in data centre. */
export class DcProcess implements AsyncDisposable {
  /** Where it listens on 127.0.0.1. */
  readonly ports: readonly number[];
  /** The first complaints about broken streams, and the port at which they arose. */
  readonly faults: { readonly fault: string; readonly port: number }[] = [];
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, reports: AsyncGenerator<string>, ports: readonly number[]) {
    this.#child = child;
    this.ports = ports;
    void this.#collect(reports);
  }

  /** Starts one with so many ports. */
  static async start(ports: number): Promise<DcProcess> {
    const child = spawnScript("dc.ts", String(ports));
    const reports = lines(child.stdout);
    const first: DcReport = JSON.parse((await reports.next()).value ?? "{}");
    if (!("ports" in first)) throw new Error("The stand-in data centre did not start");
    return new DcProcess(child, reports, first.ports);
  }

  get pid(): number {
    return this.#child.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endChild(this.#child);
  }

  async #collect(reports: AsyncGenerator<string>): Promise<void> {
    for await (const line of reports) {
      const report: DcReport = JSON.parse(line);
      if ("fault" in report && this.faults.length < faultsKept) this.faults.push(report);
    }
  }
}

/** The load generator. One job at a time. */
export class LoaderProcess implements AsyncDisposable {
  readonly #child = spawnScript("loader.ts");
  readonly #events = lines(this.#child.stdout);
  readonly #input = this.#child.stdin.getWriter();

  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Runs a job; it stands still while `onPause` runs, which is called for "ready" and "up".
   *
   * @throws {LoadTimeout} If the job takes longer than `limitMs`; the process is of no more use then.
   */
  async run(job: Job, limitMs: number, onPause: (event: "ready" | "up") => Promise<void>): Promise<LoadResult> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), limitMs);
    try {
      await this.#tell(JSON.stringify(job));
      for (let line = await this.#events.next(); !line.done; line = await this.#events.next()) {
        const event: LoadEvent = JSON.parse(line.value);
        if (event.event === "done") return event.result;
        await onPause(event.event);
        await this.#tell(goOn);
      }
      throw new LoadTimeout(`The load did not end within ${limitMs} ms`);
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await endChild(this.#child);
  }

  async #tell(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(line + "\n"));
  }
}

/** The load generator had to be stopped from outside. */
export class LoadTimeout extends Error {
  override readonly name = "LoadTimeout";
}

async function endChild(child: Deno.ChildProcess): Promise<void> {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
  await child.status;
}
