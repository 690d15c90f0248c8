/** One job of the load generator under way: its counters, and the steps that its modes are made of. */
import { concat } from "./bytes.ts";
import { commandSize, encodeCommand } from "./command.ts";
import { pattern } from "./content.ts";
import { connect, shakeHands, type Target } from "./dial.ts";
import { ClientHelloMaker } from "./hello.ts";
import type { Job, LoadResult } from "./job.ts";
import type { Link } from "./link.ts";
import { percentile } from "./stats.ts";
import { StallError, Watchdog } from "./watchdog.ts";

const quietBuffer = 4096;
const bulkBuffer = 262_144;
const mostFaults = 5;
/** Bytes of the message that tells whether a connection stands. */
const firstMessage = 64;

/** Counts what is done with it. Dispose it: it holds a timer. */
export class Load implements Disposable {
  readonly job: Job;
  readonly #target: Target;
  readonly #watchdog: Watchdog;
  readonly #latencies: number[] = [];
  readonly #faults: string[] = [];
  readonly #echo: Uint8Array;
  #startedAt = performance.now();
  #stoppedAt: number | undefined;
  #bytes = 0;
  #done = 0;
  #errors = 0;

  constructor(job: Job) {
    this.job = job;
    this.#watchdog = new Watchdog(job.stallMs);
    const messageBytes = job.mode === "echo" ? job.messageBytes : firstMessage;
    this.#echo = concat(encodeCommand("echo", messageBytes), pattern.subarray(0, messageBytes));
    const key = Uint8Array.fromHex(job.secret?.key ?? "");
    this.#target = {
      hostname: job.hostname,
      port: job.port,
      dc: job.dc,
      fakeTls: job.secret && { key, hellos: new ClientHelloMaker(key, job.secret.host, job.secret.hello) },
      recordBytes: job.recordBytes,
      bufferBytes: job.mode === "down" || job.mode === "mixed" ? bulkBuffer : quietBuffer,
    };
  }

  start(): void {
    this.#startedAt = performance.now();
  }

  /** What comes later does not count as time of the job. */
  stop(): void {
    this.#stoppedAt = performance.now();
  }

  get running(): boolean {
    return performance.now() - this.#startedAt < this.job.seconds * 1000;
  }

  result(): LoadResult {
    const sorted = Float64Array.from(this.#latencies).sort();
    return {
      done: this.#done,
      bytes: this.#bytes,
      seconds: ((this.#stoppedAt ?? performance.now()) - this.#startedAt) / 1000,
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

  /** A TCP connection on which nothing has been said. */
  async connect(): Promise<Deno.TcpConn> {
    const controller = new AbortController();
    const giveUp = { [Symbol.dispose]: () => controller.abort() };
    return await this.#watchdog.guard(giveUp, connect(this.#target, controller.signal));
  }

  /** A connection that has shaken hands and had one message echoed, so that the whole path stands. */
  async open(): Promise<Link> {
    const conn = await this.connect();
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

  /** The same, counted and timed. */
  async openTimed(): Promise<Link> {
    const startedAt = performance.now();
    const link = await this.open();
    this.#finished(startedAt);
    return link;
  }

  async openAndClose(): Promise<void> {
    using _link = await this.openTimed();
  }

  async roundTrip(link: Link): Promise<void> {
    const startedAt = performance.now();
    await this.#echoOnce(link);
    this.#finished(startedAt);
  }

  /** Moves `bytes` bytes of payload. */
  async transfer(link: Link, direction: "down" | "up", bytes: number): Promise<void> {
    await this.#watchdog.guard(link, direction === "down" ? this.#down(link, bytes) : this.#up(link, bytes));
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
    const count = this.#echo.length - commandSize;
    await this.#watchdog.guard(link, link.send(this.#echo));
    const answer = await this.#watchdog.guard(link, link.receive(count));
    if (answer === undefined) throw new Error("The stream ended instead of an echo");
    for (let index = 0; index < count; index++) {
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
