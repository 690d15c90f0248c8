/** Stand-ins for the web site behind a proxy: a real TLS server, one whose every step is told, and one that resets. */
import { createServer, type Server, type Socket } from "node:net";
import { ByteReader, concat } from "./byte_reader.ts";
import { close, listen, portOf } from "./node_server.ts";
import { SiteLog } from "./site_log.ts";

const fixtures = new URL("../fixtures/tls/", import.meta.url);

/** The name in the certificate of `TlsSite`; `localhost` is in it too. */
export const siteName = "front.test";
/** PEM of the authority that a client of `TlsSite` must trust. */
export const siteAuthority: string = Deno.readTextFileSync(new URL("ca.pem", fixtures));

/** What `TlsSite` answers to every request. */
export const sitePage = "<!doctype html><title>front</title><p>Nothing to see here.\n";
const siteAnswer = [
  "HTTP/1.1 200 OK",
  "content-type: text/html; charset=utf-8",
  `content-length: ${sitePage.length}`,
  "connection: close",
  "",
  sitePage,
].join("\r\n");

/** One connection of a site, as its script sees it. Everything it does is logged. */
export interface SiteConn {
  /** From 0. */
  readonly index: number;
  /** What has come and what comes. Reading beyond the end gives `null` and logs `fin-in` once. */
  readonly reader: ByteReader;
  write(bytes: Uint8Array): Promise<void>;
  closeWrite(): Promise<void>;
}

/** What a site does with a connection. When it returns, the connection is closed without waiting for the other end. */
export type SiteScript = (conn: SiteConn) => Promise<void>;

/** Reads until FIN, then answers, then sends its own. */
export function answerAfterFin(bytes: Uint8Array): SiteScript {
  return async ({ reader, write, closeWrite }) => {
    await reader.all();
    await write(bytes);
    await closeWrite();
  };
}

/** Answers and sends FIN at once, then reads until the other end's. */
export function answerAndFinFirst(bytes: Uint8Array): SiteScript {
  return async ({ reader, write, closeWrite }) => {
    await write(bytes);
    await closeWrite();
    await reader.all();
  };
}

/** Reads `count` bytes, then answers, then reads until FIN before it sends its own. */
export function answerAfter(count: number, bytes: Uint8Array): SiteScript {
  return async ({ reader, write, closeWrite }) => {
    await reader.exactly(count);
    await write(bytes);
    await reader.all();
    await closeWrite();
  };
}

/** Reads and says nothing until FIN, then closes. */
export const silence: SiteScript = async ({ reader }) => {
  await reader.all();
};

/** Behind a TLS handshake: reads a request's head, answers `sitePage`, waits for the client's end. */
const servePage: SiteScript = async ({ reader, write, closeWrite }) => {
  let request = "";
  while (!request.includes("\r\n\r\n")) {
    const part = await reader.some();
    if (part === null) return;
    request += new TextDecoder().decode(part);
  }
  await write(new TextEncoder().encode(siteAnswer));
  await closeWrite();
  await reader.all();
};

/** A stand-in that can be told of a visit that no test is about. */
export interface TestSite {
  /** On 127.0.0.1. */
  readonly port: number;
  /** The next connection is closed at once and nowhere counted. Resolves when it has come. */
  turnAwayNext(): Promise<void>;
}

type Listening = { accept(): Promise<Deno.Conn>; close(): void; readonly addr: Deno.Addr };

/** A site on this machine that does what its script says with every connection. */
export class Site implements AsyncDisposable, TestSite {
  readonly log: SiteLog = new SiteLog();
  readonly #turningAway: (() => void)[] = [];
  readonly #listener: Listening;
  readonly #script: SiteScript;
  readonly #received: Uint8Array[] = [];
  readonly #open = new Set<Deno.Conn>();
  readonly #tasks = new Set<Promise<void>>();
  #disposed = false;

  private constructor(listener: Listening, script: SiteScript) {
    this.#listener = listener;
    this.#script = script;
    this.#tasks.add(this.#accept());
  }

  /** Plain TCP: sees every byte that a proxy passes on. */
  static plain(script: SiteScript): Site {
    return new Site(Deno.listen({ hostname: "127.0.0.1", port: 0 }), script);
  }

