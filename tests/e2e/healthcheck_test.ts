/** `mtg healthcheck` against a proxy, and against what else may listen there. */
import { assertEquals, assertMatch } from "@std/assert";
import { askHealthHere } from "../../lib/cli/health_here.ts";
import { loadConfig } from "../../lib/config/parse.ts";
import { formatSecret, type Secret, type SecretKind, secretOf } from "../../lib/policy/secret.ts";
import { randomBytes } from "../support/byte_reader.ts";
import { siteName } from "../support/fronted_site.ts";
import { hasIpv6 } from "../net/sockets.ts";
import { LoopbackProxy } from "./loopback_proxy.ts";

interface Wishes {
  readonly host?: string;
  readonly takesAnyDc?: boolean;
}

function configOf(secret: Secret, ports: readonly number[], { host = "127.0.0.1", takesAnyDc = false }: Wishes = {}) {
  const lines = [
    `secret = "${formatSecret(secret, "hex")}"`,
    `bind-to = [${ports.map((port) => `"${host}:${port}"`)}]`,
    `allow-fallback-on-unknown-dc = ${takesAnyDc}`,
  ];
  return loadConfig({ file: { name: "a.toml", text: lines.join("\n") } }).config;
}

const kinds: readonly SecretKind[] = ["tls", "secured", "simple"];

function fresh(kind: SecretKind): Secret {
  return secretOf(kind, randomBytes(16), kind === "tls" ? siteName : "");
}

for (const kind of kinds) {
  Deno.test(`healthcheck does find a ${kind} proxy healthy, also on all interfaces, and needs no Telegram`, async () => {
    await using proxy = await LoopbackProxy.start({ kind });
    for (const host of ["127.0.0.1", "0.0.0.0", "[::]"]) {
      const { isServing, text } = await askHealthHere(configOf(proxy.secret, [proxy.port], { host }));
      assertEquals([isServing, text], [true, `serving on ${host}:${proxy.port}`]);
    }
  });

  Deno.test(`healthcheck does find a ${kind} proxy healthy that takes any data centre`, async () => {
    await using proxy = await LoopbackProxy.start({ kind, fallbackOnUnknownDc: true });
    const config = configOf(proxy.secret, [proxy.port], { takesAnyDc: true });
    assertEquals((await askHealthHere(config)).isServing, true);
  });

  Deno.test(`healthcheck does find that a ${kind} proxy has another secret`, async () => {
    await using proxy = await LoopbackProxy.start({ kind });
    const { isServing, text } = await askHealthHere(configOf(fresh(kind), [proxy.port]));
    assertEquals([isServing, text], [false, `127.0.0.1:${proxy.port} gives no answer within 3 s`]);
  });

  Deno.test(`healthcheck does find that nobody listens on one of two ports of a ${kind} proxy`, async () => {
    await using proxy = await LoopbackProxy.start({ kind });
    const dead = await unusedPort();
    const { isServing, text } = await askHealthHere(configOf(proxy.secret, [proxy.port, dead]));
    assertEquals(isServing, false);
    assertMatch(text, new RegExp(`^cannot reach 127\\.0\\.0\\.1:${dead}: .*refused`, "i"));
  });

  Deno.test(`healthcheck does find that another service listens in place of a ${kind} proxy`, async () => {
    await using service = Greeter.start();
    const { isServing, text } = await askHealthHere(configOf(fresh(kind), [service.port]));
    const expected = "does not know the secret: something else than this proxy listens there";
    assertEquals([isServing, text], [false, `127.0.0.1:${service.port} ${expected}`]);
  });
}

Deno.test({
  name: "healthcheck does ask [::] by IPv6 where 0.0.0.0 has the same port",
  ignore: !hasIpv6(),
  fn: async () => {
    await using proxy = await LoopbackProxy.start();
    const { secret, port } = proxy;
    const text = [
      `secret = "${formatSecret(secret, "hex")}"`,
      `bind-to = ["0.0.0.0:${port}", "[::]:${port}"]`,
    ].join("\n");
    const { config } = loadConfig({ file: { name: "a.toml", text } });
    const health = await askHealthHere(config);
    assertEquals(health.isServing, false);
    assertMatch(health.text, new RegExp(`^cannot reach \\[::1\\]:${port}: `));
  },
});

Deno.test("healthcheck does not guess a port", async () => {
  const { isServing, text } = await askHealthHere(configOf(fresh("tls"), [0]));
  assertEquals([isServing, text], [false, "bind-to has port 0, so nobody knows which one it is"]);
});

async function unusedPort(): Promise<number> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return await Promise.resolve(listener.addr.port);
}

/** Speaks first, as many protocols do. */
class Greeter implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving = this.#serve();

  static start(): Greeter {
    return new Greeter();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #serve(): Promise<void> {
    for await (const conn of this.#listener) {
      using client = conn;
      await client.write(new TextEncoder().encode("220 mail.example.com ESMTP\r\n"));
      while (await client.read(new Uint8Array(4_096)).catch(() => null) !== null);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }
}
