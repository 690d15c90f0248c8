/** What the stages of a session share. */
import type { ProtocolError } from "../errors.ts";
import type { ConnectionId } from "../events/event.ts";
import type { ChunkPool } from "../relay/chunk.ts";
import type { Conn } from "../relay/conn.ts";
import type { EarlyRead, Meter, Shaper } from "../relay/pump.ts";
import type { SessionOptions } from "./options.ts";

/** What a stage may see and do of its session. */
export interface Stage {
  readonly id: ConnectionId;
  readonly client: Conn;
  readonly options: SessionOptions;
  readonly pool: ChunkPool;
  /** Counts what the client has sent. */
  readonly up: Meter;
  readonly isStopped: boolean;
  /** Whether the other side has been reached. */
  readonly hasOther: boolean;
  stop(reason: string): void;
  /** Dials within the tcp timeout; the end of the session ends it too. */
  dial(open: (dialing: AbortController) => Promise<Conn>): Promise<Conn>;
  /** Tells observers that the client was refused. */
  tellRefused(error: ProtocolError, outcome: "fronted" | "ignored" | "closed"): void;
}

/** Both sides of a session, ready to be relayed. */
export interface Link {
  readonly other: Conn;
  readonly up: Shaper;
  readonly down: Shaper;
  /** The read from the client that is under way. */
  readonly early: EarlyRead;
}

/** A session ends on purpose, by a word for the log. */
export class Ended extends Error {
  constructor(readonly reason: string) {
    super(reason);
  }
}
