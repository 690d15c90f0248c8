/**
 * A proxy's secret: 16 key bytes and, by its first byte, the one kind of transport that it admits.
 *
 * ```text
 * simple    16 key bytes                       obfuscated2, as the client likes
 * secured   dd | 16 key bytes                  obfuscated2 with padded intermediate
 * tls       ee | 16 key bytes | host (ASCII)   the same inside fake TLS, whose SNI is the host
 * ```
 */
import { ascii, decodeBase64, decodeHex, encodeBase64Url, encodeHex } from "../bytes/encoding.ts";

export type SecretKind = "simple" | "secured" | "tls";

export interface Secret {
  readonly kind: SecretKind;
  /** 16 bytes. */
  readonly key: Uint8Array;
  /** The fronted host as it stands in the secret, 4 to 182 bytes; empty unless `kind` is `"tls"`. */
  readonly host: string;
}

/** Bytes of key in every secret. */
export const secretKeySize = 16;

const securedMark = 0xdd;
const tlsMark = 0xee;
/** Telegram Desktop wants at least 4 bytes of host, TDLib takes at most 182. */
const hostSizes = { least: 4, most: 182 } as const;
const label = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?";
const dnsName = new RegExp(`^${label}(\\.${label})*$`, "i");

const expected =
  "expected 32 hex digits (simple), dd and 32 hex digits (secured), or ee, 32 hex digits and a host (fake TLS), as hex or base64";

/**
 * Reads a secret as hex, base64url or base64, with or without padding.
 *
 * @throws {SyntaxError} If the text is none of these; the message does not repeat it.
 */
export function parseSecret(text: string): Secret {
  const trimmed = text.trim();
  const bytes = decodeHex(trimmed) ?? decodeBase64(trimmed);
  if (bytes === undefined) throw new SyntaxError(`Cannot decode the secret: ${expected}`);
  if (bytes.length === secretKeySize) return secretOf("simple", bytes, "");
  if (bytes.length === secretKeySize + 1 && bytes[0] === securedMark) return secretOf("secured", bytes.subarray(1), "");
  if (bytes.length > secretKeySize + 1 && bytes[0] === tlsMark) {
    const host = ascii(bytes.subarray(1 + secretKeySize));
    return secretOf("tls", bytes.subarray(1, 1 + secretKeySize), host);
  }
  throw new SyntaxError(`Cannot use the secret: it has ${bytes.length} bytes, ${expected}`);
}

/** What an error of `parseSecret()` says, without the host that it names: one that is none may be a part of the key. */
export function unquoted({ message }: SyntaxError): string {
  return message.replace(/"(?:[^"\\]|\\.)*"/g, "what it holds");
}

/** Makes a secret of fresh `key` bytes (16 of them). @throws {SyntaxError} If `host` does not fit the kind. */
export function secretOf(kind: SecretKind, key: Uint8Array, host: string): Secret {
  if (key.length !== secretKeySize) throw new RangeError(`A secret has ${secretKeySize} key bytes, not ${key.length}`);
  if (key.every((byte) => byte === 0)) throw new SyntaxError("Cannot use the secret: its key is all zeros");
  if (kind === "tls") checkHost(host);
  else if (host !== "") throw new SyntaxError(`A ${kind} secret takes no host`);
  return { kind, key: key.slice(), host };
}

/** The secret as it stands in links: lower-case hex, or base64url without padding. */
export function formatSecret(secret: Secret, encoding: "hex" | "base64"): string {
  const mark = secret.kind === "tls" ? [tlsMark] : secret.kind === "secured" ? [securedMark] : [];
  const bytes = Uint8Array.from([...mark, ...secret.key, ...new TextEncoder().encode(secret.host)]);
  return encoding === "hex" ? encodeHex(bytes) : encodeBase64Url(bytes);
}

function checkHost(host: string): void {
  if (host.length < hostSizes.least || host.length > hostSizes.most) {
    throw new SyntaxError(
      `Cannot use ${JSON.stringify(host)} as host of a secret: it has ${host.length} bytes, ` +
        `Telegram's clients take ${hostSizes.least} to ${hostSizes.most}`,
    );
  }
  if (!dnsName.test(host) || /^[\d.]+$/.test(host)) {
    throw new SyntaxError(
      `Cannot use ${JSON.stringify(host)} as host of a secret: expected a DNS name like example.com`,
    );
  }
}
