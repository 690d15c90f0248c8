/** Clients of a load balancer that says where they came from, by a PROXY protocol header before their first byte. */
import type { Address } from "../address.ts";
import { ProtocolError } from "../errors.ts";
import type { IpSet } from "../policy/ip_set.ts";
import type { Conn } from "../relay/conn.ts";
import { type DecodedProxyHeader, decodeProxyHeader, hasProxySignature } from "../wire/proxy_protocol.ts";
import type { Inbox } from "./inbox.ts";

/** Whether a header from `peer` is believed: where only files can be reached, their permissions tell who may. */
export function isTrusted(peer: Address, trusted: IpSet): boolean {
  return peer.kind === "unix" || trusted.has(peer.host);
}

/**
 * Takes the header out of the inbox, if the client begins with one.
 *
 * A client that says nothing, or ends or falls silent before a header can be told from other bytes, is left to the handshake.
 *
 * @returns The client as the header names it, or as it was where there is none or one without addresses.
 * @throws {ProtocolError} bad-proxy-header; handshake-timeout, closed-early in the middle of a header.
 * @throws {ConnectionOver} If the client is gone.
 */
export async function readProxyHeader(client: Conn, inbox: Inbox): Promise<Conn> {
  const header = await awaitHeader(inbox);
  if (header.kind !== "done") return client;
  inbox.drop(header.consumed);
  const { source, destination } = header;
  return source === undefined || destination === undefined ? client : new NamedConn(client, source, destination);
}

async function awaitHeader(inbox: Inbox): Promise<DecodedProxyHeader> {
  try {
    for (;;) {
      await inbox.more();
      const decoded = decodeProxyHeader(inbox.received);
      if (decoded.kind !== "incomplete") return decoded;
    }
  } catch (error) {
    if (!(error instanceof ProtocolError) || hasProxySignature(inbox.received)) throw error;
    return { kind: "none" };
  }
}

/** A connection from a load balancer, with the addresses of the one that its client has with it. */
class NamedConn implements Conn {
  readonly #conn: Conn;
  readonly remote: Address;
  readonly local: Address;

  constructor(conn: Conn, remote: Address, local: Address) {
    this.#conn = conn;
    this.remote = remote;
    this.local = local;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#conn.read(into);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#conn.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  [Symbol.dispose](): void {
    this.#conn[Symbol.dispose]();
  }
}
