import type { Address } from "../address.ts";
import { messageOf } from "../errors.ts";
import { type Listener, type ListenOptions, openListeners } from "../net/listener.ts";

/** Listeners for the addresses of `bind-to`. @throws {Error} If there cannot be one for each; then there is none. */
export async function listenOn(
  addresses: readonly Address[],
  options: ListenOptions = {},
): Promise<ReadonlyMap<Address, Listener>> {
  try {
    return await openListeners(addresses, options);
  } catch (error) {
    throw new Error(`bind-to: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Which of the addresses of `bind-to` need a listener; found by listening on all for a moment. Several workers let each other
 * have the port, and so would not notice that another program has it too.
 *
 * @throws {Error} As `listenOn()` does.
 */
export async function probe(addresses: readonly Address[]): Promise<readonly Address[]> {
  using stack = new DisposableStack();
  const listeners = await listenOn(addresses);
  for (const listener of listeners.values()) stack.use(listener);
  return [...listeners.keys()];
}
