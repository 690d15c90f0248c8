import type { TcpAddress } from "../address.ts";
import type { Conn } from "../relay/conn.ts";
import { SocketConn } from "./socket_conn.ts";

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
  const tls = await Deno.startTls(tcp, { hostname: host, ...(caCerts === undefined ? {} : { caCerts }) });
  const conn = new SocketConn(tls);
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
