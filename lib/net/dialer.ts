import type { Address } from "../address.ts";
import type { Conn } from "../relay/conn.ts";
import type { Dialer } from "../relay/dialer.ts";
import { SocketConn } from "./socket_conn.ts";

/** Connects directly. Names are resolved by the system. */
export const directDialer: Dialer = {
  async dial(to: Address, { signal }: { readonly signal: AbortSignal }): Promise<Conn> {
    if (to.kind === "unix") return new SocketConn(await Deno.connect({ transport: "unix", path: to.path }));
    const socket = await Deno.connect({ hostname: to.host, port: to.port, signal });
    socket.setNoDelay(true);
    return new SocketConn(socket);
  },
};
