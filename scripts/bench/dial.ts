/** A client's way in: TCP, fake TLS unless the load is for a plain forwarder, and the frame of obfuscated2. */
import { concat, sendAll } from "./bytes.ts";
import { closeKeys, frameSize, makeFrame } from "./frame.ts";
import { type ClientHelloMaker, flightLength } from "./hello.ts";
import { Link } from "./link.ts";

/** Enough for most flights; 5,000 clients may wait for theirs at once. */
const flightBuffer = 8192;
const changeCipherSpec = [0x14, 3, 3, 0, 1, 1];
/** The buffers in which handshakes under way collect the server's flight. */
const spareBuffers: Uint8Array<ArrayBuffer>[] = [];

/** Where clients go, and how. */
export interface Target {
  readonly hostname: string;
  readonly port: number;
  readonly dc: number;
  /** Absent for a plain forwarder, behind which obfuscated2 reaches the DC without a secret. */
  readonly fakeTls: { readonly hellos: ClientHelloMaker; readonly key: Uint8Array } | undefined;
  /** Most bytes in a TLS record of the client. */
  readonly recordBytes: number;
  readonly bufferBytes: number;
}

/** Opens the TCP connection alone. */
export async function connect({ hostname, port }: Target, signal: AbortSignal): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({ hostname, port, signal });
  conn.setNoDelay(true);
  return conn;
}

/** Everything after `connect()`. @throws {Error} If the other end is not what the secret says. */
export async function shakeHands(conn: Deno.TcpConn, target: Target): Promise<Link> {
  const { fakeTls } = target;
  if (fakeTls !== undefined) await startTls(conn, fakeTls.hellos);
  const { frame, keys } = makeFrame(target.dc, fakeTls?.key);
  try {
    await sendAll(conn, fakeTls === undefined ? frame : concat(changeCipherSpec, [0x17, 3, 3, 0, frameSize], frame));
  } catch (error) {
    closeKeys(keys);
    throw error;
  }
  return new Link(conn, {
    sending: keys.forward,
    sentBytes: frameSize,
    receiving: keys.back,
    receivedBytes: 0,
    recordBytes: fakeTls === undefined ? 0 : target.recordBytes,
    bufferBytes: target.bufferBytes,
  });
}

async function startTls(conn: Deno.TcpConn, hellos: ClientHelloMaker): Promise<void> {
  const hello = hellos.make();
  await sendAll(conn, hello);
  let buffer = spareBuffers.pop() ?? new Uint8Array(flightBuffer);
  let filled = 0;
  let length = 0;
  while (length === 0) {
    if (filled === buffer.length) buffer = concat(buffer, new Uint8Array(filled));
    const count = await conn.read(buffer.subarray(filled));
    if (count === null) throw new Error(`The proxy closed after ${filled} bytes of its answer to the ClientHello`);
    filled += count;
    length = flightLength(buffer.subarray(0, filled));
  }
  if (filled > length) throw new Error("Something follows the server's flight before the client has spoken");
  if (!hellos.accepts(hello, buffer.subarray(0, length))) throw new Error("The server's flight has a wrong digest");
  spareBuffers.push(buffer);
}
