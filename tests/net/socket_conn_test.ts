import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SocketConn, toAddress } from "../../lib/net/socket_conn.ts";
import { writeAll } from "../../lib/relay/conn.ts";
import { patterned } from "../crypto/oracle.ts";
import { ByteReader } from "../support/byte_reader.ts";
import { ResettingSite } from "../support/fronted_site.ts";
import { socketPair, TempDir } from "./sockets.ts";

Deno.test("SocketConn carries bytes both ways and says who is at its ends", async () => {
  const [near, far] = await socketPair();
  using _ = near;
  using __ = far;
  assertEquals([near.remote, near.local], [toAddress(far.localAddr), toAddress(far.remoteAddr)]);
  assertEquals(await near.write(Uint8Array.of(1, 2, 3)), 3);
  const into = new Uint8Array(9);
  assertEquals([await far.read(into), into.slice(0, 3)], [3, Uint8Array.of(1, 2, 3)]);
  await far.write(Uint8Array.of(4));
  assertEquals([await near.read(into), into[0]], [1, 4]);
});

Deno.test("SocketConn.closeWrite() ends one way; the other goes on, a tail of many bytes too", async () => {
  const [near, far] = await socketPair();
  using _ = near;
  const data = patterned(300_000, 1);
  const sending = writeAll(near, data).then(() => near.closeWrite());
  assertEquals(await new ByteReader((into) => far.read(into)).all(), data);
  await sending;
  const back = (async () => {
    for (let sent = 0; sent < data.length;) sent += await far.write(data.subarray(sent));
    far.close();
  })();
  assertEquals(await new ByteReader((into) => near.read(into)).all(), data);
  await back;
  assertEquals(await near.read(new Uint8Array(1)), null);
});

Deno.test("SocketConn may be disposed twice, ends its pending read, and still knows its addresses", async () => {
  const [near, far] = await socketPair();
  using _ = far;
  const { remote, local } = near;
  const reading = assertRejects(() => near.read(new Uint8Array(1)), Deno.errors.Interrupted);
  near[Symbol.dispose]();
  near[Symbol.dispose]();
  await reading;
  assertEquals([near.remote, near.local], [remote, local]);
  assertEquals(await far.read(new Uint8Array(1)), null);
});

Deno.test("SocketConn rejects every call after it was disposed, and throws none of them", async () => {
  const [near, far] = await socketPair();
  using _ = far;
  near[Symbol.dispose]();
  const calls = [() => near.read(new Uint8Array(1)), () => near.write(new Uint8Array(1)), () => near.closeWrite()];
  for (const call of calls) {
    const result: Promise<unknown> = call();
    await assertRejects(() => result, Deno.errors.BadResource);
  }
});

Deno.test("SocketConn rejects when its peer has reset the connection", async () => {
  await using site = await ResettingSite.start(Uint8Array.of(1, 2, 3));
  using conn = new SocketConn(await Deno.connect({ hostname: "127.0.0.1", port: site.port }));
  await conn.write(Uint8Array.of(9));
  await assertRejects(() => new ByteReader((into) => conn.read(into)).all(), Deno.errors.ConnectionReset);
});

Deno.test("SocketConn works over a Unix socket", async () => {
  using dir = new TempDir();
  const path = dir.at("socket");
  using listener = Deno.listen({ transport: "unix", path });
  const [socket, accepted] = await Promise.all([Deno.connect({ transport: "unix", path }), listener.accept()]);
  using near = new SocketConn(socket);
  using far = accepted;
  assertEquals([near.remote, near.local.kind], [{ kind: "unix", path }, "unix"]);
  await near.write(Uint8Array.of(7));
  await near.closeWrite();
  const into = new Uint8Array(4);
  assertEquals([await far.read(into), into[0], await far.read(into)], [1, 7, null]);
});

const addresses: readonly [Deno.Addr, ReturnType<typeof toAddress>][] = [
  [{ transport: "tcp", hostname: "192.0.2.1", port: 5 }, { kind: "tcp", host: "192.0.2.1", port: 5 }],
  [{ transport: "tcp", hostname: "::ffff:192.0.2.1", port: 5 }, { kind: "tcp", host: "192.0.2.1", port: 5 }],
  [{ transport: "tcp", hostname: "::FFFF:192.0.2.1", port: 5 }, { kind: "tcp", host: "192.0.2.1", port: 5 }],
  [{ transport: "tcp", hostname: "2001:db8::1", port: 5 }, { kind: "tcp", host: "2001:db8::1", port: 5 }],
  [{ transport: "tcp", hostname: "::1", port: 5 }, { kind: "tcp", host: "::1", port: 5 }],
  [{ transport: "tcp", hostname: "::ffff:1:2", port: 5 }, { kind: "tcp", host: "::ffff:1:2", port: 5 }],
  [{ transport: "unix", path: "/run/x" }, { kind: "unix", path: "/run/x" }],
  // An end of a Unix socket that was not bound has no path.
  [{ transport: "unix", path: null } as unknown as Deno.UnixAddr, { kind: "unix", path: "" }],
];

for (const [address, expected] of addresses) {
  Deno.test(`toAddress() makes ${JSON.stringify(expected)} of ${JSON.stringify(address)}`, () => {
    assertEquals(toAddress(address), expected);
  });
}

Deno.test("toAddress() throws for a kind of socket that is never opened", () => {
  const address = { transport: "vsock", cid: 1, port: 2 } as unknown as Deno.Addr;
  assert(assertThrows(() => toAddress(address), TypeError).message.includes("vsock"));
});
