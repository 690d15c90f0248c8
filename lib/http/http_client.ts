/** Downloads over HTTPS, through whatever dials: directly with names looked up our way, or through SOCKS proxies. */
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { noAnswerWithin, openWithin } from "../relay/aborts.ts";
import type { Dialer } from "../relay/dialer.ts";
import { type HttpResponse as RawResponse, HttpResponseDecoder } from "../wire/http_response.ts";
import { TlsTunnel } from "./tls_tunnel.ts";

export interface HttpClientOptions {
  /** Opens the connections; it is given names, not addresses. */
  readonly dialer: Dialer;
  readonly clock: Clock;
  /** For a whole download, redirects included. */
  readonly timeoutMs: number;
  /** PEM of authorities to trust beyond those of the runtime. */
  readonly caCerts?: readonly string[] | undefined;
}

export interface GetOptions {
  readonly signal?: AbortSignal | undefined;
  /** The longest body. @default {1048576} */
  readonly maxBytes?: number | undefined;
  /** Sent beyond those that every request has; redirects get them too, so nothing secret belongs here. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface HttpResponse {
  /** Whatever the server says, good or bad. */
  readonly status: number;
  /** Names in small letters. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** A download has failed; the message says which one and why. */
export class HttpError extends Error {
  override readonly name = "HttpError";
}

const redirectsAtMost = 3;
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const defaultMaxBytes = 1024 * 1024;
const readBytes = 16 * 1024;

/** As a common tool says it: some services answer programs in plain text, and who asks is nobody's business. */
const defaultHeaders: Readonly<Record<string, string>> = { "user-agent": "curl/8.5.0", accept: "*/*" };

/** Keeps no connection open between downloads. Disposing ends those that are under way. */
export class HttpClient implements Disposable {
  readonly #options: HttpClientOptions;
  readonly #closing = new AbortController();

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /**
   * Downloads `url`, which must be https; the certificate must be for its host. Follows up to three redirects to https.
   *
   * @throws {HttpError} If it cannot be done, or not in time. The reason of `signal` if that aborts.
   */
  async get(url: string, { signal, maxBytes = defaultMaxBytes, headers = {} }: GetOptions = {}): Promise<HttpResponse> {
    const { clock, timeoutMs: ms } = this.#options;
    const late = () => new HttpError(`${show(url)}: ${noAnswerWithin(ms)}`);
    const outside = AbortSignal.any([this.#closing.signal, ...(signal === undefined ? [] : [signal])]);
    const asked = { ...defaultHeaders, ...lower(headers) };
    return await openWithin(
      { clock, ms, parent: outside, late },
      (signal) => this.#follow(url, { signal, maxBytes, headers: asked }),
    );
  }

  [Symbol.dispose](): void {
    this.#closing.abort(new HttpError("the download was given up"));
  }

  async #follow(text: string, options: RequestOptions): Promise<HttpResponse> {
    let url = checked(text, show(text));
    for (let redirects = 0;; redirects++) {
      const { status, headers, body } = await this.#request(url, options);
      const location = headers.get("location");
      if (!redirectStatuses.has(status) || location === undefined) {
        return { status, headers, text: new TextDecoder().decode(body) };
      }
      if (redirects === redirectsAtMost) throw new HttpError(`${show(text)}: more than ${redirectsAtMost} redirects`);
      url = checked(location, `${show(url.href)}: redirect to ${show(location, url)}`, url);
    }
  }

  async #request(url: URL, options: RequestOptions): Promise<RawResponse> {
    const { signal, maxBytes } = options;
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    const to = { kind: "tcp", host, port: Number(url.port || 443) } as const;
    try {
      const conn = await this.#options.dialer.dial(to, { signal });
      await using tunnel = await TlsTunnel.open(conn, { hostname: host, caCerts: this.#options.caCerts, signal });
      await tunnel.write(encodeRequest(url, options.headers));
      return await receive(tunnel, maxBytes);
    } catch (error) {
      signal.throwIfAborted();
      throw new HttpError(`${show(url.href)}: ${explain(error)}`, { cause: error });
    }
  }
}

interface RequestOptions {
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  /** Names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
}

function encodeRequest(url: URL, headers: RequestOptions["headers"]): Uint8Array {
  const lines = [`GET ${url.pathname}${url.search} HTTP/1.1`, `host: ${url.host}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return new TextEncoder().encode([...lines, "connection: close", "", ""].join("\r\n"));
}

async function receive(tunnel: TlsTunnel, maxBytes: number): Promise<RawResponse> {
  const decoder = new HttpResponseDecoder({ maxBytes });
  const buffer = new Uint8Array(readBytes);
  for (;;) {
    const count = await tunnel.read(buffer);
    const progress = count === null ? decoder.end() : decoder.push(buffer.subarray(0, count));
    if (progress.kind === "response") return progress.response;
    if (progress.kind === "bad") throw new Error(`the server ${progress.reason}`);
  }
}

/** `what` begins the message if `text` will not do. */
function checked(text: string, what: string, base?: URL): URL {
  const url = URL.parse(text, base);
  if (url === null) throw new HttpError(`${what}: expected a URL such as https://example.com/list.txt`);
  if (url.protocol !== "https:") {
    throw new HttpError(`${what}: expected https, so that nobody on the way can change it`);
  }
  if (url.username !== "" || url.password !== "") throw new HttpError(`${what}: expected no user name and password`);
  return url;
}

/** A URL for messages: without what may be secret, which are user name, password and query. */
function show(text: string, base?: URL): string {
  const url = URL.parse(text, base);
  return url === null ? "(no URL)" : `${url.protocol}//${url.host}${url.pathname}`;
}

function explain(error: unknown): string {
  if (error instanceof Deno.errors.UnexpectedEof || error instanceof Deno.errors.ConnectionReset) {
    return "the server closed the connection before its answer was complete";
  }
  if (error instanceof Deno.errors.NotCapable) return "Deno was started without the permission for it, --allow-net";
  return messageOf(error);
}

function lower(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
