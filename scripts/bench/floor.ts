/**
 * The floor: a plain TCP forwarder, the least that any proxy on Deno must do. It waits with a small buffer, takes one
 * four times as large when a read has filled it, and a smaller one when a read has left most of it empty.
 *
 * `deno run --allow-net scripts/bench/floor.ts PORT TARGET_HOST TARGET_PORT`; it listens on 127.0.0.1.
 */
import { acceptNext } from "./accept.ts";
import { sendAll } from "./bytes.ts";

const leastBuffer = 1024;
const mostBuffer = 262_144;
const step = 4;

async function forward(client: Deno.TcpConn, target: Deno.ConnectOptions): Promise<void> {
  using _client = client;
  using server = await Deno.connect(target);
  server.setNoDelay(true);
  await Promise.all([pump(client, server), pump(server, client)]);
}

async function pump(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  let buffer = new Uint8Array(leastBuffer);
  for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
    await sendAll(to, buffer.subarray(0, count));
    if (count === buffer.length && count < mostBuffer) buffer = new Uint8Array(count * step);
    else if (count * step * step <= buffer.length && buffer.length > leastBuffer) {
      buffer = new Uint8Array(buffer.length / step);
    }
  }
  await to.closeWrite();
}

async function main(): Promise<void> {
  const [port, hostname, targetPort] = Deno.args;
  if (hostname === undefined) throw new TypeError("Usage: floor.ts PORT TARGET_HOST TARGET_PORT");
  const target = { hostname, port: Number(targetPort) };
  const listener = Deno.listen({ hostname: "127.0.0.1", port: Number(port), tcpBacklog: 4096 });
  for (;;) {
    const client = await acceptNext(listener);
    forward(client, target).catch(() => {
      // Whatever ended one way, both sockets are closed by now; the load generator sees what it sees.
    });
  }
}

if (import.meta.main) await main();
