/** Connections through a SOCKS5 proxy. What belongs to the protocol itself stands in `lib/wire/socks5.ts`. */
import { type Address, formatAddress, type TcpAddress } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { SocksProxy } from "../config/config.ts";
import { messageOf } from "../errors.ts";
import { disposedBy, noAnswerWithin, openWithin } from "../relay/aborts.ts";
import { type Conn, ConnectionOver, writeAll } from "../relay/conn.ts";
import type { Dialer } from "../relay/dialer.ts";
import type { Resolver } from "../relay/resolver.ts";
import {
  type ConnectReply,
  decodeConnectReply,
  type Decoded,
  decodeLoginReply,
  decodeMethod,
  encodeConnect,
  encodeGreeting,
  encodeLogin,
  explainReply,
} from "../wire/socks5.ts";
import { SocketConn } from "./socket_conn.ts";

/**
 * The proxy did not connect. Either it failed itself, or it works and says that it cannot reach the target. Never holds the user
 * or the password.
 */
export class Socks5Error extends Error {
  override readonly name = "Socks5Error";

  /** `reason` finishes the sentence "the proxy …". */
  constructor(
    proxy: TcpAddress,
    readonly fault: "proxy" | "target",
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`the SOCKS5 proxy ${formatAddress(proxy)} ${reason}`, options);
  }
}

export interface Socks5Options {
  readonly proxy: Pick<SocksProxy, "address" | "credentials" | "remoteDns">;
  /** Reaches the proxy. */
  readonly dialer: Dialer;
  /** Looks up the names of targets, unless the proxy does. */
  readonly resolver: Resolver;
  readonly clock: Clock;
  /** For reaching the proxy and for all that it is asked, together. */
  readonly timeoutMs: number;
}

export interface Socks5DialOptions {
  readonly signal: AbortSignal;
  /** Instead of that of the constructor. */
  readonly timeoutMs?: number | undefined;
}

/**
 * - A connection is handed out as soon as the proxy says that it leads to the target. From then on nothing stands between it and
 *   its user; its `remote` is the target.
 * - Of a name that is looked up here, the addresses are tried one after another until the proxy reaches one.
 */
export class Socks5Dialer implements Dialer {
  readonly #options: Socks5Options;

  constructor(options: Socks5Options) {
    this.#options = options;
  }

  /** @throws {Socks5Error} Or the reason of `signal` if that aborts. */
  async dial(to: Address, { signal, timeoutMs: ms = this.#options.timeoutMs }: Socks5DialOptions): Promise<Conn> {
    if (to.kind === "unix") throw this.#error("target", "cannot lead to a Unix socket");
    const { clock } = this.#options;
    const progress: Progress = { waitingFor: "a connection" };
    const late = () =>
      this.#error(progress.fault ?? "proxy", `gave ${noAnswerWithin(ms)}: waited for ${progress.waitingFor}`);
    return await openWithin({ clock, ms, parent: signal, late }, async (own) => {
      const attempt = { signal: own, progress };
      let failure: unknown;
      for (const target of await this.#targets(to, attempt)) {
        try {
          return await this.#connect(target, attempt);
        } catch (error) {
          if (!(error instanceof Socks5Error) || error.fault === "proxy") throw error;
          failure = error;
        }
      }
      throw failure;
    });
  }

  /** What the proxy is asked for: an address, or a name if it looks that up. */
  async #targets(to: TcpAddress, { signal, progress }: Attempt): Promise<readonly TcpAddress[]> {
    const { proxy: { remoteDns }, resolver } = this.#options;
    if (remoteDns) return [to];
    progress.waitingFor = `the addresses of ${to.host}`;
    progress.fault = "target";
    try {
      const hosts = await resolver.resolve(to.host, { signal });
      progress.fault = undefined;
      return hosts.map((host) => ({ ...to, host }));
    } catch (error) {
      signal.throwIfAborted();
      throw this.#error("target", `cannot be asked for ${formatAddress(to)}: ${messageOf(error)}`, error);
    }
  }

  async #connect(to: TcpAddress, attempt: Attempt): Promise<Conn> {
    const { signal, progress } = attempt;
    progress.waitingFor = "a connection";
    const conn = await this.#reach(signal);
    using _ending = disposedBy(signal, conn);
    try {
      signal.throwIfAborted();
      await this.#shakeHands(conn, to, progress);
      signal.throwIfAborted();
    } catch (error) {
      conn[Symbol.dispose]();
      signal.throwIfAborted();
      if (!(error instanceof ConnectionOver)) throw error;
      throw this.#error("proxy", `closed the connection instead of giving ${progress.waitingFor}`, error);
    }
    if (conn instanceof SocketConn) conn.leadsTo(to);
    return conn;
  }

  async #reach(signal: AbortSignal): Promise<Conn> {
    const { proxy, dialer } = this.#options;
    try {
      return await dialer.dial(proxy.address, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw this.#error("proxy", `cannot be reached: ${messageOf(error)}`, error);
    }
  }

  async #shakeHands(conn: Conn, to: TcpAddress, progress: Progress): Promise<void> {
    const { credentials } = this.#options.proxy;
    progress.waitingFor = "an answer to the greeting";
    await writeAll(conn, encodeGreeting(credentials !== undefined));
    const method = await this.#read(conn, decodeMethod);
    if (method !== "none") {
      if (credentials === undefined) {
        throw this.#error("proxy", "wants another login than none: give user and password");
      }
      if (method === "refused") throw this.#error("proxy", "takes neither no login nor one by user and password");
      progress.waitingFor = "an answer to the login";
      await writeAll(conn, encodeLogin(credentials));
      if (!await this.#read(conn, decodeLoginReply)) throw this.#error("proxy", "refuses the user and the password");
    }
    progress.waitingFor = "an answer to the request";
    await writeAll(conn, encodeConnect(to));
    this.#judge(await this.#read(conn, decodeConnectReply), to);
  }

  #judge({ code }: ConnectReply, to: TcpAddress): void {
    if (code === 0) return;
    const { words, fault } = explainReply(code);
    throw this.#error(fault, `cannot connect to ${formatAddress(to)}: ${words}`);
  }

  /** One message of the proxy, and not a byte more. */
  async #read<T>(conn: Conn, decode: (bytes: Uint8Array) => Decoded<T>): Promise<T> {
    let bytes = new Uint8Array(0);
    for (;;) {
      const decoded = decode(bytes);
      if (decoded.kind === "done") return decoded.value;
      if (decoded.kind === "bad") throw this.#error("proxy", decoded.reason);
      const more = new Uint8Array(bytes.length + decoded.needs);
      const count = await conn.read(more.subarray(bytes.length)).catch((cause: unknown) => {
        throw new ConnectionOver("The connection was over while reading", { cause });
      });
      if (count === null) throw new ConnectionOver("The connection ended");
      more.set(bytes);
      bytes = more.subarray(0, bytes.length + count);
    }
  }

  #error(fault: "proxy" | "target", reason: string, cause?: unknown): Socks5Error {
    return new Socks5Error(this.#options.proxy.address, fault, reason, cause === undefined ? undefined : { cause });
  }
}

/** How far a dial has come, to tell what it waited for in vain, and whose fault that would be. */
interface Progress {
  waitingFor: string;
  /** @default {"proxy"} */
  fault?: "target" | undefined;
}

interface Attempt {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}
