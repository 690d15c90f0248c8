/**
 * A proxy on a socket of this very process: its events can be looked at, and it starts at once. Where an executable is tested
 * too, `startProxy()` is to be preferred.
 */
import { assertEquals } from "@std/assert";
import { systemRandom } from "../../lib/crypto/random.ts";
import { directDialer } from "../../lib/net/dialer.ts";
import { Listener } from "../../lib/net/listener.ts";
import { systemClock } from "../../lib/net/system_clock.ts";
import { ReplayFilter } from "../../lib/policy/replay_filter.ts";
import { type Secret, type SecretKind, secretOf } from "../../lib/policy/secret.ts";
import { Slots } from "../../lib/policy/slots.ts";
import type { ProxyOptions } from "../../lib/proxy/options.ts";
import { Proxy } from "../../lib/proxy/proxy.ts";
import { isOwnConnection } from "../../lib/thread/front_check.ts";
import { randomBytes } from "../support/byte_reader.ts";
import { EventLedger } from "../support/event_ledger.ts";
import type { FakeDc } from "../support/fake_dc.ts";
import { siteName } from "../support/fronted_site.ts";
import { patient } from "../support/patience.ts";

export interface LoopbackOptions extends Partial<Omit<ProxyOptions, "secret" | "slots" | "front" | "timeouts">> {
  readonly kind?: SecretKind | undefined;
  /** Stands in for data centre 2. */
  readonly dc?: FakeDc | undefined;
  /** Of the fronted site on 127.0.0.1. */
  readonly frontPort?: number | undefined;
  /** The proxy's own port is that of the fronted site. */
  readonly frontsItself?: boolean | undefined;
  readonly concurrency?: number | undefined;
  /** How far the clock of the proxy's machine is ahead. */
  readonly clockAheadMs?: number | undefined;
  readonly timeouts?: Partial<ProxyOptions["timeouts"]> | undefined;
}

/** Disposing ends everything and checks what holds at the end of every test. */
export class LoopbackProxy implements AsyncDisposable {
  readonly secret: Secret;
  readonly ledger: EventLedger = new EventLedger(systemClock);
  readonly slots: Slots;
  readonly proxy: Proxy;
  readonly #listener: Listener;
  readonly #accepting: Promise<void>;

  private constructor(listener: Listener, options: LoopbackOptions) {
    const { kind = "tls", dc, concurrency = 1_000, timeouts, frontsItself = false, clockAheadMs = 0, ...rest } =
      options;
    const frontPort = frontsItself ? portOf(listener) : options.frontPort;
    const own = { bound: [listener.address], public: [] };
    this.secret = secretOf(kind, randomBytes(16), kind === "tls" ? siteName : "");
    this.slots = new Slots(concurrency);
    this.#listener = listener;
    this.proxy = new Proxy({
      replayFilter: new ReplayFilter({ memory: new ArrayBuffer(65_536), errorRate: 0.001, lifetimeMs: 240_000 }),
      toleranceMs: 120_000,
      fastMode: true,
      preferIp: "prefer-ipv4",
      fallbackOnUnknownDc: false,
      dialer: directDialer,
      isOwn: (dialed) => isOwnConnection(dialed, own),
      dcOverrides: new Map([[2, dc === undefined ? [] : [{ kind: "tcp", host: "127.0.0.1", port: dc.port }]]]),
      ...rest,
      secret: this.secret,
      slots: this.slots,
      strangersAtMost: 1_000,
      clock: { ...systemClock, nowMs: () => systemClock.nowMs() + clockAheadMs },
      random: systemRandom,
      events: this.ledger,
      front: frontPort === undefined ? undefined : { kind: "tcp", host: "127.0.0.1", port: frontPort },
      timeouts: { tcpMs: patient(5_000), handshakeMs: patient(5_000), idleMs: 60_000, ...timeouts },
    });
    const parts = { clock: systemClock, events: this.ledger };
    this.#accepting = listener.acceptInto(this.proxy, parts);
  }

  static async start(options: LoopbackOptions = {}): Promise<LoopbackProxy> {
    return new LoopbackProxy(await Listener.open({ kind: "tcp", host: "127.0.0.1", port: 0 }), options);
  }

  get port(): number {
    return portOf(this.#listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener[Symbol.dispose]();
    await this.#accepting;
    await this.proxy[Symbol.asyncDispose]();
    assertEquals([this.slots.taken, this.proxy.connections], [0, 0]);
    this.ledger.assertBalanced();
    this.ledger.assertKeeps(this.secret);
  }
}

function portOf({ address }: Listener): number {
  return address.kind === "tcp" ? address.port : 0;
}
