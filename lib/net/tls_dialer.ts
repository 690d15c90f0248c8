import type { Address, TcpAddress } from "../address.ts";
import type { Conn } from "../relay/conn.ts";
import { toAddress } from "./socket_conn.ts";

/**
 * Opens TLS to `to` in the name of `host`, as a browser does: the certificate must be right for it, by the system's authorities
 * or those of `caCerts` (PEM). Rejects as soon as `signal` aborts, and leaves no socket behind.
 */
export async function dialTls(
  to: TcpAddress,
  host: string,
  { signal, caCerts }: { readonly signal: AbortSignal; readonly caCerts?: string[] },
): Promise<Conn> {
  const tcp = await Deno.connect({ hostname: to.host, port: to.port, signal });
  // Once TLS is started the runtime no longer says of which kind they are.
  const addresses = { remote: toAddress(tcp.remoteAddr), local: toAddress(tcp.localAddr) };
  const tls = await Deno.startTls(tcp, { hostname: host, ...(caCerts === undefined ? {} : { caCerts }) });
  const conn = new TlsConn(tls, addresses);
  const end = () => conn[Symbol.dispose]();
  signal.addEventListener("abort", end, { once: true });
  try {
    signal.throwIfAborted();
    await tls.handshake();
    return conn;
  } catch (error) {
    end();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", end);
  }
}

class TlsConn implements Conn {
  readonly remote: Address;
  readonly local: Address;
  readonly #tls: Deno.TlsConn;
  #closed = false;

  constructor(tls: Deno.TlsConn, { remote, local }: { readonly remote: Address; readonly local: Address }) {
    this.#tls = tls;
    this.remote = remote;
    this.local = local;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#tls.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#tls.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#tls.closeWrite();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tls.close();
  }
}
