/** The benchmark's own processes: the load generator and the stand-in data centre. */
import type { DcReport } from "./dc.ts";
import { goOn, type Job, type LoadEvent, type LoadPause, type LoadResult } from "./job.ts";
import { lines } from "./lines.ts";
import { dcAddresses } from "./namespace.ts";
import type { Place } from "./place.ts";

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
  /** The first complaints about broken streams, and who was under load when they came. */
  readonly faults: { readonly fault: string; readonly subject: string }[] = [];
  /** Who is under load. */
  subject = "";
  readonly #addresses: readonly string[];
  readonly #child: Deno.ChildProcess;

  private constructor(child: Deno.ChildProcess, reports: AsyncGenerator<string>, addresses: readonly string[]) {
    this.#child = child;
    this.#addresses = addresses;
    void this.#collect(reports);
  }

  /** Starts one: at Telegram's addresses, or with a port of 127.0.0.1 for each of so many subjects. */
  static async start(place: Place, subjects: number): Promise<DcProcess> {
    const ports = Array.from({ length: subjects }, () => "127.0.0.1:0");
    const child = spawnScript("dc.ts", ...place === "namespace" ? dcAddresses : ports);
    const reports = lines(child.stdout);
    const first: DcReport = JSON.parse((await reports.next()).value ?? "{}");
    if (!("addresses" in first)) throw new Error("The stand-in data centre did not start");
    return new DcProcess(child, reports, place === "namespace" ? first.addresses.slice(0, 1) : first.addresses);
  }

  /** Where the subject of this number finds it, `HOST:PORT`. */
  addressFor(index: number): string {
    return this.#addresses[index % this.#addresses.length] ?? "";
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
      if (!("fault" in report) || this.faults.length >= faultsKept) continue;
      this.faults.push({ fault: report.fault, subject: this.subject });
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
   * Runs a job; it stands still while `onPause` runs.
   *
   * @throws {LoadTimeout} If the job takes longer than `limitMs`; the process is of no more use then.
   */
  async run(job: Job, limitMs: number, onPause: (event: LoadPause) => Promise<void>): Promise<LoadResult> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), limitMs);
    try {
      await this.#tell(JSON.stringify(job));
      for (let line = await this.#events.next(); !line.done; line = await this.#events.next()) {
        const event: LoadEvent = JSON.parse(line.value);
        if (event.event === "done") return event.result;
        await onPause(event);
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
