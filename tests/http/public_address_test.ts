import { assertEquals, assertRejects } from "@std/assert";
import type { Family } from "../../lib/address.ts";
import { addressServices, detectPublicAddresses, type PublicAddresses } from "../../lib/http/public_address.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silence, Site } from "../support/fronted_site.ts";
import { answer, caCerts, MapDialer, serve } from "./downloads.ts";

const services: Readonly<Record<Family, readonly string[]>> = {
  ipv4: ["https://front.test:1/ip", "https://front.test:2/ip", "https://front.test:3/ip"],
  ipv6: ["https://front.test:4/ip", "https://front.test:5/ip", "https://front.test:6/ip"],
};
const nobody = (port: number) => `https://front.test:${port}/ip: nobody is there`;
const unknown4 = "the public IPv4 address is not known: ";
const unknown6 = "the public IPv6 address is not known: ";

interface Outcome {
  readonly found: PublicAddresses;
  /** Ports of the services that were asked, by family. */
  readonly asked: Readonly<Record<Family, readonly number[]>>;
}

/** Asks services of which those named here, by port, answer with this text, or as this site does. */
async function detect(
  answers: Readonly<Record<number, string | (() => Site)>>,
  wanted?: readonly Family[],
): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const ports: Record<string, number> = {};
  for (const [port, text] of Object.entries(answers)) {
    ports[`front.test:${port}`] = stack.use(typeof text === "string" ? serve(answer(text)) : text()).port;
  }
  const dialers = { ipv4: new MapDialer(ports), ipv6: new MapDialer(ports) };
  const dialerOf = (family: Family) => dialers[family];
  const options = { dialerOf, clock: systemClock, timeoutMs: 5_000, services, caCerts };
  const found = await detectPublicAddresses(wanted === undefined ? options : { ...options, wanted });
  const asked = (family: Family) => dialers[family].dialed.map((to) => to.kind === "tcp" ? to.port : 0);
  return { found, asked: { ipv4: asked("ipv4"), ipv6: asked("ipv6") } };
}

Deno.test("detectPublicAddresses() does take what two services of each family agree on, and asks no third", async () => {
  const answers = { 1: "8.8.4.4\n", 2: " 8.8.4.4", 4: "2a0a:f280:0:0:0:0:0:1\n", 5: "2A0A:F280::1" };
  const { found, asked } = await detect(answers);
  assertEquals(found, { ipv4: "8.8.4.4", ipv6: "2a0a:f280::1", problems: [] });
  assertEquals(asked, { ipv4: [1, 2], ipv6: [4, 5] });
});

Deno.test("detectPublicAddresses() does ask only for what is wanted", async () => {
  const { found, asked } = await detect({ 4: "2a0a:f280::1", 5: "2a0a:f280::1" }, ["ipv6"]);
  assertEquals(found, { ipv6: "2a0a:f280::1", problems: [] });
  assertEquals(asked.ipv4, []);
});

Deno.test("detectPublicAddresses() does ask the third service in the place of one that fails", async () => {
  const { found, asked } = await detect({ 1: "8.8.4.4", 3: "8.8.4.4" }, ["ipv4"]);
  assertEquals(found, { ipv4: "8.8.4.4", problems: [] });
  assertEquals(asked.ipv4, [1, 2, 3]);
  const differ = await detect({ 1: "8.8.4.4", 3: "8.8.4.5" }, ["ipv4"]);
  assertEquals(differ.found.ipv4, undefined);
});

Deno.test("detectPublicAddresses() does take what the only one says that answers", async () => {
  for (const port of [1, 2, 3]) {
    assertEquals((await detect({ [port]: "8.8.4.4" }, ["ipv4"])).found, { ipv4: "8.8.4.4", problems: [] });
  }
});

Deno.test("detectPublicAddresses() does take nothing where services differ, and says so", async () => {
  const { found } = await detect({ 1: "8.8.4.4", 2: "8.8.4.5", 4: "2a0a:f280::1", 5: "2a0a:f280::1" });
  const [problem = ""] = found.problems;
  // The order is that of the answers.
  assertEquals(problem.split(/ and |, /).toSorted(), ["8.8.4.4", "8.8.4.5", `${unknown4}services differ`]);
  assertEquals([found.ipv4, found.ipv6, found.problems.length], [undefined, "2a0a:f280::1", 1]);
});

Deno.test("detectPublicAddresses() does not mind that a machine has only one family, but says why it has none", async () => {
  assertEquals((await detect({ 1: "8.8.4.4", 2: "8.8.4.4" })).found, { ipv4: "8.8.4.4", problems: [] });
  assertEquals((await detect({})).found.problems, [
    `${unknown4}${[1, 2, 3].map(nobody).join("; ")}`,
    `${unknown6}${[4, 5, 6].map(nobody).join("; ")}`,
  ]);
});

