/** Pairs of sockets on loopback, and directories for those that have a path. */
import { SocketConn } from "../../lib/net/socket_conn.ts";

/** Both ends of a connection; the second is the raw socket that was accepted. */
export async function socketPair(hostname = "127.0.0.1"): Promise<[SocketConn, Deno.TcpConn]> {
  using listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const [socket, accepted] = await Promise.all([Deno.connect({ hostname, port }), listener.accept()]);
  return [new SocketConn(socket), accepted as Deno.TcpConn];
}

/** Whether this machine has an IPv6 loopback. */
export function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

/** A directory that is gone, with all that is in it, when it is disposed. */
export class TempDir implements Disposable {
  constructor(readonly path: string = Deno.makeTempDirSync()) {}

  at(name: string): string {
    return `${this.path}/${name}`;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** A socket file that nobody listens on, as a process leaves it that was killed. */
export function leaveStaleSocket(path: string): void {
  const listener = Deno.listen({ transport: "unix", path });
  // Closed under its own name it would take the file along.
  Deno.renameSync(path, `${path}.kept`);
  listener.close();
  Deno.renameSync(`${path}.kept`, path);
}
