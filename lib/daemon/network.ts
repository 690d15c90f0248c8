/** How a thread reaches others: where it looks names up, and which ways lead to Telegram. */
import type { Config } from "../config/config.ts";
import { directDialer } from "../net/dialer.ts";
import type { Dialer } from "../relay/dialer.ts";

export class Network implements Disposable {
  /** To Telegram. */
  readonly telegram: Dialer = directDialer;
  /** To everyone else. */
  readonly direct: Dialer = directDialer;
  /** Dials take no longer, so that so much later nobody uses it any more. */
  readonly longestDialMs: number;

  constructor(config: Config) {
    this.longestDialMs = config.network.timeout.tcpMs;
  }

  [Symbol.dispose](): void {
  }
}
