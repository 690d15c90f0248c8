/** The proxy as its users run it: `main.ts run`, in a process of its own with no more permissions than it asks for. */
import { stringify } from "@std/toml/stringify";
import { patient } from "./patience.ts";
import { mtgCommand } from "./subject.ts";

/** What the configurations of tests have in common; every key it lacks has its default. */
export interface ProxyConfig {
  /** As `formatSecret()` or `mtg generate-secret` gives it. */
  readonly secret: string;
  /** Addresses by data centre, as `FakeDc.addresses` gives them. */
  readonly dcs: Readonly<Record<string, readonly string[]>>;
  readonly fastMode?: boolean | undefined;
  /** Port on 127.0.0.1 of the site that strangers see. */
  readonly frontPort?: number | undefined;
}

const root = new URL("../../", import.meta.url);
/** What a first start may take on a slow machine. */
const startLimitMs = patient(30_000);

/** The TOML of a proxy on a free port of 127.0.0.1. */
export function proxyConfig(config: ProxyConfig): string {
  return stringify({
    "secret": config.secret,
    "bind-to": "127.0.0.1:0",
    "telegram": { "fast-mode": config.fastMode ?? true },
    ...(config.frontPort === undefined ? {} : { "domain-fronting": { ip: "127.0.0.1", port: config.frontPort } }),
    "dc-overrides": Object.fromEntries(Object.entries(config.dcs).map(([dc, addresses]) => [dc, [...addresses]])),
  });
}

/** A running proxy. Disposing stops it as `stop()` does. */
export class ProxyProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: Deno.ChildProcess;
  readonly #outputs: readonly Collected[];
  #stopped: Promise<number> | undefined;

  private constructor(child: Deno.ChildProcess, port: number, outputs: readonly Collected[]) {
    this.#child = child;
    this.port = port;
    this.#outputs = outputs;
  }

  /**
   * Starts a proxy with a configuration on its standard input, so that no file is left behind whatever happens.
   *
   * @throws {Error} If it ends, or prints no link within 30 seconds; the message has what it wrote to standard error.
   */
  static async start(config: string): Promise<ProxyProcess> {
    const [command, ...args] = mtgCommand(["run", "-"], ["--allow-net", "--allow-read"]);
    const child = new Deno.Command(command, {
      args,
      cwd: root,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const [stdout, stderr] = [new Collected(child.stdout), new Collected(child.stderr)];
    await feed(child, config);
    const timer = setTimeout(() => child.kill("SIGKILL"), startLimitMs);
    const port = await stdout.first(/[?&]port=(\d+)/);
    clearTimeout(timer);
    if (port === undefined) {
      await Promise.all([child.status, stderr.done]);
      throw new Error(`The proxy did not start: ${stderr.text}`);
    }
    return new ProxyProcess(child, Number(port), [stdout, stderr]);
  }

  /** What it has written to standard error: its log. */
  get log(): string {
    return this.#outputs[1]!.text;
  }

  /** Asks it to end, and insists after 10 seconds. Gives its exit code. */
  stop(): Promise<number> {
    return this.#stopped ??= this.#stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<number> {
    killQuietly(this.#child, "SIGTERM");
    const timer = setTimeout(() => killQuietly(this.#child, "SIGKILL"), patient(10_000));
    const { code } = await this.#child.status;
    clearTimeout(timer);
    await Promise.all(this.#outputs.map(({ done }) => done));
    return code;
  }
}

/** The text of a stream as far as it has come. */
export class Collected {
  /** Resolves when the stream has ended. */
  readonly done: Promise<void>;
  #text = "";
  #changed = Promise.withResolvers<void>();
  #ended = false;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.done = this.#collect(stream);
  }

  get text(): string {
    return this.#text;
  }

  /** The first group of `pattern` as soon as it stands in the text; `undefined` if the stream ends without. */
  async first(pattern: RegExp): Promise<string | undefined> {
    while (!pattern.test(this.#text) && !this.#ended) await this.#changed.promise;
    return pattern.exec(this.#text)?.[1];
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#text += text;
      this.#wake();
    }
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** A proxy that refuses to start may be gone before it has read anything; its exit tells why. */
async function feed(child: Deno.ChildProcess, text: string): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** It may have ended by itself. */
function killQuietly(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}
