/** Clients of load balancers, believed and not; and what the fronted site is told. */
import { assertEquals } from "@std/assert";
import { type Address, formatAddress, type TcpAddress } from "../../lib/address.ts";
import { IpSet } from "../../lib/policy/ip_set.ts";
import { encodeProxyHeader } from "../../lib/wire/proxy_protocol.ts";
import { concat } from "../support/byte_reader.ts";
import { settle } from "../support/fake_clock.ts";
import { noise, Rig, type RigOptions } from "./rig.ts";
import type { WireEnd } from "./wire.ts";
import type { WireClient } from "./wire_client.ts";

const tcp = (host: string, port: number): TcpAddress => ({ kind: "tcp", host, port });
const utf8 = (text: string) => new TextEncoder().encode(text);

const balancer = tcp("10.0.0.5", 33_000);
const outsider = tcp("198.51.100.66", 33_000);
const real = tcp("203.0.113.9", 40_000);
const entrance = tcp("192.0.2.99", 443);
/** Where every client of the rig arrives. */
const proxyAddress = tcp("192.0.2.1", 443);
const proxyProtocol = { trusted: IpSet.from(["10.0.0.0/8"]) };

const line = utf8("PROXY TCP4 203.0.113.9 192.0.2.99 40000 443\r\n");
const binary = encodeProxyHeader(real, entrance);
const versions = [["1", line], ["2", binary]] as const;
const signature = binary.slice(0, 12);

function rigWith(options: RigOptions = {}): Rig {
  return new Rig({ proxyProtocol, ...options });
}

/** What the client that came first is called by each of its events. */
function names({ ledger }: Rig, id = 1): readonly string[] {
  return ledger.events.flatMap((event) =>
    "remote" in event && "id" in event && event.id === id ? [`${event.type} ${formatAddress(event.remote)}`] : []
  );
}

/** One read: what came by one write. */
async function segment(end: WireEnd): Promise<Uint8Array> {
  const into = new Uint8Array(20_000);
  return into.slice(0, await end.read(into) ?? 0);
}

/** Bytes that go out with the header, if its segment is to have more in it; the frame otherwise follows the flight. */
function firstBytes(client: WireClient): Uint8Array {
  return client.hello.length > 0 ? client.hello : client.seal(noise(20));
}

/** A client whose header and first bytes are sent by `send` reaches its data centre. */
async function assertServed(rig: Rig, client: WireClient, send: (first: Uint8Array) => Promise<void>): Promise<void> {
  await send(firstBytes(client));
  if (client.hello.length > 0) {
    await client.readFlight();
    await client.send(noise(20));
  }
  const dc = await rig.dc();
  assertEquals(await dc.receive(20), noise(20));
  await dc.send(noise(30));
  assertEquals(await client.receive(30), noise(30));
}

for (const [version, header] of versions) {
  for (const kind of ["tls", "secured", "simple"] as const) {
    Deno.test(`Proxy does serve a ${kind} client behind a header of version ${version} by its real address`, async () => {
      await using rig = rigWith({ kind });
      const client = rig.connect({ peer: balancer });
      await assertServed(rig, client, (first) => client.sendRaw(concat(header, first)));
      await client.end.closeWrite();
      await rig.far().closeWrite();
      await settle();
      assertEquals(rig.ledger.story(1), ["opened", "connected", "closed ended"]);
      assertEquals(names(rig), ["opened 203.0.113.9:40000", "closed 203.0.113.9:40000"]);
    });

    Deno.test(`Proxy does read a header of version ${version} and a ${kind} handshake however they are cut`, async () => {
      for (const size of [1, 7, header.length - 1, header.length, header.length + 1, header.length + 50]) {
        await using rig = rigWith({ kind });
        const client = rig.connect({ peer: balancer });
        await assertServed(rig, client, (first) => client.sendRaw(concat(header, first), size));
        assertEquals(names(rig), ["opened 203.0.113.9:40000"], `in segments of ${size}`);
      }
    });
  }

  Deno.test(`Proxy does read a header of version ${version} that is cut anywhere`, async () => {
    for (let at = 1; at < header.length; at++) {
      await using rig = rigWith();
      const client = rig.connect({ peer: balancer });
      await client.sendRaw(header.subarray(0, at));
      await settle();
      assertEquals(rig.ledger.events, [], "nobody knows who it is");
      await client.sendRaw(header.subarray(at));
      await settle();
      assertEquals(names(rig), ["opened 203.0.113.9:40000"]);
      await assertServed(rig, client, (first) => client.sendRaw(first));
    }
  });

  Deno.test(`Proxy does replay nothing of a header of version ${version} to the fronted site`, async () => {
    await using rig = rigWith();
    const client = rig.connect({ peer: balancer });
    const stranger = noise(300, "stranger");
    await client.sendRaw(concat(header, stranger));
    await settle();
    assertEquals(await segment(rig.far()), stranger);
    client.end.reset();
    await settle();
    assertEquals(names(rig), ["opened", "refused", "closed"].map((type) => `${type} 203.0.113.9:40000`));
    assertEquals(rig.ledger.of("closed")[0]?.upBytes, 300);
  });

  Deno.test(`Proxy does take a header of version ${version} from a stranger for what it is: a stranger's bytes`, async () => {
    await using rig = rigWith();
    const client = rig.connect({ peer: outsider });
    const bytes = concat(header, client.hello);
    await client.sendRaw(bytes);
    await settle();
    assertEquals(await segment(rig.far()), bytes);
    assertEquals(rig.ledger.story(1), ["opened", "untrusted-header", "refused bad-client-hello fronted"]);
    assertEquals([...new Set(names(rig).map((name) => name.split(" ")[1]))], ["198.51.100.66:33000"]);
    assertEquals(
      rig.ledger.lines.map(({ message }) => message)[1],
      [
        "#1 a PROXY protocol header came from 198.51.100.66:33000,",
        'which is not in "proxy-protocol-trusted"',
      ].join(" "),
    );
  });
}

