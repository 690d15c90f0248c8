import type { Address } from "../address.ts";
import type { Conn } from "./conn.ts";

/** Opens connections: directly, or (from a later room) through a chain of proxies. */
export interface Dialer {
  /** Connects, or rejects; an abort of `signal` rejects at once and leaves no socket behind. */
  dial(to: Address, options: { readonly signal: AbortSignal }): Promise<Conn>;
}
