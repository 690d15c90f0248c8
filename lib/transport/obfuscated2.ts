/**
 * obfuscated2: the 64 bytes that open every MTProto connection, and the two AES-256-CTR streams that they key.
 *
 * ```text
 * 0   8   free, but must not look like another transport
 * 8   32  key        the other direction uses bytes 8..55 reversed: 32 of key, 16 of IV
 * 40  16  IV
 * 56  4   tag        ef ef ef ef abridged, ee ee ee ee intermediate, dd dd dd dd padded intermediate
 * 60  2   DC number  signed, little endian; negative is media, ±10,000 a test data centre
 * 62  2   free
 * ```
 *
 * Bytes 0..55 travel in clear, 56..63 enciphered at their place in the stream. With a secret each key is
 * SHA-256(key bytes | secret); towards Telegram there is no secret.
 */
import { blockSize, CtrKeystream } from "../crypto/aes_ctr.ts";
import { CtrXor, xorBytes } from "../crypto/ctr_xor.ts";
import { sha256 } from "../crypto/hash.ts";
import type { RandomSource } from "../crypto/random.ts";
import { ProtocolError } from "../errors.ts";

export const frameSize = 64;
const keyOffset = 8;
const keySize = 32;
const ivOffset = keyOffset + keySize;
const tagOffset = 56;
const dcOffset = 60;
/** The last block of the frame, where the tag lies, and what is made with it for the packets that follow at once. */
const tagBlock = tagOffset >> 4;
const blocksAhead = 16;

/** The transport inside, by the byte that its tag repeats. */
export type TransportTag = 0xef | 0xee | 0xdd;

/** Key (32 bytes) and IV (16) of one direction. */
export interface StreamKey {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}

/** An opened frame: the stream from its writer goes on 64 bytes in, the stream towards its writer starts at 0. */
export interface ClientFrame {
  readonly tag: TransportTag;
  /** As sent: with its sign and test offset. */
  readonly dc: number;
  /** From the client; `ahead` is its keystream from byte 64 on. */
  readonly uplink: CtrKeystream;
  readonly ahead: Uint8Array;
  /** Towards the client. */
  readonly downlinkKey: StreamKey;
  /** 32 bytes by which a replay is known: the uplink's key, which only the frame and the secret determine. */
  readonly replayKey: Uint8Array;
}

/**
 * Opens the frame of a client that holds `secret` (16 key bytes).
 *
 * @throws {ProtocolError} bad-frame if no transport's tag comes out, that is, if it was made with another secret.
 */
export function openClientFrame(frame: Uint8Array, secret: Uint8Array): ClientFrame {
  const uplinkKey = sha256(frame.subarray(keyOffset, ivOffset), secret);
  const uplink = new CtrKeystream(uplinkKey, frame.subarray(ivOffset, tagOffset), tagBlock);
  const keystream = madeAhead(uplink);
  const tail = frame.slice(tagOffset, frameSize);
  xorBytes(tail, 0, tail.length, keystream, tagOffset % blockSize);
  const tag = tail[0]!;
  if ((tag !== 0xef && tag !== 0xee && tag !== 0xdd) || tail.subarray(1, 4).some((byte) => byte !== tag)) {
    throw new ProtocolError("bad-frame", "Cannot open the obfuscated2 frame: it was not made with the secret");
  }
  const reversed = frame.slice(keyOffset, tagOffset).reverse();
  return {
    tag,
    dc: (tail[dcOffset - tagOffset]! | tail[dcOffset - tagOffset + 1]! << 8) << 16 >> 16,
    uplink,
    ahead: keystream.subarray(blockSize),
    downlinkKey: { key: sha256(reversed.subarray(0, keySize), secret), iv: reversed.subarray(keySize) },
    replayKey: uplinkKey,
  };
}

/** First words of other protocols, as they would stand on the wire; a frame that began so would be taken for one. */
const forbiddenWords = new Set([0x44414548, 0x54534f50, 0x20544547, 0x4954504f, 0x02010316, 0xdddddddd, 0xeeeeeeee]);

