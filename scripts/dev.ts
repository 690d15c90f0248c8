/**
 * `deno task dev`: a proxy to work on, with no configuration needed.
 *
 * ```text
 * deno task dev               on 127.0.0.1:3128 (or the next free port), with a secret of its own
 * deno task dev -- --lan      on all interfaces, with this machine's address in the links, for a phone nearby
 * deno task dev -- --front 127.0.0.1:8443   with a site of your own for strangers, in place of a public one
 * deno task dev -- my.toml    with this configuration
 * ```
 *
 * The proxy restarts whenever a source changes; secret, port and links stay the same as long as this script runs.
 */
import { parseArgs } from "@std/cli/parse-args";
import { stringify } from "@std/toml/stringify";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { TcpAddress } from "../lib/address.ts";
import { denoEnvironment } from "../lib/cli/environment.ts";
import { randomSecret } from "../lib/cli/generate_secret.ts";
import { linkText } from "../lib/cli/links.ts";
import { qrText } from "../lib/cli/qr.ts";
import { ipAndPort } from "../lib/config/address_values.ts";
import { defaultFrontedHost, proxyLinks } from "../lib/policy/proxy_link.ts";
import { formatSecret } from "../lib/policy/secret.ts";
import { runtimeFlags } from "./runtime.ts";

const firstPort = 3128;
const portsToTry = 100;
/** Ctrl-C in a terminal reaches the proxy by itself; a signal from elsewhere has to be passed on. */
const passOnAfterMs = 300;
/** More than any sane `grace`. */
const killAfterMs = 30_000;

const usage = "usage: deno task dev [-- [--lan] [--front IP:PORT] | my.toml]";

/** Writes a configuration for the time of this run, which only this user may read; gives its path. */
async function makeConfig(lan: boolean, front: TcpAddress | undefined): Promise<string> {
  const [listen, server] = lan ? ["0.0.0.0", lanAddress()] : ["127.0.0.1", "127.0.0.1"];
  const port = freePort(listen);
  const secret = randomSecret("tls", defaultFrontedHost());
  const path = await Deno.makeTempFile({ prefix: "mtg-dev-", suffix: ".toml" });
  if (Deno.build.os !== "windows") await Deno.chmod(path, 0o600);
  const config = {
    secret: formatSecret(secret, "base64"),
    "bind-to": `${listen}:${port}`,
    "public-host": server,
    grace: "0s",
    ...(front === undefined ? {} : { "domain-fronting": { ip: front.host, port: front.port } }),
  };
  await Deno.writeTextFile(path, stringify(config));
  const { tg } = proxyLinks({ server, port, secret, encoding: "base64" });
  const shown = front === undefined ? secret.host : `the site at ${front.host}:${front.port}`;
  denoEnvironment.print(`A proxy on ${listen}:${port} that looks like ${shown} to strangers. Ctrl-C ends it.\n`);
  denoEnvironment.print(linkText(secret, [{ family: "ipv4", server, port }]));
  denoEnvironment.print(`\n${await qrText(tg, { colours: denoEnvironment.isTerminal })}\n`);
  return path;
}

/** The first port from 3128 on that nobody listens on. */
function freePort(hostname: string): number {
  for (let port = firstPort; port < firstPort + portsToTry; port++) {
    try {
      Deno.listen({ hostname, port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error(`no port from ${firstPort} to ${firstPort + portsToTry - 1} is free`);
}

/** This machine's address in its network: one for private use if there is any, and none of a container bridge. */
function lanAddress(): string {
  const found = Deno.networkInterfaces().filter(({ family, address, name }) =>
    family === "IPv4" && !address.startsWith("127.") && !/^(docker|br-|veth|virbr)/.test(name)
  );
  const own = found.find(({ address }) => /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address)) ?? found[0];
  if (own === undefined) throw new Error("--lan: this machine has no IPv4 address but its loopback one");
  return own.address;
}

function startProxy(config: string, options: { readonly links: boolean }): Deno.ChildProcess {
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  const links = options.links ? [] : ["--no-links"];
  return new Deno.Command(Deno.execPath(), {
    args: ["run", `--watch=${config}`, "--no-clear-screen", ...runtimeFlags, main, "run", ...links, config],
  }).spawn();
}

/** Runs the proxy until it ends, whether by itself or by a signal to this process; gives its exit code. */
async function runProxy(config: string, options: { readonly links: boolean }): Promise<number> {
  const child = startProxy(config, options);
  const timers: ReturnType<typeof setTimeout>[] = [];
  const send = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended.
    }
  };
  let askedMs: number | undefined;
  const stop = () => {
    if (askedMs !== undefined) {
      // One Ctrl-C comes twice: the terminal sends it to all, and deno task passes it on.
      if (performance.now() - askedMs >= passOnAfterMs) send("SIGKILL");
      return;
    }
    askedMs = performance.now();
    // The watcher around the proxy ends by SIGINT only.
    timers.push(setTimeout(send, passOnAfterMs, "SIGINT"), setTimeout(send, killAfterMs, "SIGKILL"));
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  const { code } = await child.status;
  for (const timer of timers) clearTimeout(timer);
  for (const signal of signals) Deno.removeSignalListener(signal, stop);
  return code;
}

async function dev(args: readonly string[]): Promise<number> {
  const unknown: string[] = [];
  const { lan, front, _: files } = parseArgs(args.filter((arg) => arg !== "--"), {
    boolean: ["lan"],
    string: ["_", "front"],
    unknown: (arg: string, key?: string) => key === undefined || (unknown.push(arg), false),
  });
  const site = front === undefined ? undefined : ipAndPort(front);
  if (
    unknown.length > 0 || files.length > 1 || (files.length > 0 && (lan || front !== undefined)) || site?.ok === false
  ) {
    denoEnvironment.printError(usage);
    return 2;
  }
  const own = files[0];
  if (own !== undefined) {
    // deno task starts scripts in the project's directory, and keeps the one of its user here.
    const file = resolve(Deno.env.get("INIT_CWD") ?? ".", String(own));
    // The watcher would wait for ever for it to be mended.
    await Deno.stat(file).catch(() => {
      throw new Error(`there is no file ${file}`);
    });
    return await runProxy(file, { links: true });
  }
  const config = await makeConfig(lan === true, site?.value);
  try {
    return await runProxy(config, { links: false });
  } finally {
    await Deno.remove(config);
  }
}

if (import.meta.main) {
  try {
    Deno.exit(await dev(Deno.args));
  } catch (error) {
    denoEnvironment.printError(`dev: ${error instanceof Error ? error.message : error}`);
    Deno.exit(1);
  }
}
