/** DNS servers on 127.0.0.1 that answer as a script says: over UDP and TCP, over TLS, over HTTPS. */
import library from "dns-packet";
import { Buffer } from "node:buffer";
import type { DnsQuestion } from "../../lib/wire/dns_message.ts";
import { ByteReader } from "./byte_reader.ts";

const dnsPacket: { encode(packet: object): Uint8Array; decode(bytes: Buffer): QueryPacket } = library;
const fixtures = new URL("../fixtures/tls/", import.meta.url);
const read = (name: string) => Deno.readTextFileSync(new URL(name, fixtures));

/** PEM of the authority that a client of `DnsTlsServer` and `DnsHttpsServer` must trust. */
export const dnsAuthority: string = read("dns_ca.pem");

interface QueryPacket {
  readonly id: number;
  readonly questions: readonly DnsQuestion[];
}

/** One question as it came. */
export interface DnsQuery extends DnsQuestion {
  readonly id: number;
  readonly size: number;
  readonly transport: "udp" | "tcp" | "tls" | "https";
  /** Of the sender. */
  readonly port: number;
  /** How often this question has been asked, this time included. */
  readonly nth: number;
}

/** What a message says. */
export interface DnsReply {
  readonly rcode?: number;
  readonly truncated?: boolean;
  readonly answers?: readonly object[];
  readonly authorities?: readonly object[];
  /** Instead of those of the query. */
  readonly id?: number;
  readonly question?: DnsQuestion;
}

/** The messages that a query brings; none is silence. */
export type DnsScript = (query: DnsQuery) => DnsReply | readonly DnsReply[] | Promise<DnsReply>;

export const rcodes = { servfail: 2, nxdomain: 3, refused: 5 };
export const mute: readonly DnsReply[] = [];

/** Addresses of the family that is asked for. */
export function addresses(query: DnsQuestion, hosts: readonly string[], ttl = 60): DnsReply {
  const fitting = hosts.filter((host) => host.includes(":") === (query.type === "AAAA"));
  return { answers: fitting.map((data) => ({ name: query.name, type: query.type, ttl, data })) };
}

/** That there is no such name, or no address of it. */
export function nothing(rcode: number, ttl: number): DnsReply {
  const data = { mname: "ns.test", rname: "root.test", minimum: ttl };
  return { rcode, authorities: [{ name: "test", type: "SOA", ttl: 86_400, data }] };
}

export function encodeReply(query: DnsQuestion & { readonly id: number }, reply: DnsReply): Uint8Array<ArrayBuffer> {
  const { rcode = 0, truncated = false, answers = [], authorities = [], id = query.id, question = query } = reply;
  const questions = [{ name: question.name, type: question.type }];
  const flags = 1 << 7 | (truncated ? 1 << 9 : 0) | rcode;
  return Uint8Array.from(dnsPacket.encode({ type: "response", id, flags, questions, answers, authorities }));
}

/** Asks the script, and keeps what was asked. */
class Desk {
  readonly queries: DnsQuery[] = [];
  readonly #script: DnsScript;

  constructor(script: DnsScript) {
    this.#script = script;
  }

  async answer(
    message: Uint8Array,
    transport: DnsQuery["transport"],
    port: number,
  ): Promise<Uint8Array<ArrayBuffer>[]> {
    const { id, questions: [question] } = dnsPacket.decode(Buffer.from(message));
    const { name, type } = question!;
    const nth = 1 + this.queries.filter((query) => query.name === name && query.type === type).length;
    const query = { id, name, type, transport, port, nth, size: message.length };
    this.queries.push(query);
    const replies = await this.#script(query);
    return [replies].flat().map((reply) => encodeReply(query, reply));
  }
}

type Accepting = { accept(): Promise<Deno.Conn>; close(): void; readonly addr: Deno.Addr };

/** Messages with their lengths, over TCP or TLS. */
class StreamDesk {
  readonly desk: Desk;
  readonly #listener: Accepting;
  readonly #transport: "tcp" | "tls";
  readonly #conns = new Set<Deno.Conn>();
  readonly #tasks: Promise<void>[] = [];
  accepted = 0;