/** A frame of ours for Telegram, or of a client for its proxy, ready to be sent. */
export interface TelegramFrame {
  readonly bytes: Uint8Array;
  readonly uplink: CtrKeystream;
  readonly ahead: Uint8Array;
  readonly downlinkKey: StreamKey;
}

/**
 * Makes a frame for Telegram.
 *
 * With `downlinkKey` its bytes 8..55 are chosen so that Telegram enciphers with that key and IV: given the client's own, what
 * Telegram sends can be passed on as it is (fast mode).
 */
export function makeTelegramFrame(
  options: {
    readonly tag: TransportTag;
    readonly dc: number;
    readonly random: RandomSource;
    readonly downlinkKey?: StreamKey | undefined;
  },
): TelegramFrame {
  const bytes = startOfFrame(options.random);
  if (options.downlinkKey !== undefined) {
    bytes.set(options.downlinkKey.key, keyOffset);
    bytes.set(options.downlinkKey.iv, ivOffset);
    bytes.subarray(keyOffset, tagOffset).reverse();
  }
  return seal(bytes, options, (key) => key);
}

/** Makes the frame with which a client opens its connection to a proxy that holds `secret` (16 key bytes). */
export function makeClientFrame(
  options: {
    readonly tag: TransportTag;
    readonly dc: number;
    readonly random: RandomSource;
    readonly secret: Uint8Array;
  },
): TelegramFrame {
  return seal(startOfFrame(options.random), options, (key) => sha256(key, options.secret));
}

/** Writes tag and data centre, enciphers them in their place, and makes the streams; `keyOf` makes their keys. */
function seal(
  bytes: Uint8Array,
  { tag, dc }: { readonly tag: TransportTag; readonly dc: number },
  keyOf: (bytes: Uint8Array) => Uint8Array,
): TelegramFrame {
  bytes.fill(tag, tagOffset, dcOffset);
  bytes[dcOffset] = dc & 0xff;
  bytes[dcOffset + 1] = dc >> 8 & 0xff;
  const uplinkKey = keyOf(bytes.slice(keyOffset, ivOffset));
  const uplink = new CtrKeystream(uplinkKey, bytes.subarray(ivOffset, tagOffset), tagBlock);
  const keystream = madeAhead(uplink);
  xorBytes(bytes, tagOffset, frameSize, keystream, tagOffset % blockSize);
  const reversed = bytes.slice(keyOffset, tagOffset).reverse();
  const downlinkKey = { key: keyOf(reversed.subarray(0, keySize)), iv: reversed.subarray(keySize) };
  return { bytes, uplink, ahead: keystream.subarray(blockSize), downlinkKey };
}

/** Most connections say little at first: the native cipher is given back until more is asked for. */
function madeAhead(stream: CtrKeystream): Uint8Array {
  const keystream = stream.next(blocksAhead);
  stream.release();
  return keystream;
}

function startOfFrame(random: RandomSource): Uint8Array {
  for (;;) {
    const bytes = random.fill(new Uint8Array(frameSize));
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    if (bytes[0] !== 0xef && !forbiddenWords.has(view.getUint32(0, true)) && view.getUint32(4) !== 0) return bytes;
  }
}

/** What the client sends, enciphered for Telegram instead. Takes `client.ahead` over. */
export function joinUplinks(client: ClientFrame, telegram: TelegramFrame): CtrXor {
  xorBytes(client.ahead, 0, client.ahead.length, telegram.ahead, 0);
  return new CtrXor(client.uplink, telegram.uplink, client.ahead);
}

/** What Telegram sends, enciphered for the client instead; needed where the frame did not carry the client's own key. */
export function joinDownlinks(client: ClientFrame, telegram: TelegramFrame): CtrXor {
  return new CtrXor(
    new CtrKeystream(telegram.downlinkKey.key, telegram.downlinkKey.iv),
    new CtrKeystream(client.downlinkKey.key, client.downlinkKey.iv),
  );
}
