import { type Address, unmapIpv4 } from "../address.ts";
import type { Conn } from "../relay/conn.ts";

/** A TCP or Unix socket as a `Conn`. Reads and writes go straight to it: no promise of ours on the way. */
export class SocketConn implements Conn {
  readonly #socket: Deno.TcpConn | Deno.UnixConn;
  #target: Address | undefined;
  #closed = false;

  constructor(socket: Deno.TcpConn | Deno.UnixConn) {
    this.#socket = socket;
  }

  get remote(): Address {
    return this.#target ?? toAddress(this.#socket.remoteAddr);
  }

  /** What a proxy at the other end leads to; it counts as `remote` from now on. */
  leadsTo(target: Address): void {
    this.#target = target;
  }

  get local(): Address {
    return toAddress(this.#socket.localAddr);
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#socket.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#socket.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#socket.closeWrite();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }
}

/** A client over IPv4 on a dual-stack listener counts as IPv4. */
export function toAddress(address: Deno.Addr): Address {
  switch (address.transport) {
    case "tcp":
    case "udp":
      return { kind: "tcp", host: unmapIpv4(address.hostname), port: address.port };
    case "unix":
    case "unixpacket":
      return { kind: "unix", path: address.path ?? "" };
    default:
      throw new TypeError(`No address of a socket that this program opens: ${address.transport}`);
  }
}
