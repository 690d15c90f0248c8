/** What the supervisor and a worker say to each other. All that is shared besides goes along with `start`. */
import type { Address } from "../address.ts";
import type { ThreadOptions } from "../thread/proxy_thread.ts";
import type { Settings } from "../thread/settings.ts";

export type ToWorker =
  /** The first message to a worker: be this one, and hold this lifeline. */
  | { readonly type: "start"; readonly thread: ThreadOptions; readonly lifeline: string }
  /** Serve by these from now on. */
  | { readonly type: "apply"; readonly settings: Settings }
  /** Stop listening, let sessions finish for so long, and end. */
  | { readonly type: "stop"; readonly graceMs: number };

export type FromWorker =
  /** It serves; port 0 has become the real one. */
  | { readonly type: "listening"; readonly bound: readonly Address[] }
  /** It serves by the settings that it was sent; one for each time. */
  | { readonly type: "applied" }
  /** It cannot start, and ends. */
  | { readonly type: "failed"; readonly reason: string }
  /** As it was told to, it listens no more. */
  | { readonly type: "closed" }
  /** All its sessions are over, and it ends. */
  | { readonly type: "stopped" };
