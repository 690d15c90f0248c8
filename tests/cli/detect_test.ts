import { assertEquals, assertRejects } from "@std/assert";
import { detectAddresses } from "../../lib/cli/detect.ts";
import type { Config } from "../../lib/config/config.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import { addressServices } from "../../lib/http/public_address.ts";
import { addresses, DnsUdpServer, mute, nothing, rcodes } from "../support/dns_server.ts";
import { configText } from "./fake_environment.ts";

function configOf(dns: DnsUdpServer): Config {
  const lines = ["[network]", `dns = "udp://127.0.0.1:${dns.port}"`, 'timeout.http = "5s"'];
  return parseConfig(configText(":3128", ...lines), { file: "config.toml" });
}

const hostsOf = (urls: readonly string[]) => urls.map((url) => new URL(url).hostname);

Deno.test("detectAddresses() does look the services up as the configuration says", async () => {
  await using dns = new DnsUdpServer(() => nothing(rcodes.nxdomain, 60));
  const { problems, ...found } = await detectAddresses(configOf(dns), ["ipv4"], undefined);
  assertEquals([found, problems.length], [{}, 1]);
  assertEquals(new Set(dns.queries.map(({ name }) => name)), new Set(hostsOf(addressServices.ipv4)));
});

Deno.test("detectAddresses() does connect over the family that is asked for, and no other", async () => {
  await using dns = new DnsUdpServer((query) => addresses(query, ["127.0.0.1"]));
  const { problems, ...found } = await detectAddresses(configOf(dns), ["ipv6"], undefined);
  const why = hostsOf(addressServices.ipv6).map((host) =>
    problems[0]?.includes(`${host} has no IPv6 address, only 127.0.0.1`)
  );
  assertEquals([found, why], [{}, [true, true, true]]);
});

Deno.test("detectAddresses() does give up when it is told to", async () => {
  const stop = new AbortController();
  await using dns = new DnsUdpServer(() => {
    stop.abort(new TypeError("enough"));
    return mute;
  });
  await assertRejects(() => detectAddresses(configOf(dns), ["ipv4"], stop.signal), TypeError, "enough");
});
