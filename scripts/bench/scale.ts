/** How much load a run puts on each subject. */
export interface Scale {
  readonly rounds: number;
  /** Length of one load. */
  readonly seconds: number;
  /** Most connections of one `conn` load: each leaves a port in TIME_WAIT. */
  readonly most: number;
  /** Odd, so that each transfer meets the keystream at another alignment. */
  readonly transferBytes: number;
  readonly stallMs: number;
  /** Rest before memory is read, and the length of the reading. */
  readonly settleSeconds: number;
  /** How many idle clients, ascending. */
  readonly idleLevels: readonly number[];
  readonly burstClients: number;
  readonly silentSockets: number;
  readonly mixedTransfers: number;
  readonly soakConnections: number;
}

/** What a process needs beside two descriptors for each client. */
const otherDescriptors = 500;

/** The most clients that a proxy can have with so many descriptors. */
export function mostClients(descriptors: number): number {
  return Math.floor((descriptors - otherDescriptors) / 2);
}
