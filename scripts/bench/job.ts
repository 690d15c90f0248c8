/** What the benchmark tells its load generator to do, and what it hears back: one JSON line each. */
import type { HelloKind } from "./hello.ts";

/**
 * The kinds of load: transfers one way; round trips; connections that are made, used once and closed; transfers of all sizes
 * both ways; clients that are in and silent; clients that come all at once; sockets on which nothing is ever said.
 */
export type LoadMode = "down" | "up" | "echo" | "conn" | "mixed" | "idle" | "burst" | "silent";

/** A load to put on one proxy. */
export interface Job {
  readonly mode: LoadMode;
  /** Where the proxy listens. */
  readonly hostname: string;
  readonly port: number;
  /** Key in hex and host of the fake-TLS secret, and how clients say hello; absent for a plain forwarder. */
  readonly secret?: { readonly key: string; readonly host: string; readonly hello: HelloKind } | undefined;
  readonly dc: number;
  /** Connections at a time. */
  readonly connections: number;
  /** How long all but `idle`, `burst` and `silent` go on starting new steps. */
  readonly seconds: number;
  /** Most connections that `conn` makes, transfers of `mixed`, and clients that want to be served beside those of `silent`. */
  readonly most: number;
  /** At how many clients `idle` pauses, ascending; the last is `connections`. */
  readonly levels: readonly number[];
  /** Bytes of one transfer of `down` and `up`, which follow each other on each connection. */
  readonly transferBytes: number;
  /** Bytes of a message of `echo`. */
  readonly messageBytes: number;
  /** Most bytes of a client's TLS record. */
  readonly recordBytes: number;
  /** After how long a transfer, a round trip or a handshake counts as stalled. */
  readonly stallMs: number;
}

/** What a job came to. */
export interface LoadResult {
  /** Transfers, round trips or connections that finished with the right bytes. */
  readonly done: number;
  /** Bytes of payload moved by transfers, those of broken ones included. */
  readonly bytes: number;
  readonly seconds: number;
  readonly stalls: number;
  readonly errors: number;
  /** Milliseconds of a round trip or a connection; 0 for transfers. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** The first few faults in words. */
  readonly faults: readonly string[];
}

/** A job pauses at each of these until it is told to go on. */
export type LoadPause =
  /** Ready to put the load on; `down`, `up` and `echo` have their connections open. */
  | { readonly event: "ready" }
  /** So many clients of `idle` are in and silent, or sockets of `silent` open. */
  | { readonly event: "up"; readonly open: number };

/** What the load generator says. */
export type LoadEvent = LoadPause | { readonly event: "done"; readonly result: LoadResult };

/** The line that makes a paused job go on. */
export const goOn = "go";
