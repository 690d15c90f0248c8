/**
 * The load generator: a process that takes jobs (job.ts), one a line on standard input, and plays Telegram's clients.
 * `deno run --allow-net scripts/bench/loader.ts`
 */
import { commandSize, encodeCommand } from "./command.ts";
import { concat } from "./bytes.ts";
import { pattern } from "./content.ts";
import { connect, shakeHands, type Target } from "./dial.ts";
import { ClientHelloMaker } from "./hello.ts";
import { goOn, type Job, type LoadEvent, type LoadResult } from "./job.ts";
import type { Link } from "./link.ts";
import { lines, printJson } from "./lines.ts";
import { percentile } from "./stats.ts";
import { StallError, Watchdog } from "./watchdog.ts";

const dialsAtOnce = 32;
const quietBuffer = 4096;
const bulkBuffer = 262_144;
const mostFaults = 5;
const messageOfConn = 64;

/** Tells the parent where the job is and waits for its word. */
type Pause = (event: LoadEvent) => Promise<void>;

/** One job under way: its counters and the steps that all modes share. */
class Load implements Disposable {
  readonly job: Job;
  readonly #target: Target;
  readonly #watchdog: Watchdog;
  readonly #latencies: number[] = [];
  readonly #faults: string[] = [];
  readonly #echo: Uint8Array;
  #startedAt = performance.now();
  #bytes = 0;
  #done = 0;
  #errors = 0;