  /** The same on a Unix socket. */
  static unix(path: string, script: SiteScript): Site {
    return new Site(Deno.listen({ transport: "unix", path }), script);
  }

  /** TLS 1.3 with the certificate of `siteName`; bytes in the log are those inside TLS. */
  static tls(script: SiteScript = servePage): Site {
    const [cert, key] = ["front.pem", "front.key"].map((name) => Deno.readTextFileSync(new URL(name, fixtures)));
    return new Site(Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: cert!, key: key! }), script);
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  /** All that a connection has sent so far. */
  received(connection = 0): Uint8Array {
    return this.#received[connection] ?? new Uint8Array(0);
  }

  /** How many connections there were. */
  get connections(): number {
    return this.#received.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#listener.close();
    for (const conn of this.#open) closeQuietly(conn);
    await Promise.all(this.#tasks);
  }

  turnAwayNext(): Promise<void> {
    return new Promise((resolve) => this.#turningAway.push(resolve));
  }

  async #accept(): Promise<void> {
    while (!this.#disposed) {
      try {
        const conn = await this.#listener.accept();
        const turnedAway = this.#turningAway.shift();
        if (turnedAway === undefined) this.#begin(this.#serve(conn));
        else {
          closeQuietly(conn);
          turnedAway();
        }
      } catch (error) {
        if (!this.#disposed) throw error;
      }
    }
  }

  #begin(task: Promise<void>): void {
    this.#tasks.add(task);
    task.then(() => this.#tasks.delete(task));
  }

  async #serve(conn: Deno.Conn): Promise<void> {
    const index = this.#received.push(new Uint8Array(0)) - 1;
    this.#open.add(conn);
    this.log.add(index, "open");
    try {
      await this.#script(this.#logged(conn, index));
      this.log.add(index, "closed");
    } catch (error) {
      // A script's expectation that was not met shows in the log; only a reset has a name of its own there.
      this.log.add(index, error instanceof Deno.errors.ConnectionReset ? "reset-in" : "closed");
    } finally {
      this.#open.delete(conn);
      closeQuietly(conn);
    }
  }

  #logged(conn: Deno.Conn, index: number): SiteConn {
    let ended = false;
    const reader = new ByteReader(async (into) => {
      const count = ended ? null : await conn.read(into);
      if (count !== null) {
        this.#received[index] = concat(this.#received[index]!, into.subarray(0, count));
        this.log.add(index, "data", count);
      } else if (!ended) {
        ended = true;
        this.log.add(index, "fin-in");
      }
      return count;
    });
    const write = async (bytes: Uint8Array) => {
      for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
      this.log.add(index, "sent", bytes.length);
    };
    const closeWrite = async () => {
      await (conn as Deno.TcpConn).closeWrite();
      this.log.add(index, "fin-out");
    };
    return { index, reader, write, closeWrite };
  }
}

/** A site on 127.0.0.1 that answers the first bytes of every connection, if at all, and resets it. */
export class ResettingSite implements AsyncDisposable, TestSite {
  readonly log: SiteLog = new SiteLog();
  readonly #turningAway: (() => void)[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connections = 0;

  private constructor(answer: Uint8Array) {
    // Only node:net can reset; a TcpConn of Deno always sends FIN first.
    this.#server = createServer((socket) => this.#serve(socket, answer));
  }

  static async start(answer: Uint8Array = new Uint8Array(0)): Promise<ResettingSite> {
    const site = new ResettingSite(answer);
    await listen(site.#server);
    return site;
  }

  get port(): number {
    return portOf(this.#server);
  }

  turnAwayNext(): Promise<void> {
    return new Promise((resolve) => this.#turningAway.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await close(this.#server, this.#sockets);
  }

  #serve(socket: Socket, answer: Uint8Array): void {
    const turnedAway = this.#turningAway.shift();
    if (turnedAway !== undefined) {
      socket.destroy();
      return turnedAway();
    }
    const index = this.#connections++;
    this.#sockets.add(socket);
    this.log.add(index, "open");
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => this.log.add(index, "reset-in"));
    socket.once("data", (data) => {
      this.log.add(index, "data", data.length);
      socket.write(answer, () => {
        this.log.add(index, "sent", answer.length);
        socket.resetAndDestroy();
        this.log.add(index, "reset-out");
      });
    });
  }
}

/** The script's end and `dispose` may meet. */
function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
