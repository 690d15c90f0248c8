/**
 * Visits a web site as a browser does: a whole TLS handshake, and a HEAD request for the time.
 *
 * By `node:tls`, since Deno's own sockets show no certificate; and not by `HttpResponseDecoder`, since an answer to HEAD has no
 * body whatever its header says, and of the header nothing but the date needs to be right.
 */
import { connect as connectPlain, type Socket } from "node:net";
import { checkServerIdentity, connect, type PeerCertificate, type TLSSocket } from "node:tls";
import type { Address } from "../address.ts";
import type { Clock } from "../clock.ts";

/** The most of an answer that is read to find its date. */
const answerAtMost = 16 * 1024;

export interface VisitOptions {
  /** The site, by IP address or as a Unix socket. */
  readonly address: Address;
  /** The name that it is asked for, and that its certificate must be for. */
  readonly name: string;
  /** Application protocols that are offered, such as `h2` and `http/1.1`. */
  readonly protocols: readonly string[];
  /** Sent before the handshake: a PROXY protocol header, for a site that wants one. */
  readonly preface?: Uint8Array | undefined;
  /** PEM of authorities to trust in place of those of the runtime. */
  readonly caCerts?: readonly string[] | undefined;
  readonly clock: Clock;
  /** Ends it; nothing else does while the site is silent. */
  readonly signal: AbortSignal;
}

export interface SiteCertificate {
  /** As the certificate has them, some at most. */
  readonly names: readonly string[];
  readonly fitsName: boolean;
  /** Unix time in milliseconds; `undefined` if it does not say. */
  readonly validFromMs: number | undefined;
  readonly validToMs: number | undefined;
  /** Whether an authority that the runtime trusts stands behind it, and it is in force and for that name. */
  readonly isTrusted: boolean;
}

export interface SiteVisit {
  /** What was agreed on of `protocols`; `undefined` if nothing was. */
  readonly protocol: string | undefined;
  readonly certificate: SiteCertificate;
}

/**
 * What a site shows in a handshake.
 *
 * @throws {Error} If there is none. The reason of `signal` if it aborts.
 */
export async function visitSite(options: VisitOptions): Promise<SiteVisit> {
  return await inside(options, (socket) => Promise.resolve(visitOf(socket, options.name)));
}

/** What time it is by a web site. */
export interface SiteDate {
  /** How far the clock of this machine is ahead; right to half a second, for that is how the header is. */
  readonly aheadMs: number;
}

/**
 * The `Date` of what the site answers to a HEAD request, as a clock; `undefined` if it does not say. Only HTTP/1.1 is spoken.
 *
 * @throws {Error} If the site cannot be visited. The reason of `signal` if it aborts.
 */
export async function askSiteDate(options: Omit<VisitOptions, "protocols">): Promise<SiteDate | undefined> {
  return await inside({ ...options, protocols: ["http/1.1"] }, async (socket) => {
    const askedMs = options.clock.elapsedMs();
    socket.write(`HEAD / HTTP/1.1\r\nHost: ${options.name}\r\nConnection: close\r\n\r\n`);
    const head = await readHead(socket);
    const [, text = ""] = /^date:[ \t]*([^\r\n]*)/im.exec(head) ?? [];
    const dateMs = Date.parse(text);
    if (Number.isNaN(dateMs)) return undefined;
    const answeredMs = (options.clock.elapsedMs() - askedMs) / 2;
    // The header leaves fractions of a second off.
    return { aheadMs: options.clock.nowMs() - answeredMs - (dateMs + 500) };
  });
}

/** Does `work` inside a handshake, and closes. */
async function inside<T>(options: VisitOptions, work: (socket: TLSSocket) => Promise<T>): Promise<T> {
  const { signal } = options;
  signal.throwIfAborted();
  const { promise: failure, reject } = Promise.withResolvers<never>();
  failure.catch(() => {});
  const plain = open(options.address);
  const closed = [ended(plain)];
  plain.on("error", reject);
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  let socket: TLSSocket | undefined;
  try {
    await Promise.race([once(plain, "connect"), failure]);
    if (options.preface !== undefined) plain.write(options.preface);
    socket = startTls(plain, options);
    closed.push(ended(socket));
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("it closed the connection")));
    await Promise.race([once(socket, "secureConnect"), failure]);
    return await Promise.race([work(socket), failure]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    socket?.destroy();
    plain.destroy();
    await Promise.all(closed);
  }
}

function open(address: Address): Socket {
  return address.kind === "unix"
    ? connectPlain({ path: address.path })
    : connectPlain({ host: address.host, port: address.port });
}

function startTls(socket: Socket, { name, protocols, caCerts }: VisitOptions): TLSSocket {
  return connect({
    socket,
    servername: name,
    ALPNProtocols: [...protocols],
    // What is wrong with the certificate is what this wants to know.
    rejectUnauthorized: false,
    ...caCerts === undefined ? {} : { ca: [...caCerts] },
  });
}

function visitOf(socket: TLSSocket, name: string): SiteVisit {
  const certificate = socket.getPeerCertificate();
  const protocol = socket.alpnProtocol;
  return {
    protocol: typeof protocol === "string" && protocol !== "" ? protocol : undefined,
    certificate: {
      names: namesOf(certificate),
      fitsName: checkServerIdentity(name, certificate) === undefined,
      validFromMs: timeOf(certificate.valid_from),
      validToMs: timeOf(certificate.valid_to),
      isTrusted: socket.authorized,
    },
  };
}

const namesAtMost = 4;

/** Only what a name may hold: they end up on a terminal. */
function namesOf({ subjectaltname = "" }: PeerCertificate): readonly string[] {
  const names = [...subjectaltname.matchAll(/(?:DNS|IP Address):([A-Za-z0-9.*:_-]+)/g)].map(([, name]) => name ?? "");
  return names.slice(0, namesAtMost);
}

function timeOf(text: string): number | undefined {
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

async function readHead(socket: TLSSocket): Promise<string> {
  let head = "";
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on("data", (data: Uint8Array) => {
    head += new TextDecoder("latin1").decode(data);
    if (head.includes("\r\n\r\n") || head.length > answerAtMost) resolve();
  });
  socket.on("end", resolve);
  await promise;
  return head.split("\r\n\r\n")[0] ?? "";
}

function once(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve) => socket.once(event, () => resolve()));
}

function ended(socket: Socket): Promise<void> {
  return once(socket, "close");
}
