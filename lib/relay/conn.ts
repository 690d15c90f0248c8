import type { Address } from "../address.ts";

/**
 * A duplex byte stream with half-close: a socket, or one end of `memoryPipe()`.
 *
 * - `read` fills a part of `into` and gives the number of bytes (1 or more), or `null` once the peer has sent its end.
 * - `write` sends a part of `bytes` and gives the number sent; `writeAll()` sends all.
 * - `closeWrite` tells the peer that nothing more follows; reading goes on.
 * - each of them rejects only if the connection is over, by the peer's reset or by disposing.
 * - disposing closes both ways at once, may be repeated, and makes pending calls reject or end.
 */
export interface Conn extends Disposable {
  /** The address of the other end. */
  readonly remote: Address;
  /** The address of this end. */
  readonly local: Address;
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
}

/** The connection was over before what was to be read or written was. */
export class ConnectionOver extends Error {
  override readonly name = "ConnectionOver";
}

/** Sends the whole of `bytes`, however many writes that takes. @throws {ConnectionOver} If the connection is over before. */
export async function writeAll(conn: Conn, bytes: Uint8Array): Promise<void> {
  try {
    await sendWhole(conn, bytes);
  } catch (cause) {
    throw new ConnectionOver("The connection was over while writing", { cause });
  }
}

/** The same to whatever sends a part of what it is given, such as a socket. @throws What that does. */
export async function sendWhole(to: Pick<Conn, "write">, bytes: Uint8Array): Promise<void> {
  let sent = await to.write(bytes);
  while (sent < bytes.length) sent += await to.write(bytes.subarray(sent));
}
