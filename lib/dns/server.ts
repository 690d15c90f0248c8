import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { DnsAnswer, DnsRecordType } from "../wire/dns_message.ts";
import type { DnsSource, DnsTransport, Lookup } from "./source.ts";

/** So long one family's addresses wait for the other's answer: enough for a question that was lost and is sent again. */
const otherFamilyMs = 1_500;
/** Half of an answer is kept no longer. */
const halfTtlMs = 30_000;
/** The order in which addresses are given. */
const families: readonly DnsRecordType[] = ["AAAA", "A"];
const finished = new Error("both families have been asked");

/** What came of the question for one family. */
type Part = Extract<DnsAnswer, { kind: "addresses" | "none" }> | { readonly kind: "failed"; readonly why: string };

/** Asks a DNS server for the addresses of both families at once; one that fails, or is empty, leaves the other alone. */
export class DnsServerSource implements DnsSource {
  readonly #transport: DnsTransport;
  readonly #clock: Clock;

  constructor(transport: DnsTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  async lookUp(name: string, signal: AbortSignal): Promise<Lookup> {
    const over = new AbortController();
    const asking = AbortSignal.any([signal, over.signal]);
    const parts = new Map<DnsRecordType, Part>();
    try {
      const asked = families.map(async (type) => {
        const part = await this.#ask(name, type, asking);
        parts.set(type, part);
        return part;
      });
      const first = await Promise.race(asked);
      const all = Promise.all(asked);
      if (first.kind === "addresses") {
        await Promise.race([all, this.#clock.sleep(otherFamilyMs, asking).catch(() => {})]);
      } else await all;
      signal.throwIfAborted();
      return join(families.map((type) => parts.get(type) ?? { kind: "failed", why: "no answer" }));
    } finally {
      over.abort(finished);
    }
  }

  async #ask(name: string, type: DnsRecordType, signal: AbortSignal): Promise<Part> {
    try {
      const answer = await this.#transport.exchange({ name, type }, signal);
      switch (answer.kind) {
        case "addresses":
        case "none":
          return answer;
        case "error":
          return { kind: "failed", why: `it answered ${answer.rcode}` };
        case "truncated":
          return { kind: "failed", why: "its answer was cut short" };
        case "foreign":
          return { kind: "failed", why: "it sent something else than an answer" };
      }
    } catch (error) {
      return { kind: "failed", why: messageOf(error) };
    }
  }

  [Symbol.dispose](): void {
    this.#transport[Symbol.dispose]();
  }
}

/** @throws {Error} If neither family has an address, and one of them may have. */
function join(parts: readonly Part[]): Lookup {
  const found = parts.filter((part) => part.kind === "addresses");
  const none = parts.filter((part) => part.kind === "none");
  const failures = parts.flatMap((part) => part.kind === "failed" ? [part.why] : []);
  if (found.length > 0) {
    const ttlMs = 1_000 * Math.min(...found.map(({ ttlSeconds }) => ttlSeconds));
    const addresses = found.flatMap((part) => part.addresses);
    return { kind: "found", addresses, ttlMs: failures.length === 0 ? ttlMs : Math.min(ttlMs, halfTtlMs) };
  }
  const isNameKnown = none.every(({ nameExists }) => nameExists);
  if (failures.length > 0 && isNameKnown) throw new Error([...new Set(failures)].join("; "));
  const reason = isNameKnown ? "it knows no address of that name" : "it says that there is no such name";
  return { kind: "none", reason, ttlMs: 1_000 * Math.min(...none.map(({ ttlSeconds }) => ttlSeconds)) };
}
