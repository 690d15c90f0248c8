/** Clients that have proven the secret: the way to their data centre. */
import type { Address } from "../address.ts";
import { messageOf, ProtocolError } from "../errors.ts";
import { type Conn, writeAll } from "../relay/conn.ts";
import type { EarlyRead, Shaper } from "../relay/pump.ts";
import { addressesOf, fallbackDc, orderAddresses } from "../telegram/addresses.ts";
import { frameSize, joinDownlinks, joinUplinks, makeTelegramFrame } from "../transport/obfuscated2.ts";
import type { Greeting } from "./handshake.ts";
import type { Inbox } from "./inbox.ts";
import type { ProxyOptions } from "./options.ts";
import { downlinkShaper, Recrypt, StripAndRecrypt } from "./shapers.ts";
import { Ended, type Link, type Stage } from "./stage.ts";

/** Where a client is taken: the addresses of its data centre, and the number that Telegram is told. */
interface Destination {
  readonly dc: number;
  readonly addresses: readonly Address[];
}

/**
 * Connects the client to the data centre that it asks for.
 *
 * @throws {ProtocolError} unknown-dc if there is no such data centre, and no other may take its place.
 */
export async function openTelegram(stage: Stage, greeting: Greeting, inbox: Inbox): Promise<Link> {
  const asked = greeting.frame.dc;
  const destination = findDestination(asked, stage.options);
  if (asked !== 0 && destination.dc !== asked) {
    stage.options.events.emit({ type: "dc-replaced", id: stage.id, asked, given: destination.dc });
  }
  const shapers = joinSides(greeting, destination.dc, inbox, stage.options);
  try {
    const early = readEarly(stage, shapers.up, inbox.chunk.end === frameSize);
    const other = await dialTelegram(stage, destination);
    await writeAll(other, inbox.received);
    stage.up.bytes += inbox.received.length;
    inbox.release();
    return { ...shapers, other, early };
  } catch (error) {
    // A long first packet has opened a native cipher; nobody else will close it.
    shapers.up.release();
    throw error;
  }
}

function findDestination(asked: number, options: ProxyOptions): Destination {
  const dc = asked === 0 ? fallbackDc : asked;
  const addresses = addressesOf(dc, options.dcOverrides, options.dcUpdates);
  if (addresses.length > 0) return { addresses, dc };
  if (!options.fallbackOnUnknownDc) throw new ProtocolError("unknown-dc", `There is no data centre ${dc}`);
  return { addresses: addressesOf(fallbackDc, options.dcOverrides, options.dcUpdates), dc: fallbackDc };
}

/**
 * Makes the frame for Telegram and what joins both sides. Afterwards the inbox holds what Telegram is to be sent first: the
 * frame in the place of the client's, and the packets that the client has sent behind it, enciphered anew.
 */
function joinSides(
  { frame: client, records }: Greeting,
  dc: number,
  inbox: Inbox,
  options: ProxyOptions,
): { readonly up: Shaper; readonly down: Shaper } {
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

/**
 * Begins to read from the client before its data centre is reached: a client that goes away ends the dialing. One that has
 * sent something and then its end may only be done with talking; what it sent is delivered.
 */
function readEarly(stage: Stage, up: Shaper, saidNothing: boolean): EarlyRead {
  const chunk = stage.pool.take(0);
  const offset = up.readOffset;
  const room = up.readSize(chunk.size);
  const reading = stage.client.read(chunk.space(offset, offset + room));
  // One function for both outcomes, a count and an error: every client that says nothing more holds it.
  const watch = (outcome: unknown) => {
    const isGone = outcome === null ? saidNothing : typeof outcome !== "number";
    if (isGone && !stage.hasOther) stage.stop("client-gone");
  };
  reading.then(watch, watch);
  return { chunk, offset, room, reading };
}

async function dialTelegram(stage: Stage, { dc, addresses }: Destination): Promise<Conn> {
  const { dcDialer, dcUpdates, events, preferIp } = stage.options;
  const ordered = orderAddresses(addresses, preferIp, stage.id, dcUpdates?.get(Math.abs(dc)));
  try {
    if (ordered.length === 0) throw new Error(`data centre ${dc} has no address for ${preferIp}`);
    const conn = await stage.dial((dialing) => dcDialer.dial(ordered, dialing));
    events.emit({ type: "connected", id: stage.id, dc, address: conn.remote });
    return conn;
  } catch (error) {
    if (!stage.isStopped) events.emit({ type: "dial-failed", id: stage.id, dc, reason: messageOf(error) });
    throw new Ended("dial-failed");
  }
}
