/**
 * The answer to an HTTP/1.1 GET, as it comes in pieces (RFC 9112).
 *
 * ```text
 * HTTP/1.1 200 OK CRLF              status line; answers 100 to 199 come before the real one and are passed over
 * name: value CRLF … CRLF           header
 * body                              as long as content-length says, in chunks, or all until the end of the connection
 *
 * chunk:  length in hex [;…] CRLF, so many bytes, CRLF; the last has length 0, then come trailers and an empty line
 * ```
 */
export interface HttpResponse {
  readonly status: number;
  /** Names in small letters; the values of a repeated one are joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

export type HttpProgress =
  /** More must come. */
  | { readonly kind: "incomplete" }
  | { readonly kind: "response"; readonly response: HttpResponse }
  /** It is no answer, or too large a one. `reason` goes on after "the server". */
  | { readonly kind: "bad"; readonly reason: string };

/** Bound of the header; of the line before a chunk, and of all trailers, too. */
const headAtMostBytes = 32 * 1024;

type State =
  | { readonly at: "head" }
  | { readonly at: "sized"; left: number }
  | { readonly at: "chunk-length" }
  | { readonly at: "chunk"; left: number }
  | { readonly at: "chunk-end" }
  | { readonly at: "trailers" }
  | { readonly at: "until-end" };

/** What ends the decoding with words for a person. */
class Bad extends Error {}

/** Decodes one answer; bodies of more than `maxBytes` are refused. Never throws, whatever comes. */
export class HttpResponseDecoder {
  readonly #maxBytes: number;
  #state: State = { at: "head" };
  /** The part of a line that has come. */
  #line = "";
  #headBytes = 0;
  #status = 0;
  #headers = new Map<string, string>();
  /** Grows by doubling: a server may send its body byte by byte. */
  #body = new Uint8Array(4096);
  #bodyBytes = 0;
  #result: HttpProgress = { kind: "incomplete" };

  constructor({ maxBytes }: { readonly maxBytes: number }) {
    this.#maxBytes = maxBytes;
  }

  /** Takes what came next, and copies what it keeps; what comes after the answer is ignored. */
  push(bytes: Uint8Array): HttpProgress {
    return this.#guarded(() => {
      for (let rest = bytes; rest.length > 0 && this.#result.kind === "incomplete";) rest = this.#take(rest);
    });
  }

  /** The server has closed the connection. */
  end(): HttpProgress {
    return this.#guarded(() => {
      if (this.#result.kind !== "incomplete") return;
      if (this.#state.at !== "until-end") throw new Bad("closed the connection before its answer was complete");
      this.#finish();
    });
  }

  #guarded(step: () => void): HttpProgress {
    try {
      step();
    } catch (error) {
      if (!(error instanceof Bad)) throw error;
      this.#result = { kind: "bad", reason: error.message };
    }
    return this.#result;
  }

  /** Takes a part of `bytes`, and gives the rest. */
  #take(bytes: Uint8Array): Uint8Array {
    const state = this.#state;
    switch (state.at) {
      case "until-end":
        this.#keep(bytes);
        return bytes.subarray(bytes.length);
      case "sized":
      case "chunk": {
        const part = bytes.subarray(0, state.left);
        this.#keep(part);
        state.left -= part.length;
        if (state.left === 0) this.#afterBytes(state.at);
        return bytes.subarray(part.length);
      }
      default:
        return this.#takeLine(bytes);
    }
  }

  #keep(bytes: Uint8Array): void {
    const size = this.#bodyBytes + bytes.length;
    this.#bound(size);
    if (size > this.#body.length) {
      const larger = new Uint8Array(Math.max(size, 2 * this.#body.length));
      larger.set(this.#body);
      this.#body = larger;
    }
    this.#body.set(bytes, this.#bodyBytes);
    this.#bodyBytes = size;
  }

  #bound(bodyBytes: number): void {
    if (bodyBytes > this.#maxBytes) throw new Bad(`answered with more than ${this.#maxBytes} bytes`);
  }

  #afterBytes(at: "sized" | "chunk"): void {
    if (at === "sized") this.#finish();
    else this.#state = { at: "chunk-end" };
  }

  #takeLine(bytes: Uint8Array): Uint8Array {
    const end = bytes.indexOf(0x0a);
    const part = bytes.subarray(0, end === -1 ? bytes.length : end + 1);
    this.#headBytes += part.length;
    if (this.#headBytes > headAtMostBytes) throw new Bad("answered with a header that has no end");
    for (const byte of part) this.#line += String.fromCharCode(byte);
    if (end !== -1) {
      const line = this.#line.replace(/\r?\n$/, "");
      this.#line = "";
      this.#onLine(line);
    }
    return bytes.subarray(part.length);
  }

  #onLine(line: string): void {
    switch (this.#state.at) {
      case "head":
        return this.#onHeadLine(line);
      case "chunk-length": {
        const length = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(line)?.[1];
        if (length === undefined) throw new Bad("answered with a chunk without a length");
        const left = parseInt(length, 16);
        this.#bound(this.#bodyBytes + left);
        this.#headBytes = 0;
        this.#state = left === 0 ? { at: "trailers" } : { at: "chunk", left };
        return;
      }
      case "chunk-end":
        if (line !== "") throw new Bad("answered with a chunk longer than it said");
        this.#state = { at: "chunk-length" };
        return;
      case "trailers":
        if (line === "") this.#finish();
    }
  }

  #onHeadLine(line: string): void {
    if (this.#status === 0) {
      const status = /^HTTP\/1\.[01] ([1-5]\d\d)(?: .*)?$/.exec(line)?.[1];
      if (status === undefined) throw new Bad("did not answer in HTTP/1.1");
      this.#status = Number(status);
      return;
    }
    if (line === "") return this.#afterHead();
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Bad("answered with a header that is none");
    const key = name.toLowerCase();
    const before = this.#headers.get(key);
    this.#headers.set(key, before === undefined ? value : `${before}, ${value}`);
  }

  #afterHead(): void {
    if (this.#status < 200) {
      this.#status = 0;
      this.#headers = new Map();
      return;
    }
    const encoding = this.#headers.get("content-encoding")?.toLowerCase() ?? "identity";
    if (encoding !== "identity") throw new Bad("answered with packed content, which it was not asked for");
    if (this.#status === 204 || this.#status === 304) return this.#finish();
    const transfer = this.#headers.get("transfer-encoding")?.toLowerCase();
    if (transfer === "chunked") this.#state = { at: "chunk-length" };
    else if (transfer !== undefined) throw new Bad("answered in a transfer encoding other than chunks");
    else this.#startSized(this.#headers.get("content-length"));
  }

  #startSized(length: string | undefined): void {
    if (length === undefined) {
      this.#state = { at: "until-end" };
      return;
    }
    // A proxy on the way may repeat the header; all must say the same (RFC 9112, section 6.3).
    const [first = "", ...others] = length.split(/[ \t]*,[ \t]*/);
    if (!/^\d{1,15}$/.test(first) || others.some((other) => other !== first)) {
      throw new Bad("answered with a content-length that is none");
    }
    this.#bound(Number(first));
    this.#state = { at: "sized", left: Number(first) };
    if (Number(first) === 0) this.#finish();
  }

  #finish(): void {
    const response = { status: this.#status, headers: this.#headers, body: this.#body.subarray(0, this.#bodyBytes) };
    this.#result = { kind: "response", response };
  }
}
