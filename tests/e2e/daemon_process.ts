/** `main.ts run -`, or a program like it, in a process of its own, to be signalled, starved and read to the last line. */
import { mtgCommand } from "../support/subject.ts";
import { Watchers } from "../support/watchers.ts";

export interface DaemonOptions {
  /** The text of the configuration; nothing with `env`. */
  readonly config: string;
  /** Variables that are the whole configuration; `permissions` must let it read them. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Where it stands, for whoever wants it read again; without it, it comes by standard input. */
  readonly file?: string | undefined;
  readonly flags?: readonly string[] | undefined;
  /** Beyond --allow-net and --allow-read; an executable has its own. */
  readonly permissions?: readonly string[] | undefined;
  /** File descriptors that it may have open; needs bash. */
  readonly descriptors?: number | undefined;
  /** In place of `main.ts`: gets the configuration as its argument, and what is sent by `send()`. */
  readonly program?: URL | undefined;
}

const startLimitMs = 30_000;
const lineLimitMs = 10_000;

/** Disposing kills it if it still runs. */
export class DaemonProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #out: Text;
  readonly #log: Text;
  /** Resolves with the exit code when it has ended and all that it wrote has been read. */
  readonly exited: Promise<number>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#out = new Text(child.stdout);
    this.#log = new Text(child.stderr);
    this.exited = Promise.all([child.status, this.#out.done, this.#log.done]).then(([{ code }]) => code);
  }

  /** Does not wait for it to listen: `listening()` does. */
  static async spawn(options: DaemonOptions): Promise<DaemonProcess> {
    const { config, env, file = "-", flags = [], permissions = [], descriptors, program } = options;
    const access = ["--allow-net", "--allow-read", ...permissions];
    const [command, ...args] = program === undefined
      ? mtgCommand(["run", ...flags, ...env === undefined ? [file] : []], access)
      : [Deno.execPath(), "run", "--quiet", "--no-prompt", ...access, program.href, config];
    const limited = ["-c", `ulimit -n ${descriptors} && exec "$@"`, "bash", command, ...args];
    if (file !== "-") await Deno.writeTextFile(file, config);
    const child = new Deno.Command(descriptors === undefined ? command : "bash", {
      args: descriptors === undefined ? args : limited,
      env: { NO_COLOR: "1", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const daemon = new DaemonProcess(child);
    if (program !== undefined || file !== "-") return daemon;
    await daemon.#input.write(new TextEncoder().encode(config));
    await daemon.#input.close();
    return daemon;
  }

  /** Spawned and listening. @throws {Error} If it ends before, or takes longer than 30 seconds. */
  static async start(options: DaemonOptions): Promise<DaemonProcess> {
    const daemon = await DaemonProcess.spawn(options);
    try {
      await daemon.logged(/listening on .*\n/, startLimitMs);
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  get out(): string {
    return this.#out.text;
  }

  get log(): string {
    return this.#log.text;
  }

  /** Ports of the TCP addresses that it listens on, in their order. */
  get ports(): readonly number[] {
    const [, addresses = ""] = /listening on ([^"\n]*)/.exec(this.log) ?? [];
    return addresses.split(", ").filter((address) => !address.startsWith("unix:")).map((address) =>
      Number(/\d+$/.exec(address.trim()))
    );
  }

  get port(): number {
    return this.ports[0] ?? 0;
  }

  /** Resolves when its log has a match. @throws {Error} If it ends without, or that takes longer than `limitMs`. */
  logged(pattern: RegExp, limitMs: number = lineLimitMs): Promise<void> {
    return this.#log.has(pattern, limitMs);
  }

  /** Resolves when its log has `count` times this text. @throws {Error} As `logged()` does. */
  loggedTimes(count: number, text: string): Promise<void> {
    return this.#log.has(
      { test: (log) => log.split(text).length > count, toString: () => `${count} x ${text}` },
      lineLimitMs,
    );
  }

  /** Sends a line to a `program`. */
  async send(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  /** The same, and what it answers: the next line on its standard output. */
  async ask(line: string): Promise<string> {
    const from = this.out.length;
    await this.send(line);
    await this.#out.has(/\n/, lineLimitMs, from);
    return this.out.slice(from, this.out.indexOf("\n", from));
  }

  /** Each line of its log, from the first to the last. */
  async *logLines(): AsyncGenerator<string> {
    for (let from = 0;;) {
      const found = await this.#log.line(from);
      if (found === undefined) return;
      yield found;
      from += found.length + 1;
    }
  }

  signal(name: Deno.Signal): void {
    this.#child.kill(name);
  }

  /** Nobody reads its log from now on, nor can: writing there fails. */
  async closeLog(): Promise<void> {
    await this.#log.cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It may have ended by itself.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    await this.exited;
    await this.#input.abort().catch(() => {});
  }
}

/** A stream as text, as far as it has come. */
class Text {
  readonly done: Promise<void>;
  text = "";
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #watchers = new Watchers();
  #ended = false;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.done = this.#collect();
  }

  async has(pattern: { test(text: string): boolean; toString(): string }, limitMs: number, from = 0): Promise<void> {
    const isSo = () => {
      if (pattern.test(this.text.slice(from))) return true;
      if (this.#ended) throw new Error(`It ended without ${pattern}: ${this.text}`);
      return false;
    };
    await this.#watchers.until(isSo, limitMs, () => `No ${pattern} in ${limitMs} ms: ${this.text}`);
  }

  /** The one that begins at `from`, without its end; `undefined` where there is none. Waits for it as long as it takes. */
  async line(from: number): Promise<string | undefined> {
    for (;;) {
      const to = this.text.indexOf("\n", from);
      if (to >= 0) return this.text.slice(from, to);
      if (this.#ended) return undefined;
      await this.#watchers.changed();
    }
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  async #collect(): Promise<void> {
    const decoder = new TextDecoder();
    for (let part = await this.#reader.read(); !part.done; part = await this.#reader.read()) {
      this.text += decoder.decode(part.value, { stream: true });
      this.#watchers.notify();
    }
    this.#ended = true;
    this.#watchers.notify();
  }
}
