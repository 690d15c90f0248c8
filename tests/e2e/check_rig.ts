/** `mtg check` over sockets of this machine, with a clock and a network that a test may bend. */
import { siteClock } from "../../lib/cli/check_here.ts";
import { denoEnvironment } from "../../lib/cli/environment.ts";
import { main } from "../../lib/cli/mod.ts";
import { systemRandom } from "../../lib/crypto/random.ts";
import { directDialer } from "../../lib/net/dialer.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import { proxyLinks } from "../../lib/policy/proxy_link.ts";
import { type Secret, secretOf } from "../../lib/policy/secret.ts";
import { checkLink } from "../../lib/probe/check_link.ts";
import { siteBehind } from "../../lib/probe/clock.ts";
import type { Step } from "../../lib/probe/step.ts";
import type { Resolver } from "../../lib/relay/resolver.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { Site, siteName, type SiteScript } from "../support/fronted_site.ts";
import { MtprotoServer } from "../support/mtproto/server.ts";

/** Steps may take so long, where nothing answers. */
export const timeoutMs = 400;

export interface CheckWorld {
  /** How far this machine's clock is ahead of the true time. */
  readonly aheadMs?: number;
  /** Addresses by name; other names are not known. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /** Ports of this machine that stand in for those of other ones: `203.0.113.7:443` leads to the port. */
  readonly ports?: Readonly<Record<string, number>>;
}

export interface Checked {
  readonly code: number;
  readonly steps: readonly Step[];
  /** Of the steps: their name, outcome and code in one. */
  readonly words: readonly string[];
  /** All that was printed. */
  readonly text: string;
}

/** Runs `mtg check --json`; the secret must show nowhere. */
export async function runCheck(link: string, world: CheckWorld = {}, ...flags: readonly string[]): Promise<Checked> {
  const { aheadMs = 0, names = {}, ports = {} } = world;
  const printed: string[] = [];
  const resolver: Resolver = {
    resolve: (host) => {
      if (/^[\d.]+$|:/.test(host)) return Promise.resolve([host]);
      const hosts = names[host];
      return hosts === undefined ? Promise.reject(new Error(`there is no address of ${host}`)) : Promise.resolve(hosts);
    },
  };
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs };
  const { signal } = new AbortController();
  const there = (host: string, port: number) => {
    const local = ports[`${host}:${port}`];
    return { kind: "tcp", host: local === undefined ? host : "127.0.0.1", port: local ?? port } as const;
  };
  const code = await main(["check", "--json", "--timeout", `${timeoutMs}ms`, ...flags, link], {
    ...denoEnvironment,
    print: (text) => printed.push(text),
    printError: (text) => printed.push(text),
    check: (parsed, wishes) =>
      checkLink(parsed, {
        ...wishes,
        dialer: {
          dial: (to, options) => directDialer.dial(to.kind === "tcp" ? there(to.host, to.port) : to, options),
        },
        resolver,
        clock,
        timeSources: (address, host) => [
          siteClock(siteBehind, { host, clock, address: () => Promise.resolve(address) }),
          siteClock(`https://${host}`, {
            host,
            clock,
            address: async () => there((await resolver.resolve(host, { signal }))[0]!, 443),
          }),
        ],
        random: systemRandom,
        signal,
      }),
  });
  const text = printed.join("\n");
  const report = text.startsWith("{") ? JSON.parse(text) : { steps: [] };
  const words = (report.steps as Step[]).map(({ step, outcome, code }) => `${step} ${outcome} ${code}`);
  return { code, steps: report.steps, words, text };
}

/** A link to a port of this machine. */
export function linkTo(port: number, secret: Secret, server = "127.0.0.1"): string {
  return proxyLinks({ server, port, secret, encoding: "base64" }).tg;
}

/** One that no proxy of the tests has. */
export const otherSecret = (kind: Secret["kind"] = "tls") =>
  secretOf(kind, new Uint8Array(16).fill(0x11), kind === "tls" ? siteName : "");

/** A stand-in for Telegram that answers as it does, at the true time. */
export async function startTelegram(): Promise<FakeDc> {
  const server = await MtprotoServer.create();
  return FakeDc.start({ mode: server.handler });
}

/** A web site that tells the time; it is `aheadMs` wrong. */
export function datedSite(aheadMs = 0): Site {
  const script: SiteScript = async ({ reader, write, closeWrite }) => {
    let request = "";
    while (!request.includes("\r\n\r\n")) {
      const part = await reader.some();
      if (part === null) return;
      request += new TextDecoder().decode(part);
    }
    const date = new Date(Date.now() + aheadMs).toUTCString();
    await write(
      new TextEncoder().encode(`HTTP/1.1 200 OK\r\nServer: test\r\nDate: ${date}\r\nContent-Length: 0\r\n\r\n`),
    );
    await closeWrite();
    await reader.all();
  };
  return Site.tls(script);
}
