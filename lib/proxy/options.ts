import type { Address, PreferIp } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { RandomSource } from "../crypto/random.ts";
import type { ConnectionId, EventSink } from "../events/event.ts";
import type { ClockWatch } from "../policy/clock_watch.ts";
import type { IpSet } from "../policy/ip_set.ts";
import type { ReplayFilter } from "../policy/replay_filter.ts";
import type { Secret } from "../policy/secret.ts";
import type { Slots } from "../policy/slots.ts";
import type { ChunkClass } from "../relay/chunk.ts";
import type { Conn } from "../relay/conn.ts";
import type { Dialer } from "../relay/dialer.ts";
import type { DcOverrides, DcUpdates } from "../telegram/addresses.ts";
import type { DcDialer } from "../telegram/direct.ts";

/** Everything that a `Proxy` needs. It opens no socket, reads no clock and draws no random number by itself. */
export interface ProxyOptions {
  readonly secret: Secret;
  /** One for each client at a time that has proven the secret. */
  readonly slots: Slots;
  /** Connections at a time that have not proven it; where there are more, those that have been silent longest make room. */
  readonly strangersAtMost: number;
  /** Opens connections to Telegram. */
  readonly dialer: Dialer;
  /** Opens those to the fronted site. @default {dialer} */
  readonly frontDialer?: Dialer | undefined;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly events: EventSink;
  /** Numbers for connections, where they are to be unique beyond this proxy. @default {1, 2, 3 and so on} */
  readonly nextId?: () => ConnectionId;
  /** Remembers handshakes; without one every replay gets in. */
  readonly replayFilter: ReplayFilter | undefined;
  /** How far a client's clock may be off. */
  readonly toleranceMs: number;
  /**
   * Telegram enciphers for the client directly and the proxy passes that on; otherwise it deciphers and enciphers again.
   * A quarter of the processor time for a download, at the price that the same ciphertext appears on both legs.
   */
  readonly fastMode: boolean;
  readonly preferIp: PreferIp;
  readonly dcOverrides: DcOverrides;
  /** Tried after the addresses built in, where nothing overrides those. @default {none} */
  readonly dcUpdates?: DcUpdates | undefined;
  /** Clients that ask for a data centre that does not exist get number 2; otherwise they are closed. */
  readonly fallbackOnUnknownDc: boolean;
  /** Where clients go that have not proven the secret; without one they are read and ignored until the handshake times out. */
  readonly front: Address | undefined;
  /**
   * Set where clients come through load balancers that tell their addresses by a PROXY protocol header. Those of `trusted` and
   * of Unix sockets are believed; they may also leave it out. From others it is what any stranger sends. @default {undefined}
   */
  readonly proxyProtocol?: { readonly trusted: IpSet } | undefined;
  /** Whether the fronted site gets such a header, of version 2, before the client's bytes. @default {false} */
  readonly frontProxyProtocol?: boolean;
  /** Whether a connection that was dialed ends at this proxy itself, which must not front itself. */
  readonly isOwn: (dialed: Conn) => boolean;
  /** The largest buffer, in bytes, that each direction of a session grows to. @default {262144} */
  readonly largestBuffer?: number | undefined;
  readonly timeouts: {
    /** For reaching a data centre or the fronted site. */
    readonly tcpMs: number;
    /** For everything until the client has proven the secret and named its data centre. */
    readonly handshakeMs: number;
    /** Without a byte in either direction. */
    readonly idleMs: number;
  };
}

/** What all sessions of a proxy share. */
export interface SessionOptions extends ProxyOptions {
  readonly largestChunk: ChunkClass;
  readonly dcDialer: DcDialer;
  readonly clockWatch: ClockWatch;
}
