/** What the benchmark tells its load generator to do, and what it hears back: one JSON line each. */

/** The kinds of load. */
export type LoadMode = "down" | "up" | "echo" | "conn" | "idle";

/** A load to put on one proxy. */
export interface Job {
  readonly mode: LoadMode;
  /** Where the proxy listens, on 127.0.0.1. */
  readonly port: number;
  /** Key in hex and host of the fake-TLS secret; absent for a plain forwarder. */
  readonly secret?: { readonly key: string; readonly host: string } | undefined;
  readonly dc: number;
  /** Connections at a time. */
  readonly connections: number;
  /** How long `down`, `up`, `echo` and `conn` go on starting new steps. */
  readonly seconds: number;
  /** Most connections that `conn` makes. */
  readonly most: number;
  /** Bytes of one transfer of `down` and `up`, which follow each other on each connection. */
  readonly transferBytes: number;
  /** Bytes of a message of `echo`, `conn` and `idle`. */
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
  /** Bytes of payload moved by `down` and `up`, those of broken transfers included. */
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
export type LoadEvent =
  /** Ready to put the load on; `down`, `up` and `echo` have their connections open. */
  | { readonly event: "ready" }
  /** All clients of `idle` are in, and silent. */
  | { readonly event: "up" }
  | { readonly event: "done"; readonly result: LoadResult };

/** The line that makes a paused job go on. */
export const goOn = "go";
