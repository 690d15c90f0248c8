/** The fronted site and its stranger, once they are joined; and what keeps them apart. */
import { assertEquals } from "@std/assert";
import { formatAddress } from "../../lib/address.ts";
import type { Dialer } from "../../lib/relay/dialer.ts";
import { settle } from "../support/fake_clock.ts";
import { noise, Rig } from "./rig.ts";

const stranger = noise(500, "stranger");

Deno.test("Proxy does end the client as the network would where the site refuses", async () => {
  for (const kind of ["simple", "tls"] as const) {
    await using rig = new Rig({ kind, dial: () => ({ refuse: "connection refused" }) });
    const client = rig.connect();
    await client.sendRaw(stranger);
    await settle();
    assertEquals([rig.dialed.length, client.proxyEnd.deeds], [1, ["close"]], "one try, no delay, no byte");
    assertEquals(rig.ledger.of("front-failed").map(({ id, reason }) => [id, reason]), [[1, "connection refused"]]);
    assertEquals(rig.ledger.story(1).slice(2), ["front-failed", "closed front-failed"]);
  }
});

Deno.test("Proxy does not front itself", async () => {
  await using rig = new Rig({ isOwn: (dialed) => dialed.remote.kind === "tcp" && dialed.remote.port === 443 });
  const client = rig.connect();
  await client.sendRaw(stranger);
  await settle();
  const far = rig.far();
  assertEquals(await far.read(new Uint8Array(1_000)), null, "nothing was sent into the loop");
  assertEquals(client.proxyEnd.deeds, ["close"]);
  assertEquals(rig.ledger.story(1), ["opened", "refused bad-client-hello fronted", "front-loop", "closed front-loop"]);
});

Deno.test("Proxy does reach the site by the dialer that is for it", async () => {
  const fronting: string[] = [];
  const frontDialer: Dialer = {
    dial: (to) => {
      fronting.push(formatAddress(to));
      return Promise.reject(new Error("seen"));
    },
  };
  await using rig = new Rig({ frontDialer });
  await rig.connect().sendRaw(stranger);
  await settle();
  assertEquals([rig.dialed.length, fronting.length], [0, 1]);
  assertEquals(rig.ledger.of("front-failed").map(({ reason }) => reason), ["seen"]);
  await rig.relay();
  assertEquals([rig.dialed.length, fronting.length], [1, 1], "data centres are reached by the other one");
});

Deno.test("Proxy does not ask whether a data centre is its own", async () => {
  await using rig = new Rig({ isOwn: () => true });
  await rig.relay();
  assertEquals(rig.ledger.story(1), ["opened", "connected"]);
});

Deno.test("Proxy does pass the site's end on and goes on the other way", async () => {
  await using rig = new Rig();
  const client = rig.connect();
  await client.sendRaw(stranger);
  await settle();
  const site = rig.far();
  await site.write(noise(80, "answer"));
  await site.closeWrite();
  assertEquals(await client.receiveRaw(), noise(80, "answer"));
  await settle();
  assertEquals(client.proxyEnd.deeds, ["write", "fin"]);
  await client.sendRaw(noise(90, "late"));
  await settle();
  const got = new Uint8Array(1_000);
  assertEquals([await site.read(got), await site.read(got)], [stranger.length, 90]);
  await client.end.closeWrite();
  assertEquals(await site.read(got), null);
  await settle();
  assertEquals(rig.ledger.story(1).at(-1), "closed ended");
});

for (const bytes of [0, 300]) {
  Deno.test(`Proxy does end with FIN where the site resets after ${bytes} bytes`, async () => {
    await using rig = new Rig();
    const client = rig.connect();
    await client.sendRaw(stranger);
    await settle();
    const site = rig.far();
    if (bytes > 0) {
      await site.write(noise(bytes));
      await settle();
    }
    site.reset();
    assertEquals(await client.receiveRaw(), noise(bytes));
    await settle();
    assertEquals(rig.ledger.story(1).at(-1), "closed reset");
  });
}

Deno.test("Proxy does end the site's connection where the stranger resets", async () => {
  await using rig = new Rig();
  const client = rig.connect();
  await client.sendRaw(stranger);
  await settle();
  client.end.reset();
  await settle();
  const site = rig.far();
  const got = new Uint8Array(1_000);
  assertEquals([await site.read(got), await site.read(got)], [stranger.length, null]);
  assertEquals(rig.ledger.story(1).at(-1), "closed reset");
});

Deno.test("Proxy does not read more from the site than the stranger takes", async () => {
  await using rig = new Rig({ limits: { window: 50_000 } });
  const client = rig.connect();
  await client.sendRaw(stranger);
  await settle();
  const site = rig.far();
  let sent = 0;
  const sending = (async () => {
    const bytes = noise(4_000_000);
    while (sent < bytes.length) sent += await site.write(bytes.subarray(sent));
    await site.closeWrite();
    return bytes;
  })();
  await rig.advance(2_000);
  // Both windows, a buffer of 128 KiB at most between them, and nothing beyond.
  assertEquals(sent <= 2 * 50_000 + 131_144, true, `${sent} bytes were taken from the site`);
  const got = await client.receiveRaw();
  assertEquals(got, await sending);
  await client.end.closeWrite();
  await settle();
});