Deno.test("Proxy does serve a trusted peer that sends no header, under its own address", async () => {
  for (const kind of ["tls", "secured", "simple"] as const) {
    for (const size of [1, 30, 2_000]) {
      await using rig = rigWith({ kind });
      const client = rig.connect({ peer: balancer });
      await assertServed(rig, client, (first) => client.sendRaw(first, size));
      assertEquals(names(rig), ["opened 10.0.0.5:33000"]);
    }
  }
});

Deno.test("Proxy does serve others as ever, and tells of them at once", async () => {
  await using rig = rigWith();
  const client = rig.connect({ peer: outsider });
  assertEquals(names(rig), ["opened 198.51.100.66:33000"]);
  await assertServed(rig, client, (first) => client.sendRaw(first));
  assertEquals(rig.ledger.story(1), ["opened", "connected"]);
});

for (
  const [name, header] of [
    ["UNKNOWN", utf8("PROXY UNKNOWN\r\n")],
    ["UNKNOWN with addresses", utf8("PROXY UNKNOWN 1.2.3.4 5.6.7.8 1 2\r\n")],
    ["LOCAL", concat(signature, Uint8Array.of(0x20, 0, 0, 0))],
    ["an unspecified family", concat(signature, Uint8Array.of(0x21, 0, 0, 3, 1, 0, 0))],
    ["UDP", concat(signature, Uint8Array.of(0x21, 0x12, 0, 12), new Uint8Array(12))],
    ["a Unix socket", concat(signature, Uint8Array.of(0x21, 0x31, 0, 216), new Uint8Array(216))],
  ] as const
) {
  Deno.test(`Proxy does serve a client under the peer's own address where the header tells of ${name}`, async () => {
    await using rig = rigWith();
    const client = rig.connect({ peer: balancer });
    await assertServed(rig, client, (first) => client.sendRaw(concat(header, first)));
    assertEquals(names(rig), ["opened 10.0.0.5:33000"]);
  });
}

Deno.test("Proxy does believe whoever may use its Unix socket", async () => {
  await using rig = new Rig({ proxyProtocol: { trusted: IpSet.from([]) } });
  const client = rig.connect({ peer: { kind: "unix", path: "" } });
  await assertServed(rig, client, (first) => client.sendRaw(concat(line, first)));
  assertEquals(names(rig), ["opened 203.0.113.9:40000"]);
});

Deno.test("Proxy does read a header of 4 KiB", async () => {
  await using rig = rigWith();
  const client = rig.connect({ peer: balancer });
  const long = concat(binary, new Uint8Array(4_096 - binary.length));
  long.set([4_080 >> 8, 4_080 & 0xff], 14);
  await assertServed(rig, client, (first) => client.sendRaw(concat(long, first), 1_000));
  assertEquals(names(rig), ["opened 203.0.113.9:40000"]);
});

