/** Stand-ins for what `HttpClient` downloads from. */
import type { Address } from "../../lib/address.ts";
import { directDialer } from "../../lib/net/dialer.ts";
import type { Conn } from "../../lib/relay/conn.ts";
import type { Dialer } from "../../lib/relay/dialer.ts";
import { Site, siteAuthority, type SiteScript } from "../support/fronted_site.ts";

/** What a client must trust to download from `serve()`. */
export const caCerts: readonly string[] = [siteAuthority];

/** A web server that reads the head of a request, answers with `parts`, one write each, and waits for the client's end. */
export function serve(...parts: readonly string[]): Site {
  return Site.tls(async (conn) => {
    await readHead(conn);
    for (const part of parts) await conn.write(new TextEncoder().encode(part));
    await conn.reader.all();
  });
}

/** An answer with a length. */
export function answer(body: string, { status = 200, headers = "" } = {}): string {
  return `HTTP/1.1 ${status} X\r\nContent-Length: ${new TextEncoder().encode(body).length}\r\n${headers}\r\n${body}`;
}

/** Reads a request up to its empty line. */
export const readHead: SiteScript = async ({ reader }) => {
  let head = "";
  while (!head.includes("\r\n\r\n")) {
    const part = await reader.some();
    if (part === null) throw new Error("no request");
    head += new TextDecoder().decode(part);
  }
};

export function requestOf(site: Site, connection = 0): readonly string[] {
  return new TextDecoder().decode(site.received(connection)).split("\r\n");
}

/** Takes names to ports of 127.0.0.1; all others refuse. */
export class MapDialer implements Dialer {
  readonly dialed: Address[] = [];
  readonly #ports: Readonly<Record<string, number>>;

  /** `ports` by `host:port`. */
  constructor(ports: Readonly<Record<string, number>>) {
    this.#ports = ports;
  }

  async dial(to: Address, options: { readonly signal: AbortSignal }): Promise<Conn> {
    this.dialed.push(to);
    const port = to.kind === "tcp" ? this.#ports[`${to.host}:${to.port}`] : undefined;
    if (port === undefined) throw new Error("nobody is there");
    return await directDialer.dial({ kind: "tcp", host: "127.0.0.1", port }, options);
  }
}
