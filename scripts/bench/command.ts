/**
 * What clients ask of the stand-in data centre, 16 bytes inside obfuscated2:
 *
 * ```text
 * 0 letter | 1..7 zero | 8..15 number of bytes, little endian
 * D  send a transfer of so many bytes        U  take one, and answer 16 bytes whose first is 1 if it was intact
 * E  take so many bytes and send them back
 * ```
 */

export type CommandKind = "down" | "up" | "echo";

/** Bytes of a command, and of the answer to `up`. */
export const commandSize = 16;

const letters: Readonly<Record<CommandKind, number>> = { down: 0x44, up: 0x55, echo: 0x45 };

/** A command about `count` bytes. */
export function encodeCommand(kind: CommandKind, count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(commandSize);
  bytes[0] = letters[kind];
  new DataView(bytes.buffer).setBigUint64(8, BigInt(count), true);
  return bytes;
}

/** What `bytes` ask for. @throws {Error} If it is no command: the stream is out of step. */
export function decodeCommand(bytes: Uint8Array): { kind: CommandKind; count: number } {
  const count = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(8, true));
  for (const kind of ["down", "up", "echo"] as const) {
    if (bytes[0] === letters[kind]) return { kind, count };
  }
  throw new Error(`The command ${bytes[0]} is unknown: the stream is out of step`);
}
