/** How a client proves that it knows the secret, for each kind of secret. */
import { ProtocolError } from "../errors.ts";
import { type ClientHello, decodeClientHello } from "../faketls/client_hello.ts";
import { checkServerName, checkTimestamp, provenPart, verifyDigest } from "../faketls/digest.ts";
import { RecordReader } from "../faketls/record.ts";
import { randomCertificateSize, writeServerFlight } from "../faketls/server_hello.ts";
import type { Secret } from "../policy/secret.ts";
import type { ChunkClass } from "../relay/chunk.ts";
import { type Conn, writeAll } from "../relay/conn.ts";
import { type ClientFrame, frameSize, openClientFrame } from "../transport/obfuscated2.ts";
import type { Inbox } from "./inbox.ts";
import type { ProxyOptions, SessionOptions } from "./options.ts";

/** Chunks of this size hold every flight. */
const flightClass: ChunkClass = 2;

/** A client that has proven the secret and said where it wants to go. */
export interface Greeting {
  readonly frame: ClientFrame;
  /** Set in fake TLS: has read as far as the client has sent. */
  readonly records: RecordReader | undefined;
}

/** A ClientHello that was signed with the secret; the inbox holds it in its first `consumed` bytes. */
export interface VerifiedHello {
  readonly hello: ClientHello;
  readonly consumed: number;
}

/**
 * Fake TLS, first half: the ClientHello. The client has proven the secret when this resolves, and not before; until then
 * nothing has been sent and the inbox holds every byte.
 *
 * @throws {ProtocolError} bad-client-hello, bad-digest, bad-timestamp, bad-sni, replayed, handshake-timeout, closed-early.
 */
export async function readClientHello(client: Conn, inbox: Inbox, options: SessionOptions): Promise<VerifiedHello> {
  // What came right behind a PROXY protocol header is there already.
  if (inbox.chunk.end === 0) await inbox.more();
  for (;; await inbox.more()) {
    const decoded = decodeClientHello(inbox.received);
    if (decoded.kind === "incomplete") continue;
    const hello = decoded.value;
    checkTime(verifyDigest(hello, options.secret.key), client, options);
    checkServerName(hello, options.secret.host);
    checkReplay(provenPart(hello), options);
    return { hello, consumed: decoded.consumed };
  }
}

/**
 * Fake TLS, second half: answers the hello and reads the obfuscated2 frame out of the client's records. The payload that has
 * come with the frame stays in the inbox behind it, without record headers.
 *
 * @throws {ProtocolError} bad-record, bad-frame, handshake-timeout, closed-early.
 */
export async function answerClientHello(
  client: Conn,
  inbox: Inbox,
  { hello, consumed }: VerifiedHello,
  options: ProxyOptions,
): Promise<Greeting> {
  await sendServerFlight(client, inbox, hello, options);
  const { chunk } = inbox;
  const records = new RecordReader();
  chunk.end = records.strip(chunk.bytes, consumed, chunk.end, 0);
  return { frame: await readFrame(inbox, options.secret, records), records };
}

/** One write: clients take what comes later, before they have spoken, for a fault. */
async function sendServerFlight(client: Conn, inbox: Inbox, hello: ClientHello, options: ProxyOptions): Promise<void> {
  const { secret: { key }, random } = options;
  const certificateSize = randomCertificateSize(random);
  const chunk = inbox.pool.take(flightClass);
  try {
    await writeAll(client, writeServerFlight(chunk.bytes, { key, hello, random, certificateSize }));
  } finally {
    inbox.pool.give(chunk);
  }
}

/**
 * Simple and secured secrets: the obfuscated2 frame alone. The client has proven the secret when this resolves.
 *
 * @throws {ProtocolError} bad-frame, wrong-transport, replayed, handshake-timeout, closed-early.
 */
export async function readPlainFrame(inbox: Inbox, options: ProxyOptions): Promise<Greeting> {
  const frame = await readFrame(inbox, options.secret, undefined);
  if ((frame.tag === 0xdd) !== (options.secret.kind === "secured")) {
    throw new ProtocolError("wrong-transport", `A ${options.secret.kind} secret does not admit the client's transport`);
  }
  checkReplay(frame.replayKey, options);
  return { frame, records: undefined };
}

async function readFrame(inbox: Inbox, secret: Secret, records: RecordReader | undefined): Promise<ClientFrame> {
  while (inbox.chunk.end < frameSize) {
    const count = await inbox.more();
    const { chunk } = inbox;
    const start = chunk.end - count;
    if (records !== undefined) chunk.end = records.strip(chunk.bytes, start, chunk.end, start);
  }
  return openClientFrame(inbox.received.subarray(0, frameSize), secret.key);
}

/** Whoever has signed the hello: its time is looked at, and where it is wrong, it may be ours that is. */
function checkTime(seconds: number, client: Conn, { clock, clockWatch, toleranceMs, events }: SessionOptions): void {
  const nowMs = clock.nowMs();
  try {
    checkTimestamp(seconds, nowMs, toleranceMs);
    clockWatch.right();
  } catch (error) {
    const { remote } = client;
    const host = remote.kind === "tcp" ? remote.host : "";
    const suspicion = clockWatch.off(host, seconds * 1_000 - nowMs, clock.elapsedMs());
    if (suspicion !== undefined) events.emit({ type: "clock-suspect", ...suspicion });
    throw error;
  }
}

function checkReplay(key: Uint8Array, { replayFilter, clock, events }: ProxyOptions): void {
  if (replayFilter === undefined) return;
  if (replayFilter.testAndSet(key, clock.nowMs())) {
    throw new ProtocolError("replayed", "The client's handshake has been seen before");
  }
  if (replayFilter.count === replayFilter.capacity + 1) {
    events.emit({ type: "replay-filter-full", capacity: replayFilter.capacity });
  }
}
