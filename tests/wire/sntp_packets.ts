/** Packets of a time server. */
export interface AnswerParts {
  /** Unix time. */
  readonly receivedMs: number;
  readonly sentMs: number;
  readonly stratum?: number | undefined;
  readonly leap?: number | undefined;
  /** The reference id, as four letters. */
  readonly code?: string | undefined;
}

/** An answer to the question with `origin` as its transmit timestamp. */
export function answerPacket(origin: Uint8Array, parts: AnswerParts): Uint8Array<ArrayBuffer> {
  const { receivedMs, sentMs, stratum = 2, leap = 0, code = "GPS\0" } = parts;
  const packet = new Uint8Array(48);
  const view = new DataView(packet.buffer);
  packet[0] = leap << 6 | 4 << 3 | 4;
  packet[1] = stratum;
  packet.set(new TextEncoder().encode(code), 12);
  packet.set(origin, 24);
  for (const [offset, timeMs] of [[32, receivedMs], [40, sentMs]] as const) {
    const seconds = Math.floor(timeMs / 1000);
    view.setUint32(offset, (seconds + 2_208_988_800) % 2 ** 32);
    view.setUint32(offset + 4, (timeMs - seconds * 1000) / 1000 * 2 ** 32);
  }
  return packet;
}
