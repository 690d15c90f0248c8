/** Who can be asked for the addresses of a name: the system, or a DNS server by some transport. */
import type { DnsAnswer, DnsQuestion } from "../wire/dns_message.ts";

/** What is known of a name. Times to live are milliseconds; `undefined` if nobody said for how long it holds. */
export type Lookup =
  | { readonly kind: "found"; readonly addresses: readonly string[]; readonly ttlMs: number | undefined }
  /** There is no such name, or it has no address: `reason` says which. */
  | { readonly kind: "none"; readonly reason: string; readonly ttlMs: number | undefined };

export interface DnsSource extends Disposable {
  /**
   * Looks `name` up until `signal` aborts.
   *
   * @throws {Error} If nobody says anything about it.
   */
  lookUp(name: string, signal: AbortSignal): Promise<Lookup>;
}

export interface TitledSource extends DnsSource {
  /** For errors and logs, such as `tls://1.1.1.1:853`. */
  readonly title: string;
}

/** Brings one question to a DNS server and its answer back. */
export interface DnsTransport extends Disposable {
  /** @throws {Error} If there is none; at latest when `signal` aborts. */
  exchange(question: DnsQuestion, signal: AbortSignal): Promise<DnsAnswer>;
}
