/** Hex and base64 as people paste them: no case, either alphabet, padding or none. */

/** Lower-case hex. */
export function encodeHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Bytes of an even number of hex digits of either case; `undefined` if `text` is anything else or empty. */
export function decodeHex(text: string): Uint8Array | undefined {
  if (text.length === 0 || text.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(text)) return undefined;
  return Uint8Array.fromHex(text);
}

/** base64url without padding. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Bytes of base64 or base64url, padded or not; `undefined` if `text` is anything else, empty, or cut off within a byte. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined;
  const bare = text.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_");
  try {
    const bytes = Uint8Array.fromBase64(bare, { alphabet: "base64url" });
    return encodeBase64Url(bytes) === bare ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** One character for each byte; a byte outside ASCII gives a character that no name allows. */
export function ascii(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
