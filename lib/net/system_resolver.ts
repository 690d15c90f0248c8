import type { Resolver } from "../relay/resolver.ts";

const ipv4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/** Asks the name servers that the system is set to, for addresses of both families at once. */
export const systemResolver: Resolver = {
  async resolve(host, { signal }) {
    if (ipv4.test(host) || host.includes(":")) return [host];
    const answers = await Promise.allSettled(
      (["A", "AAAA"] as const).map((type) => Deno.resolveDns(host, type, { signal })),
    );
    signal.throwIfAborted();
    const hosts = answers.flatMap((answer) => answer.status === "fulfilled" ? answer.value : []);
    if (hosts.length > 0) return hosts;
    const [failure] = answers;
    if (failure?.status === "rejected" && !(failure.reason instanceof Deno.errors.NotFound)) throw failure.reason;
    throw new Error(`there is no address of ${host}`);
  },
};
