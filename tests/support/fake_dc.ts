/** A stand-in for Telegram's data centres on loopback: obfuscated2 without a secret, and a choice of what is behind. */
import { ByteReader, concat } from "./byte_reader.ts";
import { serveCommands, serveEcho, servePackets } from "./dc_handlers.ts";
import { acceptFrame, type CipherPair, frameFault, frameSize, type TransportTag } from "./obfuscated2_client.ts";

/** The plain stream of one connection, as a handler sees it. */
export interface DcStream {
  readonly tag: TransportTag;
  readonly dc: number;
  /** Decrypted bytes from the proxy. */
  readonly reader: ByteReader;
  /** Encrypts and sends all of `plain`. */
  write(plain: Uint8Array): Promise<void>;
  /** Sends FIN; reading goes on. */
  closeWrite(): Promise<void>;
  /** Aborted when the stand-in is disposed. */
  readonly signal: AbortSignal;
}

/** What the data centre does with a connection; when it returns, FIN is sent and the connection closed. */
export type DcHandler = (stream: DcStream) => Promise<void>;

/**
 * - `echo`: every byte comes back, until FIN; then FIN comes back
 * - `packets`: the same by packets of the connection's transport
 * - `commands`: the load generator's command stream, see `serveCommands()`
 */
export type DcMode = "echo" | "packets" | "commands" | DcHandler;

/** What was seen of one connection. */
export interface DcConnection {
  /** Of the listener, from 0. */
  readonly listener: number;
  readonly remotePort: number;
  /** As received: bytes 0..55 as the proxy chose them. Shorter than 64 bytes if the proxy closed before. */
  readonly frame: Uint8Array;
  readonly tag: TransportTag | undefined;
  /** With its sign; 0 until a frame was understood. */
  readonly dc: number;
  /** What Telegram would not accept in the frame; `undefined` if it is right. */
  readonly fault: string | undefined;
  /** Bytes received after the frame. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** How the connection ended: the proxy's FIN was read, it was reset, the handler failed, or the stand-in closed. */
  readonly end: "open" | "fin" | "reset" | "failed" | "closed";
  /** Why, if `end` is `failed` or `reset`. */
  readonly error: string | undefined;
}

export interface FakeDcOptions {
  readonly mode: DcMode;
  /** One port each; 1 by default. */
  readonly listeners?: number | undefined;
  /** 127.0.0.1 by default; `::1` works too. */
  readonly hostname?: string | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Listens until it is disposed, which also closes every connection and waits for the handlers. */
export class FakeDc implements AsyncDisposable {
  readonly #listeners: readonly Deno.TcpListener[];
  readonly #handler: DcHandler;
  readonly #tasks = new Set<Promise<void>>();
  readonly #open = new Set<Deno.TcpConn>();
  readonly #seen: Mutable<DcConnection>[] = [];
  readonly #abort = new AbortController();

  private constructor(listeners: readonly Deno.TcpListener[], handler: DcHandler) {
    this.#listeners = listeners;
    this.#handler = handler;
    listeners.forEach((listener, index) => this.#track(this.#accept(listener, index)));
  }

  static start(options: FakeDcOptions): FakeDc {
    const { mode, listeners = 1, hostname = "127.0.0.1" } = options;
    const handler = typeof mode === "function" ? mode : handlers[mode];
    const listen = () => Deno.listen({ hostname, port: 0, tcpBacklog: 4096 });
    return new FakeDc(Array.from({ length: listeners }, listen), handler);
  }

  /** Of the first listener. */
  get port(): number {
    return this.#listeners[0]!.addr.port;
  }

  /** `127.0.0.1:40123` or `[::1]:40123` of every listener, as `[dc-overrides]` wants it. */
  get addresses(): readonly string[] {
    return this.#listeners.map(({ addr }) =>
      addr.hostname.includes(":") ? `[${addr.hostname}]:${addr.port}` : `${addr.hostname}:${addr.port}`
    );
  }

  /** Every connection since the start, in the order in which they came. */
  get connections(): readonly DcConnection[] {
    return this.#seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    this.#listeners.forEach(closeQuietly);
    for (const conn of this.#open) closeQuietly(conn);
    await Promise.all(this.#tasks);
  }

  #track(task: Promise<void>): void {
    this.#tasks.add(task);
    task.finally(() => this.#tasks.delete(task));
  }

  async #accept(listener: Deno.TcpListener, index: number): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        const conn = await listener.accept();
        this.#track(this.#serve(conn, index));
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        throw error;
      }
    }
  }

  async #serve(conn: Deno.TcpConn, listener: number): Promise<void> {
    const seen: Mutable<DcConnection> = { ...unseen, listener, remotePort: conn.remoteAddr.port };
    this.#seen.push(seen);
    this.#open.add(conn);
    let ciphers: CipherPair | undefined;
    try {
      conn.setNoDelay(true);
      const wire = new ByteReader((into) => conn.read(into));
      if (!(await readFrame(wire, seen))) return;
      seen.fault = frameFault(seen.frame);
      const accepted = acceptFrame(seen.frame);
      ciphers = accepted.ciphers;
      seen.tag = accepted.tag;
      seen.dc = accepted.dc;
      await this.#handler(this.#stream(conn, { wire, ciphers, seen }));
      await conn.closeWrite();
    } catch (error) {
      seen.end = this.#abort.signal.aborted ? "closed" : isReset(error) ? "reset" : "failed";
      seen.error = String(error);
    } finally {
      if (seen.end === "open") seen.end = "closed";
      ciphers?.[Symbol.dispose]();
      this.#open.delete(conn);
      closeQuietly(conn);
    }
  }

  #stream(conn: Deno.TcpConn, parts: { wire: ByteReader; ciphers: CipherPair; seen: Mutable<DcConnection> }): DcStream {
    const { wire, ciphers, seen } = parts;
    const read = async (into: Uint8Array) => {
      const part = await wire.some(into.length);
      if (part === null) {
        seen.end = "fin";
        return null;
      }
      seen.receivedBytes += part.length;
      into.set(ciphers.decrypt.update(part));
      return part.length;
    };
    const write = async (plain: Uint8Array) => {
      const sealed = ciphers.encrypt.update(plain);
      for (let sent = 0; sent < sealed.length;) sent += await conn.write(sealed.subarray(sent));
      seen.sentBytes += sealed.length;
    };
    const { tag, dc } = seen;
    const closeWrite = () => conn.closeWrite();
    return { tag: tag!, dc, reader: new ByteReader(read), write, closeWrite, signal: this.#abort.signal };
  }
}

const handlers = { echo: serveEcho, packets: servePackets, commands: serveCommands } as const;

const unseen: Omit<DcConnection, "listener" | "remotePort"> = {
  frame: new Uint8Array(0),
  tag: undefined,
  dc: 0,
  fault: undefined,
  receivedBytes: 0,
  sentBytes: 0,
  end: "open",
  error: undefined,
};

async function readFrame(wire: ByteReader, seen: Mutable<DcConnection>): Promise<boolean> {
  while (seen.frame.length < frameSize) {
    const part = await wire.some(frameSize - seen.frame.length);
    if (part === null) {
      seen.end = "fin";
      return false;
    }
    seen.frame = concat(seen.frame, part);
  }
  return true;
}

function isReset(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe;
}

/** Closing twice is no fault here: the handler's end and `dispose` may meet. */
function closeQuietly(resource: Deno.TcpConn | Deno.TcpListener): void {
  try {
    resource.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