for (
  const [name, header] of [
    ["a family of version 1 that there is not", utf8("PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n")],
    ["a line without an end", utf8(`PROXY TCP4 ${"1".repeat(120)}`)],
    ["a command of version 2 that there is not", concat(signature, Uint8Array.of(0x2f, 0x11, 0, 12))],
    ["too many bytes", concat(signature, Uint8Array.of(0x21, 0x11, 0xff, 0xff))],
  ] as const
) {
  Deno.test(`Proxy does close on a header with ${name}, and shows no site`, async () => {
    for (const kind of ["tls", "simple"] as const) {
      await using rig = rigWith({ kind });
      const client = rig.connect({ peer: balancer });
      await client.sendRaw(concat(header, firstBytes(client)));
      await settle();
      assertEquals([rig.dialed.length, client.proxyEnd.deeds], [0, ["close"]]);
      assertEquals(rig.ledger.story(1), ["opened", "refused bad-proxy-header closed", "closed bad-proxy-header"]);
      assertEquals(new Set(names(rig).map((each) => each.split(" ")[1])), new Set(["10.0.0.5:33000"]));
    }
  });
}

Deno.test("Proxy does hold nobody up for a header that does not come", async () => {
  await using rig = rigWith();
  const silent = rig.connect({ peer: balancer });
  const slow = rig.connect({ peer: balancer });
  await slow.sendRaw(line.subarray(0, 20));
  const client = rig.connect({ peer: balancer });
  await assertServed(rig, client, (first) => client.sendRaw(concat(line, first)));
  assertEquals([silent.proxyEnd.isClosed, slow.proxyEnd.isClosed], [false, false]);
  assertEquals([names(rig, 1), names(rig, 2)], [[], []]);
});

Deno.test("Proxy does give a header and the handshake behind it one deadline together", async () => {
  await using rig = rigWith();
  const client = rig.connect({ peer: balancer });
  for (const byte of line) {
    await client.sendRaw(Uint8Array.of(byte));
    await rig.advance(200);
  }
  assertEquals(names(rig), ["opened 203.0.113.9:40000"], "slow, yet in time");
  await rig.advance(9_000 - 200 * line.length);
  assertEquals(rig.ledger.story(1), ["opened"]);
  await rig.advance(1_000);
  assertEquals(rig.ledger.story(1), ["opened", "refused handshake-timeout fronted"]);
});

Deno.test("Proxy does close where a header is too slow, and shows no site", async () => {
  for (const [, header] of versions) {
    await using rig = rigWith();
    const client = rig.connect({ peer: balancer });
    for (const byte of header.subarray(0, 20)) {
      await client.sendRaw(Uint8Array.of(byte));
      await rig.advance(475);
    }
    assertEquals(client.proxyEnd.isClosed, false);
    await rig.advance(1_000);
    assertEquals([rig.dialed.length, client.proxyEnd.deeds], [0, ["close"]]);
    assertEquals(rig.ledger.story(1), ["opened", "refused handshake-timeout closed", "closed handshake-timeout"]);
  }
});

Deno.test("Proxy does treat a trusted peer that says nothing as it treats everybody", async () => {
  await using rig = rigWith();
  const [trusted, other] = [rig.connect({ peer: balancer }), rig.connect({ peer: outsider })];
  await rig.advance(10_500);
  const story = ["opened", "refused handshake-timeout fronted"];
  assertEquals([rig.ledger.story(1), rig.ledger.story(2)], [story, story]);
  assertEquals([trusted.proxyEnd.isClosed, other.proxyEnd.isClosed], [false, false]);
});

for (
  const [name, sent, story, fronted] of [
    ["nothing", "", ["opened", "refused closed-early closed", "closed closed-early"], undefined],
    ["a byte that may begin a header", "P", ["opened", "refused bad-client-hello fronted"], "P"],
    ["half a header", "PROXY TCP4 1.2", ["opened", "refused closed-early closed", "closed closed-early"], undefined],
    ["a header alone", "PROXY UNKNOWN\r\n", [
      "opened",
      "refused closed-early closed",
      "closed closed-early",
    ], undefined],
  ] as const
) {
  Deno.test(`Proxy does end in order with a trusted peer that ends after ${name}`, async () => {
    await using rig = rigWith();
    const client = rig.connect({ peer: balancer });
    if (sent !== "") await client.sendRaw(utf8(sent));
    await client.end.closeWrite();
    await settle();
    assertEquals(rig.ledger.story(1), story);
    assertEquals(rig.dialed.length, fronted === undefined ? 0 : 1);
    if (fronted !== undefined) assertEquals(await segment(rig.far()), utf8(fronted));
  });
}

Deno.test("Proxy does tell of a peer that is gone before its header is whole", async () => {
  await using rig = rigWith();
  const client = rig.connect({ peer: balancer });
  await client.sendRaw(line.subarray(0, 10));
  client.end.reset();
  await settle();
  assertEquals(names(rig), ["opened 10.0.0.5:33000", "closed 10.0.0.5:33000"]);
  assertEquals(rig.ledger.story(1), ["opened", "closed reset"]);
});