  constructor(desk: Desk, listener: Accepting, transport: "tcp" | "tls") {
    this.desk = desk;
    this.#listener = listener;
    this.#transport = transport;
    this.#tasks.push(this.#accept());
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  /** Ends all connections, and goes on listening. */
  dropAll(): void {
    for (const conn of this.#conns) conn.close();
    this.#conns.clear();
  }

  async close(): Promise<void> {
    this.#listener.close();
    this.dropAll();
    await Promise.allSettled(this.#tasks);
  }

  async #accept(): Promise<void> {
    for (;;) {
      const conn = await this.#listener.accept().catch(() => undefined);
      if (conn === undefined) return;
      this.accepted++;
      this.#conns.add(conn);
      this.#tasks.push(this.#serve(conn).catch(() => {}).finally(() => this.#close(conn)));
    }
  }

  #close(conn: Deno.Conn): void {
    if (this.#conns.delete(conn)) conn.close();
  }

  async #serve(conn: Deno.Conn): Promise<void> {
    const reader = new ByteReader((into) => conn.read(into));
    for (;;) {
      const [high, low] = await reader.exactly(2);
      const message = await reader.exactly(high! << 8 | low!);
      this.#tasks.push(this.#answer(conn, message).catch(() => {}));
    }
  }

  async #answer(conn: Deno.Conn, message: Uint8Array): Promise<void> {
    const { port } = conn.remoteAddr as Deno.NetAddr;
    for (const reply of await this.desk.answer(message, this.#transport, port)) {
      await conn.write(Uint8Array.of(reply.length >> 8, reply.length & 0xff, ...reply));
    }
  }
}

/** Plain DNS: UDP, and TCP on the same port. */
export class DnsUdpServer implements AsyncDisposable {
  readonly #desk: Desk;
  readonly #socket: Deno.DatagramConn;
  readonly #tcp: StreamDesk;
  readonly #done: Promise<void>;

  constructor(script: DnsScript, hostname = "127.0.0.1") {
    this.#desk = new Desk(script);
    const [socket, listener] = listenBoth(hostname);
    this.#socket = socket;
    this.#tcp = new StreamDesk(this.#desk, listener, "tcp");
    this.#done = this.#serve();
  }

  get port(): number {
    return this.#tcp.port;
  }

  get queries(): readonly DnsQuery[] {
    return this.#desk.queries;
  }

  /** Sends something to whoever has a socket on `port`. */
  async inject(port: number, message: Uint8Array): Promise<void> {
    await this.#socket.send(message, { transport: "udp", hostname: "127.0.0.1", port });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#tcp.close();
    await this.#done;
  }

  async #serve(): Promise<void> {
    for (;;) {
      const received = await this.#socket.receive().catch(() => undefined);
      if (received === undefined) return;
      const [message, from] = received;
      const replies = await this.#desk.answer(message, "udp", (from as Deno.NetAddr).port);
      for (const reply of replies) await this.#socket.send(reply, from).catch(() => {});
    }
  }
}

/** The port of a UDP socket is mostly free for TCP too. */
function listenBoth(hostname: string): [Deno.DatagramConn, Deno.TcpListener] {
  for (;;) {
    const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    try {
      return [socket, Deno.listen({ hostname, port: (socket.addr as Deno.NetAddr).port })];
    } catch (error) {
      socket.close();
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** DNS over TLS. */
export class DnsTlsServer implements AsyncDisposable {
  readonly #stream: StreamDesk;

  /** With the certificate for `localhost` and `127.0.0.1`, or with that of the site for `front.test` and `localhost`. */
  constructor(script: DnsScript, certificate: "dns" | "front" = "dns") {
    const [cert, key] = [read(`${certificate}.pem`), read(`${certificate}.key`)];
    const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
    this.#stream = new StreamDesk(new Desk(script), listener, "tls");
  }

  get port(): number {
    return this.#stream.port;
  }

  get queries(): readonly DnsQuery[] {
    return this.#stream.desk.queries;
  }

  /** How many connections there have been. */
  get accepted(): number {
    return this.#stream.accepted;
  }

  dropAll(): void {
    this.#stream.dropAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream.close();
  }
}

/** What an HTTP request was like. */
export interface DnsRequest {
  readonly method: string;
  readonly path: string;
  readonly contentType: string | null;
  readonly accept: string | null;
}

/** DNS over HTTPS at `/dns-query`, with the certificate for `localhost` and `127.0.0.1`. */
export class DnsHttpsServer implements AsyncDisposable {
  readonly #desk: Desk;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #closing = Promise.withResolvers<void>();
  readonly requests: DnsRequest[] = [];

  /** `respond` may answer in the place of the script, once that has been asked. */
  constructor(script: DnsScript, respond?: () => Response | undefined, port = 0) {
    this.#desk = new Desk(script);
    const tls = { cert: read("dns.pem"), key: read("dns.key") };
    const options = { hostname: "127.0.0.1", port, onListen() {}, ...tls };
    this.#server = Deno.serve(options, async (request, { remoteAddr }) => {
      const { pathname } = new URL(request.url);
      const contentType = request.headers.get("content-type");
      const accept = request.headers.get("accept");
      this.requests.push({ method: request.method, path: pathname, contentType, accept });
      const [reply] = await this.#desk.answer(new Uint8Array(await request.arrayBuffer()), "https", remoteAddr.port);
      const response = respond?.();
      if (response !== undefined) return response;
      if (reply === undefined) await this.#closing.promise;
      return new Response(reply, { headers: { "content-type": "application/dns-message" } });
    });
  }

  get url(): string {
    return `https://127.0.0.1:${this.#server.addr.port}/dns-query`;
  }

  get queries(): readonly DnsQuery[] {
    return this.#desk.queries;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.resolve();
    await this.#server.shutdown();
  }
}
