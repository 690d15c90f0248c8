/** A web site on `node:tls`, which can be told what Deno's own server cannot: versions and application protocols. */
import { createServer, type Server, type TLSSocket } from "node:tls";
import { close, listen, portOf } from "./node_server.ts";

const fixtures = new URL("../fixtures/tls/", import.meta.url);

export interface NodeSiteOptions {
  readonly maxVersion?: "TLSv1.2" | undefined;
  /** None by default. */
  readonly protocols?: readonly string[] | undefined;
  /** What it answers to every request, headers and all; nothing by default. */
  readonly answer?: string | undefined;
}

export class NodeSite implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();
  /** Requests as they came. */
  readonly requests: string[] = [];

  private constructor({ maxVersion, protocols, answer }: NodeSiteOptions) {
    const [cert, key] = ["front.pem", "front.key"].map((name) => Deno.readTextFileSync(new URL(name, fixtures)));
    const chosen = {
      ...maxVersion === undefined ? {} : { maxVersion },
      ...protocols === undefined ? {} : { ALPNProtocols: [...protocols] },
    };
    this.#server = createServer({ cert: cert!, key: key!, ...chosen }, (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("data", (data: Uint8Array) => {
        this.requests.push(new TextDecoder().decode(data));
        if (answer !== undefined) socket.end(answer);
      });
    });
    this.#server.on("tlsClientError", () => {});
  }

  static async start(options: NodeSiteOptions = {}): Promise<NodeSite> {
    const site = new NodeSite(options);
    await listen(site.#server);
    return site;
  }

  get port(): number {
    return portOf(this.#server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await close(this.#server, this.#sockets);
  }
}
