/**
 * What happened to a connection, as values. The proxy emits them and knows nothing of logs and metrics; observers listen.
 * No event is emitted for bytes: those are counted.
 */
import type { Address } from "../address.ts";
import type { ProtocolErrorCode } from "../errors.ts";

/** Number of a connection, counted from 1 within a process, by all its workers together. */
export type ConnectionId = number;

export type Event =
  /** A connection was accepted. */
  | { readonly type: "opened"; readonly id: ConnectionId; readonly remote: Address }
  /** The client has proven the secret, but no slot was free; it was closed without a word. */
  | { readonly type: "limited"; readonly id: ConnectionId; readonly remote: Address; readonly concurrency: number }
  /** It had not proven the secret, and was closed to make room for newer connections. */
  | { readonly type: "yielded"; readonly id: ConnectionId; readonly remote: Address }
  /** The client has not proven the secret, or sent nonsense later. */
  | {
    readonly type: "refused";
    readonly id: ConnectionId;
    readonly remote: Address;
    readonly code: ProtocolErrorCode;
    readonly reason: string;
    readonly outcome: "fronted" | "ignored" | "closed";
  }
  /** A PROXY protocol header came from an address that is not trusted; the client was refused, as anybody is who sends other bytes. */
  | { readonly type: "untrusted-header"; readonly id: ConnectionId; readonly remote: Address }
  /** The fronted site could not be reached. `id` is absent when it was found at start. */
  | { readonly type: "front-failed"; readonly id?: ConnectionId; readonly front: Address; readonly reason: string }
  /** Nobody tells the addresses of a name at the moment; those that were true last are used. */
  | { readonly type: "name-stale"; readonly host: string; readonly reason: string }
  /** The fronted site is this proxy itself. `id` is absent when it was found at start. */
  | { readonly type: "front-loop"; readonly id?: ConnectionId; readonly front: Address }
  /** The client's data centre was reached. */
  | { readonly type: "connected"; readonly id: ConnectionId; readonly dc: number; readonly address: Address }
  /** No address of the data centre could be reached. */
  | { readonly type: "dial-failed"; readonly id: ConnectionId; readonly dc: number; readonly reason: string }
  /** The client asked for a data centre that does not exist and got another. */
  | { readonly type: "dc-replaced"; readonly id: ConnectionId; readonly asked: number; readonly given: number }
  /** More handshakes than the replay filter holds were seen within its lifetime. */
  | { readonly type: "replay-filter-full"; readonly capacity: number }
  /**
   * Clients with the right secret agree on a time that is not this machine's: its clock may be wrong. `offsetSeconds` is how far
   * they are ahead of it (negative: behind), `clients` how many addresses say so.
   */
  | { readonly type: "clock-suspect"; readonly offsetSeconds: number; readonly clients: number }
  /** The end. `reason` is a word: ended, idle, reset, client-gone, limited, yielded, shutdown, or the code of what was refused. */
  | {
    readonly type: "closed";
    readonly id: ConnectionId;
    readonly remote: Address;
    readonly reason: string;
    readonly upBytes: number;
    readonly downBytes: number;
    readonly durationMs: number;
  }
  /** A proxy on the way to Telegram keeps failing: for so long it is left out where there is another way. */
  | { readonly type: "uplink-down"; readonly uplink: Address; readonly reason: string; readonly leftOutMs: number }
  /** It works again. */
  | { readonly type: "uplink-up"; readonly uplink: Address }
  /** A listener could not accept; it goes on. */
  | { readonly type: "accept-failed"; readonly address: Address; readonly reason: string }
  /** A fault of ours: the connection is closed, the rest goes on. */
  | { readonly type: "fault"; readonly id?: ConnectionId; readonly error: unknown };

export interface EventSink {
  /** Never throws and never waits. */
  emit(event: Event): void;
}

/** One that tells them all, in order. */
export function eachOf(...sinks: readonly EventSink[]): EventSink {
  return {
    emit(event) {
      for (const sink of sinks) sink.emit(event);
    },
  };
}
