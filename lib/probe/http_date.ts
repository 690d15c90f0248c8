/** What time it is at a web server: the Date in its answer, which it gives to whatever it is asked. */
import type { Conn } from "../relay/conn.ts";
import { writeAll } from "../relay/conn.ts";

/** The head of an answer at most. */
const headAtMost = 16_384;
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const dateLine = /^date:[ \t]*[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT[ \t]*$/im;

/**
 * Asks the web server at the other end of `conn` for the head of its front page, and disposes the connection; so does an abort.
 *
 * @returns Unix time in milliseconds, a whole second.
 * @throws {Error} If no Date comes.
 */
export async function askHttpDate(conn: Conn, host: string, signal: AbortSignal): Promise<number> {
  const end = () => conn[Symbol.dispose]();
  signal.addEventListener("abort", end, { once: true });
  try {
    signal.throwIfAborted();
    const request = `HEAD / HTTP/1.1\r\nHost: ${host}\r\nAccept: */*\r\nConnection: close\r\n\r\n`;
    await writeAll(conn, new TextEncoder().encode(request));
    const head = new Uint8Array(headAtMost);
    for (let received = 0; received < headAtMost;) {
      const count = await conn.read(head.subarray(received));
      if (count === null) break;
      received += count;
      const timeMs = readHttpDate(head.subarray(0, received));
      if (timeMs !== undefined) return timeMs;
    }
    throw new Error(`${host} does not tell the time`);
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

/** The Date (RFC 9110, section 5.6.7) in what has come so far of an answer, if its line is whole; any bytes give a result. */
export function readHttpDate(received: Uint8Array): number | undefined {
  const text = new TextDecoder("latin1").decode(received);
  const headEnd = text.indexOf("\r\n\r\n");
  const head = text.slice(0, headEnd < 0 ? text.lastIndexOf("\r\n") + 1 : headEnd);
  if (!/^HTTP\/1\.[01] /.test(head)) return undefined;
  const [, day, name, year, hour, minute, second] = dateLine.exec(head.replaceAll("\r", "")) ?? [];
  const month = months.indexOf(name ?? "");
  if (month < 0) return undefined;
  return Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
}
