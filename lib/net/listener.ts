/** Listening sockets, and the loop that accepts whatever happens. */
import { type Address, formatAddress } from "../address.ts";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { EventSink } from "../events/event.ts";
import type { Conn } from "../relay/conn.ts";
import { SocketConn, toAddress } from "./socket_conn.ts";

/** Connections that the kernel keeps for us until we accept them (it takes less where `somaxconn` is lower). */
export const tcpBacklog = 4096;
/** Pause after a failed accept where the next one would fail just as well. */
const pauseMs = 50;
/** Clients that went away before they were accepted are no reason to pause: so many in a row are. */
const failuresAtMost = 100;
/** So many connections are given up at once when there is no descriptor left. */
const roomAtOnce = 64;

type Socket = Deno.TcpConn | Deno.UnixConn;

export interface ListenOptions {
  /** Lets several workers listen on one TCP address, among which the kernel shares out the clients; Linux alone. */
  readonly reusePort?: boolean;
}

/** Whoever takes accepted connections over: a `Proxy`. */
export interface Server {
  /** Must not throw. */
  serve(conn: Conn): void;
  /** Closes up to `count` connections that can best be done without; gives how many. */
  makeRoom(count: number): number;
}

export class Listener implements Disposable {
  readonly #listener: Deno.Listener;
  /** As bound: the port that the system chose where port 0 was asked for. */
  readonly address: Address;
  readonly #closing = new AbortController();

  private constructor(listener: Deno.Listener) {
    this.#listener = listener;
    this.address = toAddress(listener.addr);
  }

  /** @throws {Error} If the address is taken, is not of this machine, or may not be listened on; it says which and why. */
  static async open(address: Address, { reusePort = false }: ListenOptions = {}): Promise<Listener> {
    try {
      if (address.kind === "unix") return new Listener(await listenUnix(address.path));
      return new Listener(listenTcp({ hostname: address.host, port: address.port, tcpBacklog, reusePort }));
    } catch (error) {
      throw new Error(`cannot listen on ${formatAddress(address)}: ${explain(error, address)}`, { cause: error });
    }
  }

  /**
   * Hands every client to `server` until the listener is disposed. No failure ends it: a process that is out of descriptors
   * asks for room, and serves again as soon as it has some.
   */
  async acceptInto(server: Server, { clock, events }: { clock: Clock; events: EventSink }): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    let isTold = false;
    while (!signal.aborted) {
      try {
        const socket = await this.#listener.accept() as Socket;
        failures = 0;
        isTold = false;
        const conn = prepare(socket);
        if (conn !== undefined) server.serve(conn);
      } catch (error) {
        if (signal.aborted) return;
        if (isClientGone(error) && ++failures < failuresAtMost) continue;
        if (!isTold) {
          events.emit({ type: "accept-failed", address: this.address, reason: explain(error, this.address) });
        }
        isTold = true;
        if (isOutOfDescriptors(error) && server.makeRoom(roomAtOnce) > 0) continue;
        await clock.sleep(pauseMs, signal).catch(() => {});
      }
    }
  }

  [Symbol.dispose](): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#listener.close();
  }
}

/**
 * Listens on all of `addresses`, or, if one fails, on none. Gives the listeners in the order of the addresses.
 *
 * `[::]` takes IPv4 clients as well, so `0.0.0.0` beside it with the same port is given no listener of its own: were that port
 * another program's, `[::]` would not have got it either.
 *
 * @throws {Error} As `Listener.open()` does.
 */
export async function openListeners(
  addresses: readonly Address[],
  options: ListenOptions = {},
): Promise<ReadonlyMap<Address, Listener>> {
  using opened = new DisposableStack();
  const listeners = new Map<Address, Listener>();
  const wildcardFirst = addresses.toSorted((a, b) => Number(isWildcard(b)) - Number(isWildcard(a)));
  for (const address of wildcardFirst) {
    try {
      listeners.set(address, opened.use(await Listener.open(address, options)));
    } catch (error) {
      if (!isTaken(error) || !wildcardFirst.some((other) => covers(other, address))) throw error;
    }
  }
  opened.move();
  return new Map(addresses.flatMap((address) => {
    const listener = listeners.get(address);
    return listener === undefined ? [] : [[address, listener]];
  }));
}

function isClientGone(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.NotConnected;
}

function isOutOfDescriptors(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EMFILE" || error.code === "ENFILE");
}

function isWildcard(address: Address): boolean {
  return address.kind === "tcp" && address.host === "::";
}

function covers(wildcard: Address, address: Address): boolean {
  return isWildcard(wildcard) && wildcard.kind === "tcp" && address.kind === "tcp" &&
    address.host === "0.0.0.0" && address.port === wildcard.port && address.port !== 0;
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Deno.errors.AddrInUse;
}

/** Small packets go out at once. A client that is gone already is dropped here. */
function prepare(socket: Socket): Conn | undefined {
  try {
    if ("setNoDelay" in socket) socket.setNoDelay(true);
    return new SocketConn(socket);
  } catch {
    socket.close();
    return undefined;
  }
}

/** All interfaces are those of IPv4 alone where the system has no IPv6. */
function listenTcp(options: Deno.TcpListenOptions): Deno.Listener {
  try {
    return Deno.listen(options);
  } catch (error) {
    if (
      options.hostname !== "::" || error instanceof Deno.errors.AddrInUse ||
      error instanceof Deno.errors.PermissionDenied
    ) {
      throw error;
    }
    return Deno.listen({ ...options, hostname: "0.0.0.0" });
  }
}

/** Every user of this machine may connect, as to a TCP port: a router in front of the proxy is another one as a rule. */
async function listenUnix(path: string): Promise<Deno.Listener> {
  const listener = await bindUnix(path);
  try {
    await Deno.chmod(path, 0o666);
    return listener;
  } catch (error) {
    listener.close();
    throw error;
  }
}

/** A socket file that a dead process left behind is taken over; one that somebody answers on, or another file, is not. */
async function bindUnix(path: string): Promise<Deno.Listener> {
  try {
    return Deno.listen({ transport: "unix", path });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    if (!(await Deno.lstat(path)).isSocket) throw new Error("there is a file that is no socket", { cause: error });
    if (await isAnswered(path)) throw error;
    await Deno.remove(path);
    return Deno.listen({ transport: "unix", path });
  }
}

async function isAnswered(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.ConnectionRefused);
  }
}

function explain(error: unknown, { kind }: Address): string {
  if (error instanceof Deno.errors.AddrInUse) return "another program listens there";
  if (error instanceof Deno.errors.AddrNotAvailable) return "this machine has no such address";
  if (error instanceof Deno.errors.PermissionDenied && kind === "unix") {
    return "this user may not make a file in its directory";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "the system does not allow it (ports below 1024 need root, CAP_NET_BIND_SERVICE or, in a container, " +
      "the sysctl net.ipv4.ip_unprivileged_port_start=0)";
  }
  return messageOf(error);
}
