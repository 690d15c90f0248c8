/** A dialer whose every call waits for the test to answer. */
import { type Address, formatAddress } from "../../lib/address.ts";
import type { Conn } from "../../lib/relay/conn.ts";
import type { Dialer } from "../../lib/relay/dialer.ts";
import type { FakeClock } from "../support/fake_clock.ts";
import { type MemoryConn, memoryPipe } from "../support/memory_pipe.ts";

/** One call. */
export interface Call {
  readonly host: string;
  /** After the script's start. */
  readonly atMs: number;
  readonly signal: AbortSignal;
  /** What was handed out. */
  readonly conn: MemoryConn | undefined;
  connect(): MemoryConn;
  fail(message?: string): void;
}

export class DialScript implements Dialer {
  readonly calls: Call[] = [];
  readonly #clock: FakeClock;
  readonly #startMs: number;
  /** Hosts that answer at once, with success or failure. */
  readonly answers = new Map<string, "connect" | "fail">();
  /** Whether an abort is obeyed; a badly behaved dialer answers all the same. */
  obeysAborts = true;

  constructor(clock: FakeClock) {
    this.#clock = clock;
    this.#startMs = clock.nowMs();
  }

  dial(to: Address, { signal }: { readonly signal: AbortSignal }): Promise<Conn> {
    const { promise, resolve, reject } = Promise.withResolvers<Conn>();
    const host = to.kind === "tcp" ? to.host : formatAddress(to);
    let conn: MemoryConn | undefined;
    const call: Call = {
      host,
      atMs: this.#clock.nowMs() - this.#startMs,
      signal,
      get conn() {
        return conn;
      },
      connect() {
        conn = memoryPipe()[0];
        resolve(conn);
        return conn;
      },
      fail: (message = "refused") => reject(new Error(message)),
    };
    this.calls.push(call);
    if (this.obeysAborts) {
      if (signal.aborted) reject(signal.reason);
      else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    }
    const answer = this.answers.get(host);
    if (answer === "connect") call.connect();
    if (answer === "fail") call.fail();
    return promise;
  }

  /** `host@milliseconds` of each call so far. */
  get order(): string[] {
    return this.calls.map(({ host, atMs }) => `${host}@${atMs}`);
  }
}
