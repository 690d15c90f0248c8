import { messageOf } from "../errors.ts";
import type { DnsAnswer, DnsQuestion } from "../wire/dns_message.ts";
import { decodeDnsAnswer, encodeDnsQuery } from "../wire/dns_message.ts";
import type { DnsTransport } from "./source.ts";

const mediaType = "application/dns-message";
/** Caches on the way can only tell messages apart that are the same but for the id: there it is 0 (RFC 8484, 4.1). */
const id = 0;
const messageAtMost = 65_535;

/** DNS over HTTPS (RFC 8484), over HTTP/2 where the server speaks it. A host name in the URL is looked up by the system. */
export class DnsHttps implements DnsTransport {
  readonly #url: string;
  readonly #caCerts: string[];
  #client: Deno.HttpClient | undefined;
  #isClosed = false;

  /** `caCerts` are PEM of authorities that are trusted besides the well-known ones. */
  constructor(url: string, caCerts: readonly string[]) {
    this.#url = new URL(url).href;
    this.#caCerts = [...caCerts];
  }

  async exchange(question: DnsQuestion, signal: AbortSignal): Promise<DnsAnswer> {
    if (this.#isClosed) throw new Error("the resolver was closed");
    const client = this.#client ??= Deno.createHttpClient({ caCerts: this.#caCerts, http1: true, http2: true });
    try {
      return decodeDnsAnswer(await this.#post(client, encodeDnsQuery(id, question, true), signal), id, question);
    } catch (error) {
      // Its connection may be dead without having been told so: the next question gets another one.
      if (this.#client === client) this.#drop();
      throw new Error(this.#explain(error), { cause: error });
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#drop();
  }

  #drop(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  /** "fetch failed", says fetch; what it came of says why, and the whole URL, whose path may name an account. */
  #explain(error: unknown): string {
    const why = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
    return messageOf(why).replaceAll(this.#url, new URL(this.#url).origin);
  }

  async #post(client: Deno.HttpClient, body: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<Uint8Array> {
    const headers = { "content-type": mediaType, accept: mediaType };
    const response = await fetch(this.#url, { method: "POST", body, headers, client, signal, redirect: "error" });
    const type = response.headers.get("content-type");
    if (response.ok && type?.split(";")[0]?.trim().toLowerCase() === mediaType) return await bytesOf(response);
    await response.body?.cancel();
    if (!response.ok) throw new Error(`it answered with HTTP status ${response.status}`);
    throw new Error(`it answered with ${type ?? "no content type"}, expected ${mediaType}`);
  }
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    parts.push(part);
    size += part.length;
    if (size > messageAtMost) throw new Error(`it sent more than ${messageAtMost} bytes`);
  }
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}
