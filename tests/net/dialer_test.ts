import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import { directDialer } from "../../lib/net/dialer.ts";
import { TempDir } from "./sockets.ts";

function never(): { readonly signal: AbortSignal } {
  return { signal: new AbortController().signal };
}

Deno.test("directDialer connects over TCP, by address and by name", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  for (const host of ["127.0.0.1", "localhost"]) {
    const [conn, accepted] = await Promise.all([
      directDialer.dial({ kind: "tcp", host, port }, never()),
      listener.accept(),
    ]);
    using _ = conn;
    using __ = accepted;
    assertEquals(conn.remote, { kind: "tcp", host: "127.0.0.1", port });
    await conn.write(Uint8Array.of(5));
    const into = new Uint8Array(2);
    assertEquals([await accepted.read(into), into[0]], [1, 5]);
  }
});

Deno.test("directDialer connects to a Unix socket, and rejects where nobody listens", async () => {
  using dir = new TempDir();
  const path = dir.at("socket");
  const to: Address = { kind: "unix", path };
  await assertRejects(() => directDialer.dial(to, never()), Deno.errors.NotFound);
  using listener = Deno.listen({ transport: "unix", path });
  const [conn, accepted] = await Promise.all([directDialer.dial(to, never()), listener.accept()]);
  conn[Symbol.dispose]();
  accepted.close();
});

Deno.test("directDialer rejects where nobody listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const to: Address = { kind: "tcp", host: "127.0.0.1", port };
  await assertRejects(() => directDialer.dial(to, never()), Deno.errors.ConnectionRefused);
});

Deno.test("directDialer rejects a name that nobody has", async () => {
  await assertRejects(() => directDialer.dial({ kind: "tcp", host: "name.invalid", port: 1 }, never()), Error);
});

Deno.test("directDialer does not connect for a signal that is aborted already", async () => {
  using dir = new TempDir();
  using tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using unix = Deno.listen({ transport: "unix", path: dir.at("socket") });
  const reason = new Error("the client is gone");
  const signal = AbortSignal.abort(reason);
  const addresses: readonly Address[] = [
    { kind: "tcp", host: "127.0.0.1", port: (tcp.addr as Deno.NetAddr).port },
    { kind: "unix", path: (unix.addr as Deno.UnixAddr).path },
  ];
  for (const to of addresses) assertStrictEquals(await assertRejects(() => directDialer.dial(to, { signal })), reason);
});

Deno.test("directDialer gives up a connect that hangs as soon as it is aborted, and leaves nothing behind", async () => {
  await using full = await FullListener.open();
  const controller = new AbortController();
  const reason = new Error("another address answered first");
  const dialing = directDialer.dial(full.address, { signal: controller.signal });
  const early = await Promise.race([dialing.then(() => "connected"), pause(50)]);
  assertEquals(early, undefined, "the connect hangs");
  const abortedAt = performance.now();
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => dialing), reason);
  assert(performance.now() - abortedAt < 1_000);
  // The sanitizer of resources fails this test if a socket is left.
});

Deno.test("directDialer leaves a connection alone when its signal is aborted later", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const controller = new AbortController();
  const dialing = directDialer.dial({ kind: "tcp", host: "127.0.0.1", port }, { signal: controller.signal });
  const [conn, accepted] = await Promise.all([dialing, listener.accept()]);
  controller.abort(new Error("another address answered first"));
  await conn.write(Uint8Array.of(9));
  const into = new Uint8Array(1);
  assertEquals([await accepted.read(into), into[0]], [1, 9]);
  conn[Symbol.dispose]();
  accepted.close();
});

/** Listens, and has so many clients waiting that the system lets further ones wait for an answer. */
class FullListener implements AsyncDisposable {
  readonly #listener: Deno.Listener;
  readonly #clients: Deno.Conn[];
  readonly address: Address;

  private constructor(listener: Deno.Listener, clients: Deno.Conn[]) {
    this.#listener = listener;
    this.#clients = clients;
    this.address = { kind: "tcp", host: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port };
  }

  static async open(): Promise<FullListener> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
    const { port } = listener.addr as Deno.NetAddr;
    const clients: Deno.Conn[] = [];
    for (;;) {
      const controller = new AbortController();
      const connecting = Deno.connect({ hostname: "127.0.0.1", port, signal: controller.signal });
      const client = await Promise.race([connecting, pause(100)]);
      if (client !== undefined) {
        clients.push(client);
        continue;
      }
      controller.abort();
      await connecting.then((late) => late.close(), () => {});
      return new FullListener(listener, clients);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    this.#listener.close();
    return Promise.resolve();
  }
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}