const noAddress = ["", "<html>1.2.3.4</html>", "8.8.4.4 8.8.4.5", "10.0.0.1", "127.0.0.1", "192.168.1.1", "100.64.0.1"]
  .concat(["169.254.1.1", "0.0.0.0", "224.0.0.1", "203.0.113.7", "134744072", "8.8.1028", "010.8.4.4", "8.8.4.256"])
  .concat(["2a0a:f280::1"]);
const noAddress6 = [
  "::1",
  "::",
  "fe80::1",
  "fd00::1",
  "::ffff:8.8.4.4",
  "2001:db8::1",
  "ff02::1",
  "8.8.4.4",
  "2a0a::1%eth0",
];

Deno.test("detectPublicAddresses() does take nothing but public addresses of the family asked for", async () => {
  for (
    const [texts, port, family, name] of [[noAddress, 1, "ipv4", "IPv4"], [noAddress6, 4, "ipv6", "IPv6"]] as const
  ) {
    for (const text of texts) {
      const { found } = await detect({ [port]: text }, [family]);
      assertEquals(Object.keys(found), ["problems"], text);
      const said = `https://front.test:${port}/ip: the server did not answer with a public ${name} address`;
      assertEquals(found.problems[0]?.includes(said), true, found.problems[0]);
    }
  }
});

Deno.test("detectPublicAddresses() does not take error pages, nor long ones", async () => {
  const { found } = await detect({
    1: () => serve(answer("8.8.4.4", { status: 503 })),
    2: () => serve(answer("8.8.4.4" + " ".repeat(5000))),
  }, ["ipv4"]);
  assertEquals(Object.keys(found), ["problems"]);
  for (const reason of ["answered with status 503", "answered with more than 4096 bytes"]) {
    assertEquals(found.problems[0]?.includes(reason), true, found.problems[0]);
  }
});

Deno.test("detectPublicAddresses() does not wait beyond its deadline, and takes what has come until then", async () => {
  await using good = serve(answer("8.8.4.4"));
  await using mute = Site.tls(silence);
  const ports = {
    "front.test:1": mute.port,
    "front.test:2": good.port,
    "front.test:4": mute.port,
    "front.test:5": mute.port,
  };
  const clock = new FakeClock();
  const dialer = new MapDialer(ports);
  const detecting = detectPublicAddresses({ dialerOf: () => dialer, clock, timeoutMs: 1_000, services, caCerts });
  for (const connection of [0, 1, 2]) await mute.log.until("data", { connection });
  await good.log.until("closed");
  await clock.advance(1_000);
  assertEquals(await detecting, { ipv4: "8.8.4.4", problems: [] });
  assertEquals([clock.pendingMs, dialer.dialed.length], [[], 4]);
});

Deno.test("detectPublicAddresses() does say whom it waited for in vain", async () => {
  await using mute = Site.tls(silence);
  const ports = { "front.test:1": mute.port, "front.test:2": mute.port };
  const clock = new FakeClock();
  const detecting = detectPublicAddresses({
    dialerOf: () => new MapDialer(ports),
    clock,
    timeoutMs: 1_000,
    services,
    caCerts,
    wanted: ["ipv4"],
  });
  for (const connection of [0, 1]) await mute.log.until("data", { connection });
  await clock.advance(1_000);
  const late = (port: number) => `https://front.test:${port}/ip: no answer within 1 s`;
  assertEquals(await detecting, { problems: [`${unknown4}${late(1)}; ${late(2)}`] });
});

Deno.test("detectPublicAddresses() does give up when it is told to", async () => {
  await using mute = Site.tls(silence);
  const ports = { "front.test:1": mute.port, "front.test:2": mute.port };
  const stop = new AbortController();
  const clock = new FakeClock();
  const dialerOf = () => new MapDialer(ports);
  const options = { dialerOf, clock, timeoutMs: 1_000, services, caCerts, signal: stop.signal };
  const stopped = assertRejects(() => detectPublicAddresses(options), TypeError, "enough");
  await mute.log.until("data");
  stop.abort(new TypeError("enough"));
  await stopped;
  assertEquals(clock.pendingMs, []);
});

Deno.test("addressServices does name services of different owners, and only such as https reaches", () => {
  for (const urls of Object.values(addressServices)) {
    const owners = urls.map((url) => new URL(url).hostname.split(".").slice(-2).join("."));
    assertEquals([new Set(owners).size, urls.every((url) => url.startsWith("https://"))], [3, true]);
  }
});
