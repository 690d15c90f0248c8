/** What the recipes of README.md show does work, as far as programs for it are installed. */
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { parseConfig } from "../../lib/config/parse.ts";
import { IpSet } from "../../lib/policy/ip_set.ts";
import { formatSecret, type Secret, secretOf } from "../../lib/policy/secret.ts";
import { addressesOf } from "../../lib/telegram/addresses.ts";
import { ByteReader, randomBytes } from "../support/byte_reader.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { Site, siteAuthority, siteName } from "../support/fronted_site.ts";
import { TempDir } from "../net/sockets.ts";
import { RawClient, type RawClientOptions } from "../support/raw_client.ts";
import { binary } from "../support/subject.ts";
import { DaemonProcess } from "./daemon_process.ts";
import { startHaProxy } from "./haproxy.ts";
import { checkConfig, type Place, type Program, Router, whatIsMissing } from "./router.ts";

const readme = Deno.readTextFileSync(new URL("../../README.md", import.meta.url));
const [recipes = ""] = /^## Recipes$[\s\S]*?(?=^## )/m.exec(readme) ?? [];
/** Both names are in the certificate of the stand-ins. */
const shopName = "localhost";
const here = "127.0.0.1";

/** The code blocks of one language in the recipes. */
function blocks(language: string): readonly string[] {
  const found = [...recipes.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, name]) => name === language);
  assertNotEquals(found.length, 0, language);
  return found.map(([, , text = ""]) => text);
}

const [mtgBlock = ""] = blocks("toml");
const [haproxyBlock = ""] = blocks("haproxy");
const [nginxBlock = ""] = blocks("nginx");

/** With each key's text replaced by its value. A text that is not there fails the test: the recipe has changed. */
function adapt(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((adapted, [from, to]) => {
    assertStringIncludes(adapted, from);
    return adapted.replaceAll(from, to);
  }, text);
}

