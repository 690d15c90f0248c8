/** A SOCKS5 proxy on loopback that connects to real targets, or behaves as no proxy should. Written apart from `lib/wire`. */
import { ByteReader, concat } from "./byte_reader.ts";
import { sendAll } from "./raw_client.ts";

/**
 * - `connect`: as it should
 * - `mute`: accepts, and never says a word; `mute-after-method` and `mute-after-request` answer so far
 * - `drop`, `drop-after-method`, `drop-in-reply`: close there; the last one after 6 of the 10 bytes
 * - `http`: answers in another protocol
 * - a number: refuses every request with that reply code
 */
export type SocksBehaviour =
  | "connect"
  | "mute"
  | "mute-after-method"
  | "mute-after-request"
  | "drop"
  | "drop-after-method"
  | "drop-in-reply"
  | "http"
  | number;

export interface SocksServerOptions {
  readonly login?: { readonly user: string; readonly password: string } | undefined;
  readonly behaviour?: SocksBehaviour | undefined;
  /** Answers go out a byte at a time. */
  readonly byteByByte?: boolean | undefined;
  /** Sent in one write with the reply, as if the target had been quick. */
  readonly firstPayload?: Uint8Array | undefined;
  /** What the reply says that the proxy is bound to; 0.0.0.0:0 by default. */
  readonly bound?: Uint8Array | undefined;
  /** Names and where they lead; any other target is connected to as it is. */
  readonly names?: Readonly<Record<string, string>> | undefined;
}

/** Listens until it is disposed, which closes all connections and waits for them. */
export class SocksServer implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #options: SocksServerOptions;
  readonly #tasks = new Set<Promise<void>>();
  readonly #open = new Set<Deno.TcpConn>();
  #isClosing = false;
  /** May be changed at any time. */
  behaviour: SocksBehaviour;
  /** Connections so far. */
  accepted = 0;
  /** Connections that have asked what it is too mute to answer. */
  unanswered = 0;
  /** `host:port` of every request as it stood there, IPv6 as 32 hex digits. */
  readonly requests: string[] = [];
  /** Every `user:password` that came. */
  readonly logins: string[] = [];

  private constructor(options: SocksServerOptions) {
    this.#options = options;
    this.behaviour = options.behaviour ?? "connect";
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#track(this.#accept());
  }

  static start(options: SocksServerOptions = {}): SocksServer {
    return new SocksServer(options);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Connections that are open to clients of the proxy and from it to targets. */
  get open(): number {
    return this.#open.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#listener.close();
    for (const conn of this.#open) this.#close(conn);
    await Promise.all(this.#tasks);
  }

  #track(task: Promise<void>): void {
    this.#tasks.add(task);
    task.finally(() => this.#tasks.delete(task));
  }

  async #accept(): Promise<void> {
    while (!this.#isClosing) {
      try {
        const conn = await this.#listener.accept();
        this.accepted++;
        this.#track(this.#serve(conn));
      } catch (error) {
        if (!this.#isClosing) throw error;
      }
    }
  }

  async #serve(conn: Deno.TcpConn): Promise<void> {
    this.#open.add(conn);
    conn.setNoDelay(true);
    try {
      await this.#shakeHands(conn);
    } catch {
      // The client is gone, or did not behave; tests look at what it got.
    } finally {
      this.#close(conn);
    }
  }

  async #shakeHands(conn: Deno.TcpConn): Promise<void> {
    // It may read ahead: what a client sends behind its request is for the target.
    const reader = new ByteReader((into) => conn.read(into));
    if (this.behaviour === "drop") return;
    if (this.behaviour === "mute") return await this.#ignore(reader);
    if (this.behaviour === "http") return await this.#answer(conn, new TextEncoder().encode("HTTP/1.1 400 no\r\n\r\n"));
    if (!(await this.#letIn(conn, reader))) return;
    if (this.behaviour === "drop-after-method") return;
    if (this.behaviour === "mute-after-method") return await this.#ignore(reader);
    const target = await this.#readRequest(reader);
    const { firstPayload = new Uint8Array(0), bound = Uint8Array.of(1, 0, 0, 0, 0, 0, 0) } = this.#options;
    const reply = (code: number) => concat(Uint8Array.of(5, code, 0), bound);
    if (this.behaviour === "mute-after-request") {
      this.unanswered++;
      return await untilEnd(reader);
    }
    if (this.behaviour === "drop-in-reply") return await this.#answer(conn, reply(0).subarray(0, 6));
    if (typeof this.behaviour === "number") return await this.#answer(conn, reply(this.behaviour));
    const other = await this.#connect(target);
    if (other === undefined) return await this.#answer(conn, reply(5));
    try {
      await this.#answer(conn, concat(reply(0), firstPayload));
      await Promise.all([pipe(reader, other), pipe(new ByteReader((into) => other.read(into)), conn)]);
    } finally {
      this.#close(other);
    }
  }

  async #ignore(reader: ByteReader): Promise<void> {
    if (await reader.some() !== null) this.unanswered++;
    await untilEnd(reader);
  }

  async #letIn(conn: Deno.TcpConn, reader: ByteReader): Promise<boolean> {
    const [version, count = 0] = await reader.exactly(2);
    const offered = [...await reader.exactly(count)];
    const { login } = this.#options;
    const method = login === undefined ? 0 : 2;
    const isRight = version === 5 && offered.includes(method);
    await this.#answer(conn, Uint8Array.of(5, isRight ? method : 0xff));
    if (!isRight || login === undefined) return isRight;
    const text = new TextDecoder();
    await reader.exactly(1);
    const user = text.decode(await reader.exactly((await reader.exactly(1))[0]!));
    const password = text.decode(await reader.exactly((await reader.exactly(1))[0]!));
    this.logins.push(`${user}:${password}`);
    const isKnown = user === login.user && password === login.password;
    await this.#answer(conn, Uint8Array.of(1, isKnown ? 0 : 1));
    return isKnown;
  }

  async #readRequest(reader: ByteReader): Promise<{ readonly hostname: string; readonly port: number }> {
    const [, command, , type] = await reader.exactly(4);
    if (command !== 1) throw new Error(`command ${command}`);
    const size = type === 1 ? 4 : type === 4 ? 16 : (await reader.exactly(1))[0]!;
    const bytes = await reader.exactly(size);
    const hostname = type === 1 ? bytes.join(".") : type === 4 ? bytes.toHex() : new TextDecoder().decode(bytes);
    const [high = 0, low = 0] = await reader.exactly(2);
    const port = high * 256 + low;
    this.requests.push(`${hostname}:${port}`);
    return { hostname, port };
  }

  async #connect({ hostname, port }: { readonly hostname: string; readonly port: number }) {
    try {
      const other = await Deno.connect({ hostname: this.#options.names?.[hostname] ?? hostname, port });
      other.setNoDelay(true);
      this.#open.add(other);
      return other;
    } catch {
      return undefined;
    }
  }

  async #answer(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
    if (this.#options.byteByByte !== true) return await sendAll(conn, bytes);
    for (const byte of bytes) {
      await sendAll(conn, Uint8Array.of(byte));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  #close(conn: Deno.TcpConn): void {
    this.#open.delete(conn);
    try {
      conn.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

async function untilEnd(reader: ByteReader): Promise<void> {
  while (await reader.some() !== null);
}

/** Passes the end on as well: half-close goes through. */
async function pipe(from: ByteReader, to: Deno.TcpConn): Promise<void> {
  for (let part = await from.some(); part !== null; part = await from.some()) await sendAll(to, part);
  await to.closeWrite();
}
