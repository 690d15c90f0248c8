import { lookup } from "node:dns/promises";
import { orAbort } from "../relay/aborts.ts";
import type { Lookup, TitledSource } from "./source.ts";

/**
 * The system's own resolver (`getaddrinfo`): `/etc/hosts`, the servers of `/etc/resolv.conf`, and whatever else the machine has
 * been told to use. It needs the permission for the network alone. It tells no times to live and cannot be given up: after an
 * abort it goes on unheard.
 */
export const systemDns: TitledSource = {
  title: "the system's resolver",
  async lookUp(name: string, signal: AbortSignal): Promise<Lookup> {
    try {
      const found = await orAbort(lookup(name, { all: true, order: "verbatim" }), signal);
      return { kind: "found", addresses: [...new Set(found.map(({ address }) => address))], ttlMs: undefined };
    } catch (error) {
      if (!isUnknown(error)) throw error;
      return { kind: "none", reason: "it knows no such name, or no address of it", ttlMs: undefined };
    }
  },
  [Symbol.dispose]() {},
};

/** Everything else is that nobody could tell, such as `EAI_AGAIN`. */
function isUnknown(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOTFOUND";
}
