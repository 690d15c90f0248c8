import { formatAddress } from "../address.ts";
import type { DnsServer } from "../config/config.ts";
import type { ServerOptions } from "./servers.ts";
import type { DnsSource, Lookup, TitledSource } from "./source.ts";

/**
 * A DNS server whose code is loaded when it is asked first: most configurations name none, and the library for DNS messages,
 * which is CommonJS, takes 4 MB in each thread.
 */
export class DeferredServer implements TitledSource {
  readonly title: string;
  readonly #server: DnsServer;
  readonly #options: ServerOptions;
  #source: Promise<DnsSource> | undefined;
  #isOver = false;

  constructor(server: DnsServer, options: ServerOptions) {
    this.#server = server;
    this.#options = options;
    this.title = titleOf(server);
  }

  async lookUp(name: string, signal: AbortSignal): Promise<Lookup> {
    if (this.#isOver) throw new Error("the resolver was closed");
    return await (await (this.#source ??= this.#load())).lookUp(name, signal);
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#source?.then((source) => source[Symbol.dispose](), () => {});
  }

  async #load(): Promise<DnsSource> {
    const { openServer } = await import("./servers.ts");
    return openServer(this.#server, this.#options);
  }
}

/** A path may hold the account of who asks. */
function titleOf(server: DnsServer): string {
  if (server.kind === "https") return new URL(server.url).origin;
  return `${server.kind}://${formatAddress({ ...server, kind: "tcp" })}`;
}
