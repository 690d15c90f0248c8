/** What stands between a client that has proven the secret and its data centre. */
import type { Address } from "../address.ts";
import { ProtocolError } from "../errors.ts";
import type { Shaper } from "../relay/pump.ts";
import { addressesOf, fallbackDc } from "../telegram/addresses.ts";
import { frameSize, joinDownlinks, joinUplinks, makeTelegramFrame } from "../transport/obfuscated2.ts";
import type { Greeting } from "./handshake.ts";
import type { Inbox } from "./inbox.ts";
import type { ProxyOptions } from "./options.ts";
import { downlinkShaper, Recrypt, StripAndRecrypt } from "./shapers.ts";

export interface Shapers {
  readonly up: Shaper;
  readonly down: Shaper;
}

/** Where a client is taken: the addresses of its data centre, and the number that Telegram is told. */
export interface Destination {
  readonly dc: number;
  readonly addresses: readonly Address[];
}

/** @throws {ProtocolError} unknown-dc if there is no such data centre, and no other may take its place. */
export function findDestination(asked: number, options: ProxyOptions): Destination {
  const dc = asked === 0 ? fallbackDc : asked;
  const addresses = addressesOf(dc, options.dcOverrides);
  if (addresses.length > 0) return { addresses, dc };
  if (!options.fallbackOnUnknownDc) throw new ProtocolError("unknown-dc", `There is no data centre ${dc}`);
  return { addresses: addressesOf(fallbackDc, options.dcOverrides), dc: fallbackDc };
}

/**
 * Makes the frame for Telegram and what joins both sides. Afterwards the inbox holds what Telegram is to be sent first: the
 * frame in the place of the client's, and the packets that the client has sent behind it, enciphered anew.
 */
export function joinSides(
  { frame: client, records }: Greeting,
  dc: number,
  inbox: Inbox,
  options: ProxyOptions,
): Shapers {
  const telegram = makeTelegramFrame({
    tag: client.tag,
    dc,
    random: options.random,
    downlinkKey: options.fastMode ? client.downlinkKey : undefined,
  });
  const cipher = joinUplinks(client, telegram);
  const { chunk } = inbox;
  chunk.bytes.set(telegram.bytes);
  cipher.apply(chunk, frameSize, chunk.end);
  const tls = records !== undefined;
  return {
    up: tls ? new StripAndRecrypt(records, cipher) : new Recrypt(cipher),
    down: downlinkShaper(tls, options.fastMode ? undefined : joinDownlinks(client, telegram)),
  };
}