  constructor(job: Job) {
    this.job = job;
    this.#watchdog = new Watchdog(job.stallMs);
    this.#echo = concat(encodeCommand("echo", job.messageBytes), pattern.subarray(0, job.messageBytes));
    const key = Uint8Array.fromHex(job.secret?.key ?? "");
    this.#target = {
      port: job.port,
      dc: job.dc,
      fakeTls: job.secret && { key, hellos: new ClientHelloMaker(key, job.secret.host) },
      recordBytes: job.recordBytes,
      bufferBytes: job.mode === "down" ? bulkBuffer : quietBuffer,
    };
  }

  start(): void {
    this.#startedAt = performance.now();
  }

  get running(): boolean {
    return performance.now() - this.#startedAt < this.job.seconds * 1000;
  }

  result(): LoadResult {
    const sorted = Float64Array.from(this.#latencies).sort();
    return {
      done: this.#done,
      bytes: this.#bytes,
      seconds: (performance.now() - this.#startedAt) / 1000,
      stalls: this.#watchdog.stalls,
      errors: this.#errors,
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
      p999Ms: percentile(sorted, 0.999),
      faults: this.#faults,
    };
  }

  /** Runs `step`; a failure is counted and gives `undefined`. */
  async attempt<T>(step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof StallError)) this.#errors++;
      const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      if (this.#faults.length < mostFaults) this.#faults.push(words);
      return undefined;
    }
  }

  /** A connection that has shaken hands and had one message echoed, so that the whole path stands. */
  async open(): Promise<Link> {
    const conn = await connect(this.#target);
    let link: Link | undefined;
    try {
      link = await this.#watchdog.guard(conn, shakeHands(conn, this.#target));
      await this.#echoOnce(link);
      return link;
    } catch (error) {
      if (link !== undefined) link[Symbol.dispose]();
      else if (!(error instanceof StallError)) conn.close();
      throw error;
    }
  }

  async roundTrip(link: Link): Promise<void> {
    const startedAt = performance.now();
    await this.#echoOnce(link);
    this.#finished(startedAt);
  }

  async openAndClose(): Promise<void> {
    const startedAt = performance.now();
    using _link = await this.open();
    this.#finished(startedAt);
  }

  async transfer(link: Link): Promise<void> {
    const { mode, transferBytes } = this.job;
    await this.#watchdog.guard(link, mode === "down" ? this.#down(link, transferBytes) : this.#up(link, transferBytes));
    this.#done++;
  }

  [Symbol.dispose](): void {
    this.#watchdog[Symbol.dispose]();
  }

  #finished(startedAt: number): void {
    this.#latencies.push(performance.now() - startedAt);
    this.#done++;
  }

  async #echoOnce(link: Link): Promise<void> {
    await this.#watchdog.guard(link, link.send(this.#echo));
    const answer = await this.#watchdog.guard(link, link.receive(this.job.messageBytes));
    if (answer === undefined) throw new Error("The stream ended instead of an echo");
    for (let index = 0; index < answer.length; index++) {
      if (answer[index] !== this.#echo[commandSize + index]) throw new Error("The echo is not what was sent");
    }
  }

  async #down(link: Link, total: number): Promise<void> {
    await link.send(encodeCommand("down", total));
    const intact = await link.receiveTransfer(total, (count) => void (this.#bytes += count));
    if (!intact) throw new Error("A download came corrupted");
  }

  async #up(link: Link, total: number): Promise<void> {
    await link.send(encodeCommand("up", total));
    await link.sendTransfer(total, (count) => void (this.#bytes += count));
    const answer = await link.receive(commandSize);
    if (answer?.[0] !== 1) throw new Error("An upload came corrupted, or not at all");
  }
}

/** Opens the job's connections, some at a time; those that fail are counted by `load`. */
async function openAll(load: Load): Promise<Link[]> {
  const links: Link[] = [];
  let left = load.job.connections;
  const opener = async () => {
    while (left-- > 0) {
      const link = await load.attempt(() => load.open());
      if (link !== undefined) links.push(link);
    }
  };
  await Promise.all(Array.from({ length: dialsAtOnce }, opener));
  return links;
}

async function onLinks(load: Load, pause: Pause): Promise<void> {
  const links = await openAll(load);
  await pause({ event: "ready" });
  load.start();
  await Promise.all(links.map(async (link) => {
    const step = load.job.mode === "echo"
      ? async () => (await load.roundTrip(link), true)
      : async () => (await load.transfer(link), true);
    while (load.running && await load.attempt(step)) { /* Until the time is up or the link has failed. */ }
  }));
  for (const link of links) link[Symbol.dispose]();
}

async function connections(load: Load, pause: Pause): Promise<void> {
  await pause({ event: "ready" });
  load.start();
  let left = load.job.most;
  const worker = async () => {
    while (load.running && left-- > 0) await load.attempt(() => load.openAndClose());
  };
  await Promise.all(Array.from({ length: load.job.connections }, worker));
}

async function idleClients(load: Load, pause: Pause): Promise<void> {
  await pause({ event: "ready" });
  const links = await openAll(load);
  await pause({ event: "up" });
  load.start();
  const pending = links.values();
  const checker = async () => {
    for (const link of pending) await load.attempt(() => load.roundTrip(link));
  };
  await Promise.all(Array.from({ length: dialsAtOnce }, checker));
  for (const link of links) link[Symbol.dispose]();
}

async function run(job: Job, pause: Pause): Promise<LoadResult> {
  using load = new Load(job.mode === "conn" || job.mode === "idle" ? { ...job, messageBytes: messageOfConn } : job);
  switch (job.mode) {
    case "down":
    case "up":
    case "echo":
      await onLinks(load, pause);
      break;
    case "conn":
      await connections(load, pause);
      break;
    case "idle":
      await idleClients(load, pause);
  }
  return load.result();
}

async function main(): Promise<void> {
  const input = lines(Deno.stdin.readable);
  const pause: Pause = async (event) => {
    printJson(event);
    const next = await input.next();
    if (next.value !== goOn) Deno.exit(0);
  };
  for (let line = await input.next(); !line.done; line = await input.next()) {
    const job: Job = JSON.parse(line.value);
    printJson({ event: "done", result: await run(job, pause) } satisfies LoadEvent);
  }
}

if (import.meta.main) await main();
