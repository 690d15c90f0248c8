/** One array of all `parts`. */
export function concat(...parts: ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Sends the whole of `bytes`. */
export async function sendAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  let sent = await conn.write(bytes);
  while (sent < bytes.length) sent += await conn.write(bytes.subarray(sent));
}