/** An nginx that need not be root's, and whose pages stand in its own directory. */
function nginxConfig({ dir }: Place, text: string, changes: Readonly<Record<string, string>>): string {
  const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));
  for (const folder of ["www", "shop"]) {
    Deno.mkdirSync(dir.at(folder));
    Deno.writeTextFileSync(`${dir.at(folder)}/index.html`, `page of ${folder}`);
  }
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${dir.path};`);
  return adapt(text, changes)
    .replace(
      "http {",
      `http { log_format who '$remote_addr:$remote_port $host'; access_log ${dir.at("access.log")} who; ${
        temporary.join(" ")
      }`,
    )
    .replaceAll("/etc/ssl/example.com.pem", fixture("front.pem"))
    .replaceAll("/etc/ssl/example.com.key", fixture("front.key"))
    .replaceAll("/var/www", dir.path);
}

const missing: Readonly<Record<Program, string | undefined>> = {
  haproxy: await whatIsMissing("haproxy"),
  nginx: await whatIsMissing("nginx"),
};
for (const [program, why] of Object.entries(missing)) {
  if (why === undefined) continue;
  Deno.stderr.writeSync(new TextEncoder().encode(`${program}: ${why.trim()}: the recipes with it are left out\n`));
}

Deno.test({
  name: "the command for a service manager of one's own does start every worker",
  ignore: Deno.build.os === "windows" || binary !== undefined,
  fn: async () => {
    const [block = ""] = [...readme.matchAll(/^```sh\n([^`]*main\.ts run[^`]*)^```$/gm)].map(([, text]) => text);
    using dir = new TempDir();
    const file = dir.at("config.toml");
    await Deno.writeTextFile(
      file,
      `secret = "${"01".repeat(16)}"\nbind-to = "127.0.0.1:0"\nworkers = 2\ngrace = "0s"\n`,
    );
    const command = adapt(block, { "config.toml": file, "deno run": `exec ${Deno.execPath()} run --quiet` });
    const cwd = fileURLToPath(new URL("../..", import.meta.url));
    await using child = new Deno.Command("sh", { args: ["-c", command], cwd, stdin: "null", stderr: "piped" }).spawn();
    let log = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      if (!log.includes("listening on") && (log + text).includes("listening on")) child.kill("SIGTERM");
      log += text;
    }
    assertEquals((await child.status).code, 0, log);
    assertStringIncludes(log, "0 workers were replaced");
  },
});

Deno.test("the recipes do show configurations that mtg takes", () => {
  const [, inKubernetes = ""] = /^ +config\.toml: \|\n((?: {4}.*\n|\n)+)/m.exec(blocks("yaml").join("")) ?? [];
  for (const block of [...blocks("toml"), inKubernetes.replaceAll(/^ {4}/gm, "")]) {
    // One that shows a table alone is to be added to such a configuration.
    parseConfig(block.includes("secret =") ? block : mtgBlock + block, { file: "" });
  }
});

Deno.test("the recipe for a VPN does lead to every address of Telegram that is built in", () => {
  const [, networks = ""] = /^AllowedIPs = (.*149.*)$/m.exec(recipes) ?? [];
  const routed = IpSet.from(networks.split(", "));
  const addresses = [1, 2, 3, 4, 5, 203, 10_001, 10_002, 10_003].flatMap((dc) => addressesOf(dc, new Map()));
  const hosts = addresses.map((address) => address.kind === "tcp" ? address.host : "").filter((host) =>
    host.includes(".")
  );
  assert(hosts.length > 8);
  assertEquals(hosts.filter((host) => !routed.has(host)), []);
});

Deno.test({
  name: "the recipe for HAProxy does pass HAProxy's own check as it stands",
  ignore: missing.haproxy !== undefined,
  fn: async () => {
    const { ok, text } = await checkConfig("haproxy", () => haproxyBlock);
    assert(ok && !/warning|alert/i.test(text), text);
  },
});

Deno.test({
  name: "the recipe for nginx does pass nginx' own check",
  ignore: missing.nginx !== undefined,
  fn: async () => {
    const { ok, text } = await checkConfig(
      "nginx",
      (place) =>
        nginxConfig(place, nginxBlock, {
          "listen 443": `listen 127.0.0.1:${place.ports[0]}`,
          "listen 127.0.0.1:8443": `listen 127.0.0.1:${place.ports[1]}`,
          "listen 127.0.0.1:9443": `listen 127.0.0.1:${place.ports[2]}`,
        }),
      [here, here, here],
    );
    assert(ok && !/\[(warn|error|emerg)\]/.test(text), text);
  },
});

const secret: Secret = secretOf("tls", randomBytes(16), siteName);

/** `mtg` as the recipe has it, between a router and a site. */
async function startProxy(dc: FakeDc, sitePort: number): Promise<DaemonProcess> {
  const config = adapt(mtgBlock, {
    "7gARIjNEVWZ3iJmqu8zd7v93d3cuZXhhbXBsZS5jb20": formatSecret(secret, "base64"),
    "127.0.0.1:3128": "127.0.0.1:0",
    "port = 8443": `port = ${sitePort}`,
  });
  const dcs = dc.addresses.map((address) => JSON.stringify(address)).join(", ");
  return await DaemonProcess.start({ config: `debug = true\nworkers = 1\n${config}\n[dc-overrides]\n2 = [${dcs}]\n` });
}

/** What a browser does: with the site's certificate, which must be right. @returns The page, and the visitor's address. */
async function visit(port: number, hostname: string): Promise<readonly [string, string]> {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  const address = `127.0.0.1:${tcp.localAddr.port}`;
  using tls = await Deno.startTls(tcp, { hostname, caCerts: [siteAuthority] });
  await tls.write(new TextEncoder().encode(`GET / HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\n\r\n`));
  const answer = new TextDecoder().decode(await new ByteReader((into) => tls.read(into)).all());
  return [answer.split("\r\n\r\n")[1]?.trim() ?? "", address];
}

const clients: Readonly<Record<string, Partial<RawClientOptions>>> = {
  "as apps of today send it": {},
  "without a name": { hello: { shape: "no-sni" } },
  "in three records": { helloCuts: 3 },
};

/** Clients are served, under their own addresses. */
async function assertServes(port: number, proxy: DaemonProcess): Promise<void> {
  for (const [name, options] of Object.entries(clients)) {
    using client = await RawClient.connect({ port, secret, ...options });
    const bytes = randomBytes(50_000);
    const sending = client.write(bytes);
    assertEquals(await client.readExactly(bytes.length), bytes, name);
    await sending;
    await proxy.logged(new RegExp(`127\\.0\\.0\\.1:${client.conn.localAddr.port}\\b`));
  }
}

Deno.test({
  name: "behind HAProxy, as in the recipe, clients are served, and each site's visitors see that site",
  ignore: missing.haproxy !== undefined,
  fn: async () => {
    const script = (page: string) =>
      Site.tls(async ({ reader, write, closeWrite }) => {
        await reader.some();
        await write(new TextEncoder().encode(`HTTP/1.1 200 OK\r\n\r\n${page}`));
        await closeWrite();
      });
    await using dc = FakeDc.start({ mode: "echo" });
    await using www = script("page of www");
    await using shop = script("page of shop");
    const accepting = { bindOptions: "accept-proxy" };
    await using sites = await startHaProxy(...[www, shop].map(({ port }) => ({ ...accepting, toPort: port })));
    await using proxy = await startProxy(dc, sites.ports[0]!);
    await using router = await Router.start("haproxy", [here], ({ ports }) =>
      adapt(haproxyBlock, {
        "bind :443": `bind 127.0.0.1:${ports[0]}`,
        "127.0.0.1:3128": `127.0.0.1:${proxy.port}`,
        "127.0.0.1:9443": `127.0.0.1:${sites.ports[1]}`,
        "shop.example.com": shopName,
      }));
    const port = router.ports[0]!;
    await assertServes(port, proxy);
    const [page, visitor] = await visit(port, siteName);
    assertEquals(page, "page of www");
    await proxy.logged(new RegExp(`client ${visitor} fronted: The ClientHello was not signed`));
    assertEquals((await visit(port, shopName))[0], "page of shop");
    assertEquals([www.connections, shop.connections], [1, 1]);
  },
});

Deno.test({
  name:
    "behind nginx, as in the recipe, clients are served, each site's visitors see that site, and nginx who they are",
  ignore: missing.nginx !== undefined,
  fn: async () => {
    const stream = /^stream \{[\s\S]*?^\}/m;
    const http = /^http \{[\s\S]*?^\}/m;
    await using dc = FakeDc.start({ mode: "echo" });
    await using sites = await Router.start(
      "nginx",
      [here, here],
      (place) =>
        nginxConfig(place, nginxBlock.replace(stream, ""), {
          "www.example.com": siteName,
          "shop.example.com": shopName,
          "127.0.0.1:8443": `127.0.0.1:${place.ports[0]}`,
          "127.0.0.1:9443": `127.0.0.1:${place.ports[1]}`,
        }),
    );
    await using proxy = await startProxy(dc, sites.ports[0]!);
    await using router = await Router.start(
      "nginx",
      [here],
      (place) =>
        nginxConfig(place, nginxBlock.replace(http, ""), {
          "listen 443": `listen 127.0.0.1:${place.ports[0]}`,
          "127.0.0.1:3128": `127.0.0.1:${proxy.port}`,
          "127.0.0.1:9443": `127.0.0.1:${sites.ports[1]}`,
          "shop.example.com": shopName,
        }),
    );
    const port = router.ports[0]!;
    await assertServes(port, proxy);
    const visited = [await visit(port, siteName), await visit(port, shopName)];
    assertEquals(visited.map(([page]) => page), ["page of www", "page of shop"]);
    const log = await Deno.readTextFile(sites.dir.at("access.log"));
    assertEquals(log.trim().split("\n"), [`${visited[0]?.[1]} ${siteName}`, `${visited[1]?.[1]} ${shopName}`]);
  },
});
