import { assertEquals } from "@std/assert";
import type { LoadedConfig } from "../../lib/config/parse.ts";
import { loadConfig } from "../../lib/config/parse.ts";
import { Operator } from "../../lib/daemon/operator.ts";
import type { Service } from "../../lib/thread/service.ts";
import { SocksServer } from "../support/socks_server.ts";

function load(text: string): LoadedConfig {
  const base = 'secret = "dd00112233445566778899aabbccddeeff"\nbind-to = "127.0.0.1:1"\n';
  return loadConfig({ file: { name: "a.toml", text: base + text } });
}

/** Serves nobody, and takes everything over. */
const service: Service = {
  bound: [],
  counts: { open: 0, accepted: 0, served: 0, refused: 0, limited: 0, upBytes: 0, downBytes: 0 },
  replaced: 0,
  broken: new Promise(() => {}),
  mayFront: () => true,
  apply: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** Resolves once somebody has asked `proxy` for something; rejects if that takes more than 10 s. */
async function asked(proxy: SocksServer): Promise<void> {
  for (let left = 2_000; left > 0; left--) {
    if (proxy.requests.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("nobody has asked the proxy");
}

Deno.test("Operator does fetch updates by the ways to Telegram that a reload has brought", async () => {
  await using first = SocksServer.start({ behaviour: 1 });
  await using second = SocksServer.start({ behaviour: 1 });
  const by = ({ port }: SocksServer) => load(`auto-update = true\n[network]\nproxies = "socks5h://127.0.0.1:${port}"`);
  const source = { load: () => Promise.resolve(by(second)), file: undefined };
  await using operator = new Operator(by(first).config, service, { reload: source });
  await asked(first);
  operator.reload();
  await asked(second);
  assertEquals(new Set(second.requests), new Set(["core.telegram.org:443"]));
});
