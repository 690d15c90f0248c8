import { assertEquals, assertRejects } from "@std/assert";
import { Listener } from "../../lib/net/listener.ts";
import type { Conn } from "../../lib/relay/conn.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { exists, leaveStaleSocket, TempDir } from "./sockets.ts";

/** Sends a byte to `path`, and what comes back. */
async function ask(path: string): Promise<number | undefined> {
  using conn = await Deno.connect({ transport: "unix", path });
  await conn.write(Uint8Array.of(7));
  const into = new Uint8Array(1);
  return await conn.read(into) === null ? undefined : into[0];
}

/** Answers each client's byte with the next one. */
async function answer(conn: Conn): Promise<void> {
  using _ = conn;
  const into = new Uint8Array(1);
  await conn.read(into);
  into[0]!++;
  await conn.write(into);
}

async function serveOnce(path: string): Promise<number | undefined> {
  const listener = await Listener.open({ kind: "unix", path });
  assertEquals(listener.address, { kind: "unix", path });
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o666, "any user's router may connect");
  const answers: Promise<void>[] = [];
  const done = listener.acceptInto({ serve: (conn) => answers.push(answer(conn)), makeRoom: () => 0 }, {
    clock: new FakeClock(),
    events: { emit: () => {} },
  });
  const answered = await ask(path);
  await Promise.all(answers);
  listener[Symbol.dispose]();
  await done;
  return answered;
}

Deno.test("Listener serves on a Unix socket, and removes its file when it is disposed", async () => {
  using dir = new TempDir();
  const path = dir.at("mtg.sock");
  assertEquals(await serveOnce(path), 8);
  assertEquals(exists(path), false);
  assertEquals(await serveOnce(path), 8, "once more");
});

Deno.test("Listener takes over the socket file of a process that died", async () => {
  using dir = new TempDir();
  const path = dir.at("mtg.sock");
  leaveStaleSocket(path);
  assertEquals(await serveOnce(path), 8);
  assertEquals(exists(path), false);
});

Deno.test("Listener does not take over a socket that somebody listens on", async () => {
  using dir = new TempDir();
  const path = dir.at("mtg.sock");
  using first = await Listener.open({ kind: "unix", path });
  const error = await assertRejects(() => Listener.open({ kind: "unix", path }), Error);
  assertEquals(error.message, `cannot listen on unix:${path}: another program listens there`);
  const answers: Promise<void>[] = [];
  const done = first.acceptInto({ serve: (conn) => answers.push(answer(conn).catch(() => {})), makeRoom: () => 0 }, {
    clock: new FakeClock(),
    events: { emit: () => {} },
  });
  assertEquals(await ask(path), 8, "the first one still serves");
  await Promise.all(answers);
  first[Symbol.dispose]();
  await done;
});

for (const kind of ["file", "directory", "link"] as const) {
  Deno.test(`Listener never removes a ${kind} that stands where its socket should`, async () => {
    using dir = new TempDir();
    const path = dir.at("precious");
    if (kind === "file") await Deno.writeTextFile(path, "data of somebody");
    else if (kind === "directory") await Deno.mkdir(path);
    else await Deno.symlink(dir.at("elsewhere"), path);
    const error = await assertRejects(() => Listener.open({ kind: "unix", path }), Error);
    assertEquals(error.message.startsWith(`cannot listen on unix:${path}: `), true);
    assertEquals(exists(path), true);
    if (kind === "file") assertEquals(await Deno.readTextFile(path), "data of somebody");
  });
}

Deno.test("Listener says why it cannot make a socket where there is no directory", async () => {
  using dir = new TempDir();
  const path = dir.at("missing/mtg.sock");
  const error = await assertRejects(() => Listener.open({ kind: "unix", path }), Error);
  assertEquals(error.message.startsWith(`cannot listen on unix:${path}: `), true);
});

Deno.test("Listener is disposed without a fuss when its file or its directory is gone", async () => {
  const dir = new TempDir();
  const [one, two] = [
    await Listener.open({ kind: "unix", path: dir.at("a") }),
    await Listener.open({ kind: "unix", path: dir.at("b") }),
  ];
  await Deno.remove(dir.at("a"));
  one[Symbol.dispose]();
  dir[Symbol.dispose]();
  two[Symbol.dispose]();
});
