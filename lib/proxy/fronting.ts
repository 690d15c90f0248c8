/** Clients that have not proven the secret. */
import type { Address } from "../address.ts";
import { messageOf, ProtocolError } from "../errors.ts";
import { type Conn, writeAll } from "../relay/conn.ts";
import { unshaped } from "../relay/pump.ts";
import { encodeProxyHeader, hasProxySignature } from "../wire/proxy_protocol.ts";
import type { Inbox } from "./inbox.ts";
import { isTrusted } from "./proxy_header.ts";
import { Ended, type Link, type Stage } from "./stage.ts";

/**
 * Hands the client to the fronted site as if it had come there in the first place. Where none is fronted, reads and ignores it
 * until the handshake times out, as a server does that waits for more. One that came and went without a byte is let go.
 */
export async function turnAway(
  stage: Stage,
  error: ProtocolError,
  inbox: Inbox,
): Promise<Link> {
  const { front } = stage.options;
  tellUntrustedHeader(stage, inbox);
  const saidNothing = inbox.chunk.end === 0 && error.code === "closed-early";
  stage.tellRefused(error, saidNothing ? "closed" : front === undefined ? "ignored" : "fronted");
  if (saidNothing) throw new Ended(error.code);
  if (front === undefined) return await ignore(stage, inbox);
  const other = await dialFront(stage, front);
  await writeAll(other, stage.options.frontProxyProtocol === true ? introduced(stage.client, inbox) : inbox.received);
  stage.up.bytes += inbox.received.length;
  return { up: unshaped, down: unshaped, other, early: inbox.handOver() };
}

/** An operator who has forgotten a load balancer must find out why none of its clients is served. */
function tellUntrustedHeader(
  { id, client: { remote }, options: { proxyProtocol, events } }: Stage,
  inbox: Inbox,
): void {
  if (proxyProtocol === undefined || !hasProxySignature(inbox.received)) return;
  if (!isTrusted(remote, proxyProtocol.trusted)) events.emit({ type: "untrusted-header", id, remote });
}

/** What the client has sent so far, behind a header that tells the site where it came from. */
function introduced({ remote, local }: Conn, { received }: Inbox): Uint8Array {
  const header = encodeProxyHeader(remote, local);
  const bytes = new Uint8Array(header.length + received.length);
  bytes.set(header);
  bytes.set(received, header.length);
  return bytes;
}

async function dialFront(stage: Stage, front: Address): Promise<Conn> {
  const { events, dialer, frontDialer = dialer, isOwn } = stage.options;
  let other: Conn;
  try {
    other = await stage.dial(({ signal }) => frontDialer.dial(front, { signal }));
  } catch (error) {
    if (!stage.isStopped) events.emit({ type: "front-failed", id: stage.id, front, reason: messageOf(error) });
    throw new Ended("front-failed");
  }
  if (!isOwn(other)) return other;
  events.emit({ type: "front-loop", id: stage.id, front });
  throw new Ended("front-loop");
}

async function ignore(stage: Stage, inbox: Inbox): Promise<never> {
  try {
    for (;;) {
      stage.up.bytes += inbox.received.length;
      inbox.clear();
      await inbox.more();
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new Ended(error.code === "closed-early" ? "ended" : error.code);
  }
}
