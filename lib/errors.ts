/**
 * The two kinds of error that carry meaning: a peer that broke the protocol, and an operator's mistake.
 *
 * Faults of our own stay `TypeError` and `RangeError`; a connection that is over is `ConnectionOver` (`lib/relay/conn.ts`).
 */

/**
 * Why a peer was refused. The code is at once the log word, the metric label and (in `lib/proxy/session.ts`) what
 * decides whether the connection is handed to the fronted site.
 */
export type ProtocolErrorCode =
  | "bad-client-hello"
  | "bad-digest"
  | "bad-timestamp"
  | "bad-sni"
  | "replayed"
  | "bad-frame"
  | "wrong-transport"
  | "unknown-dc"
  | "bad-record"
  | "handshake-timeout"
  | "closed-early"
  | "bad-proxy-header";

/** A peer sent what the protocol does not allow. The message never holds bytes of the peer nor anything secret. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";

  constructor(readonly code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Where in a configuration something is wrong. Lines and columns count from 1. */
export interface ConfigErrorPlace {
  /** Dotted key, such as `network.timeout.tcp`; empty when the file as a whole is meant. */
  readonly path: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

/** The configuration, or a command line, cannot be used; the message says which key, which value and what is right. */
export class ConfigError extends Error implements ConfigErrorPlace {
  override readonly name = "ConfigError";
  readonly path: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(message: string, place: ConfigErrorPlace, options?: ErrorOptions) {
    super(message, options);
    this.path = place.path;
    this.file = place.file;
    this.line = place.line;
    this.column = place.column;
  }
}

/** What a caught value says of itself, be it an `Error` or not. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
