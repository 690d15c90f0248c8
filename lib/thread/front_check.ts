import type { Address } from "../address.ts";
import { messageOf } from "../errors.ts";
import type { ProxyOptions } from "../proxy/options.ts";
import { openWithin } from "../relay/aborts.ts";
import type { Conn } from "../relay/conn.ts";

/**
 * Looks once whether the fronted site can be reached and is not this proxy itself, and emits an event if not. Never rejects;
 * `signal` ends it.
 */
export async function checkFront(options: ProxyOptions, signal: AbortSignal): Promise<void> {
  const { front, dialer, frontDialer = dialer, clock, events, isOwn, timeouts } = options;
  if (front === undefined) return;
  try {
    using conn = await openWithin(
      { clock, ms: timeouts.tcpMs, parent: signal },
      (own) => frontDialer.dial(front, { signal: own }),
    );
    if (isOwn(conn)) events.emit({ type: "front-loop", front });
  } catch (error) {
    if (signal.aborted) return;
    events.emit({ type: "front-failed", front, reason: messageOf(error) });
  }
}

/** What a proxy listens on and is known by. */
export interface OwnAddresses {
  readonly bound: readonly Address[];
  /** Where the world reaches it; a router in between may lead there and back. */
  readonly public: readonly Address[];
}

/** Whether a connection that was dialed from here ends at a listener of this proxy. */
export function isOwnConnection({ local, remote }: Pick<Conn, "local" | "remote">, own: OwnAddresses): boolean {
  if (remote.kind === "unix") {
    return own.bound.some((address) => address.kind === "unix" && address.path === remote.path);
  }
  if (
    own.public.some((address) => address.kind === "tcp" && address.host === remote.host && address.port === remote.port)
  ) {
    return true;
  }
  // The system reaches an address of its own from that same address, and all of 127.0.0.0/8 from 127.0.0.1.
  if (local.kind !== "tcp" || (local.host !== remote.host && !remote.host.startsWith("127."))) return false;
  return own.bound.some((address) =>
    address.kind === "tcp" && address.port === remote.port &&
    (address.host === remote.host || address.host === "0.0.0.0" || address.host === "::")
  );
}
