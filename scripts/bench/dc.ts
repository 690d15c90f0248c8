/**
 * The stand-in data centre: `deno run --allow-net scripts/bench/dc.ts HOST:PORT...` listens on each address (port 0: any
 * free one), prints where, and serves the commands of command.ts until its standard input ends. Faults are printed as they
 * occur.
 */
import { acceptNext } from "./accept.ts";
import { commandSize, decodeCommand, encodeCommand } from "./command.ts";
import { frameSize, openFrame } from "./frame.ts";
import { lines, printJson } from "./lines.ts";
import { Link } from "./link.ts";

const quietBuffer = 1024;
const bulkBuffer = 262_144;
const mostEcho = 1_048_576;

/** What the process prints: its addresses first, then a line for each client that broke the stream. */
export type DcReport = { readonly addresses: readonly string[] } | { readonly fault: string };

async function accept(listener: Deno.TcpListener): Promise<void> {
  for (;;) {
    const conn = await acceptNext(listener);
    serve(conn).catch((error: unknown) => {
      if (isSocketEnd(error)) return;
      const fault = error instanceof Error ? error.message : String(error);
      printJson({ fault } satisfies DcReport);
    });
  }
}

async function serve(conn: Deno.TcpConn): Promise<void> {
  using _closing = closing(conn);
  const frame = new Uint8Array(frameSize);
  for (let filled = 0; filled < frameSize;) {
    const count = await conn.read(frame.subarray(filled));
    if (count === null) return;
    filled += count;
  }
  const keys = openFrame(frame);
  if (keys === undefined) throw new Error("The frame has no protocol tag of obfuscated2");
  using link = new Link(conn, {
    sending: keys.back,
    sentBytes: 0,
    receiving: keys.forward,
    receivedBytes: frameSize,
    recordBytes: 0,
    bufferBytes: quietBuffer,
  });
  for (let command = await link.receive(commandSize); command; command = await link.receive(commandSize)) {
    await obey(link, command);
  }
}

async function obey(link: Link, bytes: Uint8Array): Promise<void> {
  const { kind, count } = decodeCommand(bytes);
  switch (kind) {
    case "down":
      return await link.sendTransfer(count);
    case "up": {
      link.resizeBuffer(bulkBuffer);
      const answer = encodeCommand("up", count);
      answer[0] = await link.receiveTransfer(count) ? 1 : 0;
      return await link.send(answer);
    }
    case "echo": {
      if (count > mostEcho) throw new Error(`An echo of ${count} bytes is too long: the stream is out of step`);
      const message = await link.receive(count);
      if (message !== undefined) await link.send(message);
    }
  }
}

function closing(conn: Deno.Conn): Disposable {
  return {
    [Symbol.dispose]() {
      try {
        conn.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    },
  };
}

function isSocketEnd(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.Interrupted || error instanceof Deno.errors.BadResource;
}

async function main(): Promise<void> {
  const listeners = Deno.args.map((address) => {
    const colon = address.lastIndexOf(":");
    const where = { hostname: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
    return Deno.listen({ ...where, tcpBacklog: 4096 });
  });
  const addresses = listeners.map(({ addr }) => `${addr.hostname}:${addr.port}`);
  printJson({ addresses } satisfies DcReport);
  for (const listener of listeners) void accept(listener);
  for await (const _line of lines(Deno.stdin.readable)) { /* Only its end matters. */ }
  Deno.exit(0);
}

if (import.meta.main) await main();
