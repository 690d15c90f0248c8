/**
 * TLS as a client over any `Conn`.
 *
 * The runtime speaks TLS over sockets of its own only, so this puts a pair of them between: one end stays here and is given
 * TLS, what comes out of the other end is passed on to the connection and back. (fetch with a CONNECT proxy of our own would
 * do too, but for NO_PROXY in the environment, which makes it connect by itself: past the SOCKS proxies.)
 */
import { disposedBy } from "../relay/aborts.ts";
import { type Conn, sendWhole, writeAll } from "../relay/conn.ts";

const bufferBytes = 16 * 1024;

export interface TlsTunnelOptions {
  /** The name, or IP address, that the certificate must be for. */
  readonly hostname: string;
  /** PEM of authorities to trust beyond those of the runtime. */
  readonly caCerts?: readonly string[] | undefined;
  /** Ends the tunnel, at whatever point it is. */
  readonly signal: AbortSignal;
}

/** Whoever opens one disposes it, which closes the connection too. */
export class TlsTunnel implements AsyncDisposable {
  readonly #tls: Deno.TlsConn;
  readonly #close: () => Promise<void>;

  private constructor(tls: Deno.TlsConn, close: () => Promise<void>) {
    this.#tls = tls;
    this.#close = close;
  }

  /**
   * Takes `conn` over, whatever comes of it.
   *
   * @throws {Error} If the certificate is not for `hostname` or not to be trusted, or the connection ends before that is known.
   */
  static async open(conn: Conn, { hostname, caCerts = [], signal }: TlsTunnelOptions): Promise<TlsTunnel> {
    using whole = new DisposableStack();
    whole.use(conn);
    const { near, far } = await socketPair();
    whole.defer(() => closeQuietly(far));
    const passing = Promise.all([passOn(conn, far), passBack(far, conn)]);
    const cut = () => (conn[Symbol.dispose](), closeQuietly(far));
    whole.use(disposedBy(signal, { [Symbol.dispose]: cut }));
    const tls = await shakeHands(near, { hostname, caCerts: [...caCerts] }, passing, cut);
    const rest = whole.move();
    return new TlsTunnel(tls, async () => {
      closeQuietly(tls);
      rest.dispose();
      await passing;
    });
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#tls.read(into);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await sendWhole(this.#tls, bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

async function shakeHands(
  near: Deno.TcpConn,
  options: Deno.StartTlsOptions,
  passing: Promise<unknown>,
  cut: () => void,
): Promise<Deno.TlsConn> {
  let tls: Deno.TlsConn | undefined;
  try {
    tls = await Deno.startTls(near, options);
    await tls.handshake();
    return tls;
  } catch (error) {
    closeQuietly(tls ?? near);
    cut();
    await passing;
    throw error;
  }
}

/** Two ends of a connection over loopback, with nobody else's end in their place. */
async function socketPair(): Promise<{ readonly near: Deno.TcpConn; readonly far: Deno.TcpConn }> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connecting = Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  try {
    const near = await connecting;
    const own = near.localAddr.port;
    for (;;) {
      const far = await listener.accept();
      if (far.remoteAddr.port === own) {
        for (const end of [near, far]) end.setNoDelay(true);
        return { near, far };
      }
      // Another program has tried the port.
      far.close();
    }
  } catch (error) {
    connecting.then(closeQuietly, () => {});
    throw error;
  }
}

/** From the connection to the socket, until either ends. */
async function passOn(conn: Conn, far: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(bufferBytes);
  try {
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      await sendWhole(far, buffer.subarray(0, count));
    }
    await far.closeWrite();
  } catch {
    // Over, by either end. TLS tells an end that was cut off from a proper one.
    closeQuietly(far);
  }
}

/** From the socket to the connection, until either ends. */
async function passBack(far: Deno.TcpConn, conn: Conn): Promise<void> {
  const buffer = new Uint8Array(bufferBytes);
  try {
    for (let count = await far.read(buffer); count !== null; count = await far.read(buffer)) {
      await writeAll(conn, buffer.subarray(0, count));
    }
    await conn.closeWrite();
  } catch {
    closeQuietly(far);
  }
}

function closeQuietly(socket: { close(): void }): void {
  try {
    socket.close();
  } catch {
    // It is closed already.
  }
}
