/** What a stand-in data centre does with a connection's plain stream. */
import { Buffer } from "node:buffer";
import { concat } from "./byte_reader.ts";
import type { DcStream } from "./fake_dc.ts";
import { framePacket, readPacket } from "./transports.ts";

/** The plaintext of bulk transfers: byte `o` of a transfer is byte `o % patternSize` of the pattern. */
export const patternSize = 65_536;
/** Twice the pattern, so that any `patternSize` bytes from an offset below it are one view. */
const pattern: Uint8Array = Uint8Array.from(
  { length: 2 * patternSize },
  (_, index) => Math.imul(index % patternSize, 2_654_435_761) >>> 13,
);

/** A command of the load generator: byte 0 what, bytes 8..15 how many bytes, little endian. */
export function command(what: "D" | "U" | "E", count: number): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes[0] = what.charCodeAt(0);
  new DataView(bytes.buffer).setBigUint64(8, BigInt(count), true);
  return bytes;
}

/** At most `patternSize` bytes of the pattern from offset `at` of a transfer. */
export function patternAt(at: number, count: number): Uint8Array {
  const start = at % patternSize;
  return pattern.subarray(start, start + Math.min(count, patternSize));
}

/** Whether `bytes` are those of a transfer from offset `at`. */
export function isPattern(bytes: Uint8Array, at: number): boolean {
  for (let done = 0; done < bytes.length; done += patternSize) {
    const part = bytes.subarray(done, done + patternSize);
    if (Buffer.compare(part, patternAt(at + done, part.length)) !== 0) return false;
  }
  return true;
}

/** Sends back what comes, until FIN. */
export async function serveEcho(stream: DcStream): Promise<void> {
  for (let part = await stream.reader.some(); part !== null; part = await stream.reader.some()) {
    await stream.write(part);
  }
}

/** Sends back every packet, in the transport of the connection. */
export async function servePackets(stream: DcStream): Promise<void> {
  const { tag, reader } = stream;
  for (let packet = await readPacket(tag, reader); packet !== null; packet = await readPacket(tag, reader)) {
    await stream.write(framePacket(tag, packet));
  }
}

/**
 * The load generator's stream of 16-byte commands: `D` sends `count` bytes of the pattern, `U` receives so many and
 * answers 16 bytes that start with `ok` or `corrupt`, `E` sends the next `count` bytes back.
 *
 * @throws {Error} On any other command: the stream is out of step.
 */
export async function serveCommands(stream: DcStream): Promise<void> {
  for (let first = await stream.reader.some(1); first !== null; first = await stream.reader.some(1)) {
    const bytes = concat(first, await stream.reader.exactly(15));
    const count = Number(new DataView(bytes.buffer).getBigUint64(8, true));
    const what = String.fromCharCode(bytes[0]!);
    if (what === "D") await sendPattern(stream, count);
    else if (what === "U") await receivePattern(stream, count);
    else if (what === "E") await stream.write(await stream.reader.exactly(count));
    else throw new Error(`An unknown command ${bytes[0]}: the stream is out of step`);
  }
}

async function sendPattern(stream: DcStream, count: number): Promise<void> {
  for (let at = 0; at < count;) {
    const part = patternAt(at, count - at);
    await stream.write(part);
    at += part.length;
  }
}

async function receivePattern(stream: DcStream, count: number): Promise<void> {
  let intact = true;
  for (let at = 0; at < count;) {
    const part = await stream.reader.some(count - at);
    if (part === null) throw new Error(`An upload ended after ${at} of ${count} bytes`);
    intact &&= isPattern(part, at);
    at += part.length;
  }
  const answer = new Uint8Array(16);
  answer.set(new TextEncoder().encode(intact ? "ok" : "corrupt"));
  await stream.write(answer);
}
