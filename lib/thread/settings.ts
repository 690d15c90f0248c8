import type { Address } from "../address.ts";
import type { Config } from "../config/config.ts";

/** What a thread serves by, and can take over while it does. Goes to workers as a message, so it holds nothing but data. */
export interface Settings {
  readonly config: Config;
  /** Further addresses of data centres, as Telegram told them last. */
  readonly dcUpdates: ReadonlyMap<number, readonly Address[]>;
}
