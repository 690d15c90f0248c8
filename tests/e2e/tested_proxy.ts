/** A proxy with its events: in this process, or the executable under test with its log. */
import { assertEquals } from "@std/assert";
import type { Address } from "../../lib/address.ts";
import type { Event } from "../../lib/events/event.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import { IpSet } from "../../lib/policy/ip_set.ts";
import { formatSecret, type Secret, type SecretKind, secretOf } from "../../lib/policy/secret.ts";
import { randomBytes } from "../support/byte_reader.ts";
import { EventLedger } from "../support/event_ledger.ts";
import type { FakeDc } from "../support/fake_dc.ts";
import { siteName, type TestSite } from "../support/fronted_site.ts";
import { binary } from "../support/subject.ts";
import { DaemonProcess } from "./daemon_process.ts";
import { LoopbackProxy } from "./loopback_proxy.ts";

/** What a configuration can ask for as well. */
export interface ProxyWishes {
  /** @default {"tls"} */
  readonly kind?: SecretKind | undefined;
  /** Stands in for data centre 2. */
  readonly dc?: FakeDc | undefined;
  /** Ports on 127.0.0.1 in place of `dc`, in the order in which they are tried. */
  readonly dcPorts?: readonly number[] | undefined;
  /** The fronted site. */
  readonly site?: TestSite | undefined;
  /** On 127.0.0.1, where it is not `site` itself that is dialed. */
  readonly frontPort?: number | undefined;
  readonly concurrency?: number | undefined;
  readonly fastMode?: boolean;
  readonly timeouts?: { readonly idleMs?: number; readonly handshakeMs?: number } | undefined;
  /** Clients come through a load balancer; these are networks of those that are believed. */
  readonly trusted?: readonly string[] | undefined;
  /** The fronted site is told where strangers come from. */
  readonly frontProxyProtocol?: boolean;
}

/** Disposing ends it, and checks what holds at the end of every test. */
export interface TestedProxy extends AsyncDisposable {
  readonly secret: Secret;
  readonly port: number;
  readonly ledger: EventLedger;
}

export function startProxy(wishes: ProxyWishes = {}): Promise<TestedProxy> {
  return binary === undefined ? startLoopback(wishes) : ExecutableProxy.start(wishes);
}

function startLoopback({ dcPorts, trusted, site, ...wishes }: ProxyWishes): Promise<TestedProxy> {
  const addresses = dcPorts?.map((port): Address => ({ kind: "tcp", host: "127.0.0.1", port }));
  return LoopbackProxy.start({
    frontPort: site?.port,
    ...wishes,
    ...addresses === undefined ? {} : { dcOverrides: new Map([[2, addresses]]) },
    ...trusted === undefined ? {} : { proxyProtocol: { trusted: IpSet.from(trusted) } },
  });
}

/** Nobody listens there without being root. */
const deadPort = 1;

class ExecutableProxy implements TestedProxy {
  readonly secret: Secret;
  readonly ledger: EventLedger = new EventLedger(systemClock);
  readonly #daemon: DaemonProcess;
  readonly #read: Promise<void>;

  private constructor(daemon: DaemonProcess, secret: Secret) {
    this.secret = secret;
    this.#daemon = daemon;
    this.#read = this.#readLog();
    // Told when it is disposed of.
    this.#read.catch(() => {});
  }

  static async start(wishes: ProxyWishes): Promise<ExecutableProxy> {
    const { kind = "tls", site } = wishes;
    const secret = secretOf(kind, randomBytes(16), kind === "tls" ? siteName : "");
    // It looks at the site when it starts.
    const looked = site?.turnAwayNext();
    const daemon = await DaemonProcess.start({ config: configOf(wishes, secret), flags: ["--no-links"] });
    await looked;
    return new ExecutableProxy(daemon, secret);
  }

  get port(): number {
    return this.#daemon.port;
  }

  async #readLog(): Promise<void> {
    for await (const line of this.#daemon.logLines()) {
      const event = eventOf(JSON.parse(line));
      if (event !== undefined) this.ledger.add(event);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using daemon = this.#daemon;
    daemon.signal("SIGTERM");
    assertEquals(await daemon.exited, 0, daemon.log);
    await this.#read;
    this.ledger.assertBalanced();
    this.ledger.assertKeeps(this.secret, daemon.log);
  }
}

function configOf(wishes: ProxyWishes, secret: Secret): string {
  const { dc, site, concurrency = 1_000, fastMode = true, trusted, frontProxyProtocol = false } = wishes;
  const { dcPorts = [dc?.port ?? deadPort], frontPort = site?.port ?? deadPort, timeouts = {} } = wishes;
  const { idleMs = 60_000, handshakeMs = 5_000 } = timeouts;
  const dcAddresses = dcPorts.map((port) => `127.0.0.1:${port}`);
  return `
    secret = "${formatSecret(secret, "hex")}"
    bind-to = "127.0.0.1:0"
    workers = 1
    log-level = "debug"
    grace = "0s"
    prefer-ip = "prefer-ipv4"
    concurrency = ${concurrency}
    proxy-protocol-listener = ${trusted !== undefined}
    ${trusted === undefined ? "" : `proxy-protocol-trusted = ${JSON.stringify(trusted)}`}
    [telegram]
    fast-mode = ${fastMode}
    [network.timeout]
    tcp = "5s"
    idle = "${idleMs}ms"
    handshake = "${handshakeMs}ms"
    [domain-fronting]
    ip = "127.0.0.1"
    port = ${frontPort}
    proxy-protocol = ${frontProxyProtocol}
    [dc-overrides]
    2 = ${JSON.stringify(dcAddresses)}
  `;
}

/** `undefined` for a line that is no event, such as that it listens. */
function eventOf({ event: type, message, ...rest }: Readonly<Record<string, unknown>>): Event | undefined {
  // From this line on some are missing, and no test here would understand the rest.
  if ("heldBack" in rest) throw new Error(`more lines than the log lets through: ${message}`);
  if (type === undefined) return undefined;
  const properties = Object.entries(rest).map(([name, value]) => {
    if (name === "client") return ["remote", addressOf(String(value))];
    return [name, name === "address" || name === "front" ? addressOf(String(value)) : value];
  });
  return { type, ...Object.fromEntries(properties), ...type === "fault" ? { error: message } : {} };
}

function addressOf(text: string): Address {
  const [, host = "", port] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? [];
  return { kind: "tcp", host, port: Number(port) };
}