Deno.test("Proxy does tell of those whose header has not come when it ends", async () => {
  const rig = rigWith();
  const client = rig.connect({ peer: balancer });
  await client.sendRaw(line.subarray(0, 10));
  await rig[Symbol.asyncDispose]();
  assertEquals(rig.ledger.story(1), ["opened", "closed shutdown"]);
});

Deno.test("Proxy does count one as silent whose balancer alone has spoken", async () => {
  await using rig = rigWith({ strangersAtMost: 2 });
  const spoken = rig.connect({ peer: balancer });
  await spoken.sendRaw(concat(line, spoken.hello.subarray(0, 300)));
  await settle();
  const silent = rig.connect({ peer: balancer });
  await silent.sendRaw(line);
  await settle();
  const next = rig.connect({ peer: balancer });
  await settle();
  assertEquals([spoken.proxyEnd.isClosed, silent.proxyEnd.isClosed, next.proxyEnd.isClosed], [false, true, false]);
  assertEquals(rig.ledger.of("yielded").map(({ id, remote }) => [id, remote]), [[2, real]]);
  assertEquals(rig.ledger.story(2), ["opened", "yielded", "closed yielded"]);
});

Deno.test("Proxy does let one make room whose header has not come, and tells of it in order", async () => {
  await using rig = rigWith({ strangersAtMost: 1 });
  rig.connect({ peer: balancer });
  await settle();
  rig.connect({ peer: balancer });
  await settle();
  assertEquals(rig.ledger.story(1), ["opened", "yielded", "closed yielded"]);
  assertEquals(new Set(names(rig).map((name) => name.split(" ")[1])), new Set(["10.0.0.5:33000"]));
});

Deno.test("Proxy does tell the real address of a client for whom there is no room", async () => {
  await using rig = rigWith({ concurrency: 1 });
  await rig.relay({ peer: balancer });
  const client = rig.connect({ peer: balancer });
  await client.sendRaw(concat(line, client.hello));
  await settle();
  assertEquals(rig.ledger.of("limited").map(({ remote }) => remote), [real]);
});

Deno.test("Proxy does not look for headers where it is not told to", async () => {
  await using rig = new Rig();
  const client = rig.connect({ peer: balancer });
  assertEquals(names(rig), ["opened 10.0.0.5:33000"]);
  const bytes = concat(line, client.hello);
  await client.sendRaw(bytes);
  await settle();
  assertEquals(rig.ledger.story(1), ["opened", "refused bad-client-hello fronted"]);
  assertEquals(await segment(rig.far()), bytes);
});

const ipv6Client = tcp("2001:db8::9", 40_000);
const unixClient: Address = { kind: "unix", path: "" };

for (
  const [name, peer, sent, header] of [
    ["a client", outsider, new Uint8Array(0), encodeProxyHeader(outsider, proxyAddress)],
    ["a client of a balancer", balancer, line, binary],
    [
      "a client of IPv6 that came to an IPv4 address",
      ipv6Client,
      new Uint8Array(0),
      encodeProxyHeader(ipv6Client, proxyAddress),
    ],
    ["a client of the Unix socket", unixClient, new Uint8Array(0), concat(signature, Uint8Array.of(0x20, 0, 0, 0))],
    ["a client of a balancer at the Unix socket", unixClient, line, binary],
  ] as const
) {
  Deno.test(`Proxy does tell the fronted site of ${name}, in one write with its bytes`, async () => {
    await using rig = rigWith({ frontProxyProtocol: true });
    const client = rig.connect({ peer });
    const stranger = noise(300, "stranger");
    await client.sendRaw(concat(sent, stranger));
    await settle();
    assertEquals(await segment(rig.far()), concat(header, stranger));
    await client.sendRaw(noise(10));
    await settle();
    assertEquals(await segment(rig.far()), noise(10), "once");
    client.end.reset();
    await settle();
    assertEquals(rig.ledger.of("closed")[0]?.upBytes, 310);
  });
}

Deno.test("Proxy does tell the fronted site of a client that says nothing", async () => {
  await using rig = rigWith({ frontProxyProtocol: true });
  rig.connect({ peer: outsider });
  await rig.advance(10_500);
  assertEquals(await segment(rig.far()), encodeProxyHeader(outsider, proxyAddress));
});

Deno.test("Proxy does send no header to data centres", async () => {
  await using rig = rigWith({ frontProxyProtocol: true });
  const [, dc] = await rig.relay({ peer: outsider, payload: noise(10) });
  assertEquals(await dc.receive(10), noise(10));
});
