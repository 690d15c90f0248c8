/**
 * A program: one API call with a real client library, told how on standard input, reported as JSON on standard output.
 *
 * It runs in a process of its own because the library leaves timers and sockets behind. See `callWithMtcute()`.
 */
import {
  IntermediatePacketCodec,
  MemoryStorage,
  MtProxyTcpTransport,
  ObfuscatedPacketCodec,
  PaddedIntermediatePacketCodec,
  TcpTransport,
  TelegramClient,
  type TelegramTransport,
} from "@mtcute/node";
import { addPublicKey, NodeCryptoProvider } from "@mtcute/node/utils.js";
import type { MtcuteOrder, MtcuteReport } from "./mtcute_client.ts";

/** Any number: the stand-in asks for no registered application. */
const apiId = 1;

const order: MtcuteOrder = JSON.parse(await new Response(Deno.stdin.readable).text());
const report = await perform(order);
await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(report)}\n`));
Deno.exit(report.ok ? 0 : 1);

async function perform(order: MtcuteOrder): Promise<MtcuteReport> {
  const crypto = new NodeCryptoProvider();
  await crypto.initialize();
  addPublicKey(crypto, order.publicPem);
  const dc = { id: order.dc, ipAddress: "127.0.0.1", port: order.port, mediaOnly: false, testMode: false };
  const client = new TelegramClient({
    apiId,
    apiHash: "none",
    crypto,
    storage: new MemoryStorage(),
    transport: transportOf(order),
    defaultDcs: { main: dc, media: dc },
    disableUpdates: true,
    logLevel: order.debug ? 5 : 0,
  });
  const start = performance.now();
  try {
    const first = await within(order.timeoutMs, client.call({ _: "help.getNearestDc" }));
    const firstCallMs = performance.now() - start;
    await within(order.timeoutMs, client.call({ _: "help.getNearestDc" }));
    const secondCallMs = performance.now() - start - firstCallMs;
    return { ok: true, country: first.country, dc: first.thisDc, firstCallMs, secondCallMs };
  } catch (error) {
    return { ok: false, reason: String(error) };
  }
}

function transportOf(order: MtcuteOrder): TelegramTransport {
  const { port, secret } = order;
  if (secret !== undefined) return new MtProxyTcpTransport({ host: "127.0.0.1", port, secret });
  const tcp = new TcpTransport();
  const packets = order.padded ? PaddedIntermediatePacketCodec : IntermediatePacketCodec;
  return { connect: (dc) => tcp.connect(dc), packetCodec: () => new ObfuscatedPacketCodec(new packets()) };
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`No answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
