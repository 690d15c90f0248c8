/**
 * Looks names up, with the system or with a DNS server, and remembers the answers.
 *
 * ```text
 * resolve(host) ──▶ an IP literal? itself ──▶ fresh in the cache? that ──▶ being asked already? the same answer
 *                                                                      └─▶ ask; nobody answers? what was true once
 * ```
 */
import { isIp } from "../bytes/ip.ts";
import type { DnsServer } from "../config/config.ts";
import { messageOf } from "../errors.ts";
import { orAbort, within } from "../relay/aborts.ts";
import type { Resolver } from "../relay/resolver.ts";
import { dnsName } from "../wire/dns_name.ts";
import { DnsCache, type Known } from "./cache.ts";
import { DeferredServer } from "./deferred.ts";
import type { ServerOptions } from "./servers.ts";
import type { Lookup, TitledSource } from "./source.ts";
import { systemDns } from "./system.ts";

/** Addresses are given although their time is over, since nobody says anything newer. */
export interface StaleAnswer {
  readonly host: string;
  /** How long their time is over. */
  readonly overdueMs: number;
  /** Why there is nothing newer, as a whole sentence without its full stop. */
  readonly reason: string;
}

export interface ResolverOptions extends ServerOptions {
  /** Told whenever asking for a name in vain ends with stale addresses. */
  readonly onStale?: ((stale: StaleAnswer) => void) | undefined;
}

/** So long callers wait for news of a name whose stale addresses are at hand (RFC 8767, 5). */
const patienceMs = 1_800;
const finished = new Error("there is an answer");

/** A resolver that asks `dns`, or the system if that is `undefined`. Disposing it ends what is under way. */
export function createResolver(dns: DnsServer | undefined, options: ResolverOptions): CachingResolver {
  return new CachingResolver(dns === undefined ? systemDns : new DeferredServer(dns, options), options);
}

export class CachingResolver implements Resolver, Disposable {
  readonly #source: TitledSource;
  readonly #options: ResolverOptions;
  readonly #cache = new DnsCache();
  /** What is being asked for, by name. */
  readonly #asking = new Map<string, Promise<readonly string[]>>();
  readonly #closing = new AbortController();

  constructor(source: TitledSource, options: ResolverOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** @throws {Error} That names the host and who was asked; the reason of `signal` if it aborts. */
  async resolve(host: string, { signal }: { readonly signal: AbortSignal }): Promise<readonly string[]> {
    signal.throwIfAborted();
    if (isIp(host)) return [host];
    const name = dnsName(host);
    if (name === undefined) {
      throw new Error(`Cannot look up ${JSON.stringify(host)}: expected a name such as example.com`);
    }
    const source = this.#sourceOf(name);
    const cached = this.#cache.get(name, this.#options.clock.elapsedMs());
    if (cached.kind === "addresses") return cached.addresses;
    if (cached.kind === "none") throw failure(name, source, cached.reason);
    return await orAbort(this.#asking.get(name) ?? this.#begin(name, source, cached.stale), signal);
  }

  [Symbol.dispose](): void {
    this.#closing.abort(new Error("the resolver was closed"));
    this.#source[Symbol.dispose]();
  }

  /** Only the machine itself knows what `localhost` is (RFC 6761, 6.3). */
  #sourceOf(name: string): TitledSource {
    return name === "localhost" ? systemDns : this.#source;
  }

  /** Asks once for all who want to know, and whether or not they still do when the answer comes. */
  #begin(name: string, source: TitledSource, stale: Known | undefined): Promise<readonly string[]> {
    const asked = this.#ask(name, source, stale).finally(() => this.#asking.delete(name));
    const answer = stale === undefined ? asked : this.#inTime(asked, stale);
    answer.catch(() => {});
    this.#asking.set(name, answer);
    return answer;
  }

  async #ask(name: string, source: TitledSource, stale: Known | undefined): Promise<readonly string[]> {
    const { clock, timeoutMs: ms } = this.#options;
    const limits = { clock, ms, parent: this.#closing.signal };
    let lookup: Lookup;
    try {
      lookup = await within(limits, (signal) => source.lookUp(name, signal));
    } catch (error) {
      const failed = failure(name, source, messageOf(error), error);
      if (this.#closing.signal.aborted) throw failed;
      this.#cache.fail(name, messageOf(error), clock.elapsedMs());
      if (stale === undefined) throw failed;
      this.#options.onStale?.({
        host: name,
        overdueMs: clock.elapsedMs() - stale.freshUntilMs,
        reason: failed.message,
      });
      return stale.addresses;
    }
    this.#cache.learn(name, lookup, clock.elapsedMs());
    if (lookup.kind === "none") throw failure(name, source, lookup.reason);
    return lookup.addresses;
  }

  /** What comes of asking, or the stale addresses once patience is over. */
  #inTime(asked: Promise<readonly string[]>, stale: Known): Promise<readonly string[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    const answered = new AbortController();
    this.#options.clock.sleep(patienceMs, answered.signal).then(() => resolve(stale.addresses), () => {});
    asked.then(resolve, reject).finally(() => answered.abort(finished));
    return promise;
  }
}

function failure(name: string, source: TitledSource, reason: string, cause?: unknown): Error {
  return new Error(`Cannot look up ${name} with ${source.title}: ${reason}`, { cause });
}
