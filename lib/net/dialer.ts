import type { Address } from "../address.ts";
import type { Conn } from "../relay/conn.ts";
import type { Dialer } from "../relay/dialer.ts";
import { SocketConn } from "./socket_conn.ts";

/** Connects directly. Names are looked up by the system. */
export class DirectDialer implements Dialer {
  readonly #keepAlive: boolean;

  /** `keepAlive`: the system asks now and then whether the other end is still there, at the pace that it is set to. */
  constructor({ keepAlive }: { readonly keepAlive: boolean }) {
    this.#keepAlive = keepAlive;
  }

  async dial(to: Address, { signal }: { readonly signal: AbortSignal }): Promise<Conn> {
    if (to.kind === "unix") return await dialUnix(to.path, signal);
    const socket = await Deno.connect({ hostname: to.host, port: to.port, signal });
    try {
      socket.setNoDelay(true);
      if (this.#keepAlive) socket.setKeepAlive(true);
    } catch {
      // It is over already: whoever uses it will see that.
    }
    return new SocketConn(socket);
  }
}

/** Without keep-alive: a session has a limit of its own for silence. */
export const directDialer: Dialer = new DirectDialer({ keepAlive: false });

/** Takes no time but where the listener's queue is full; the runtime has no abort for it. */
async function dialUnix(path: string, signal: AbortSignal): Promise<Conn> {
  signal.throwIfAborted();
  const socket = await Deno.connect({ transport: "unix", path });
  if (!signal.aborted) return new SocketConn(socket);
  socket.close();
  throw signal.reason;
}
