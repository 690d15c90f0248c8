/** A whole proxy in memory: its clients, what it dials, its clock and its entropy are in the hands of a test. */
import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import type { Address } from "../../lib/address.ts";
import type { RandomSource } from "../../lib/crypto/random.ts";
import { ReplayFilter } from "../../lib/policy/replay_filter.ts";
import { type Secret, type SecretKind, secretOf } from "../../lib/policy/secret.ts";
import { Slots } from "../../lib/policy/slots.ts";
import type { ProxyOptions } from "../../lib/proxy/options.ts";
import { Proxy } from "../../lib/proxy/proxy.ts";
import type { Conn } from "../../lib/relay/conn.ts";
import { EventLedger } from "../support/event_ledger.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { wire, type WireEnd, type WireLimits } from "./wire.ts";
import { openDc, WireClient, type WireClientOptions, type WireDc } from "./wire_client.ts";

export const host = "front.test";
export const front: Address = { kind: "tcp", host, port: 443 };
export const toleranceMs = 120_000;
export const timeouts = { tcpMs: 10_000, handshakeMs: 10_000, idleMs: 300_000 };

const proxyAddress: Address = { kind: "tcp", host: "192.0.2.1", port: 443 };

export function secretFor(kind: SecretKind): Secret {
  return secretOf(kind, Uint8Array.fromHex("00112233445566778899aabbccddeeff"), kind === "tls" ? host : "");
}

/** Bytes that look random and are the same in each run. */
export function noise(count: number, seed = "noise"): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at += 32) {
    const digest = createHash("sha256").update(`${seed} ${at}`).digest();
    bytes.set(digest.subarray(0, Math.min(32, count - at)), at);
  }
  return bytes;
}

/** Entropy that is the same in each run. */
function fixedRandom(): RandomSource {
  let calls = 0;
  const bytes = (count: number) => noise(count, `call ${calls++}`);
  return {
    fill: (into) => {
      into.set(bytes(into.length));
      return into;
    },
    x25519PublicKey: () => bytes(32),
  };
}

/** One call of the dialer. */
export interface Dialed {
  readonly to: Address;
  readonly signal: AbortSignal;
  /** The far end, once connected. */
  readonly far: WireEnd | undefined;
  /** Answers a call that is held. */
  connect(): WireEnd;
  fail(message: string): void;
}

/** What becomes of a call: connected at once, refused with a message, or held until the test answers. */
export type DialPolicy = (to: Address) => "connect" | "hold" | { readonly refuse: string };

export interface RigOptions extends Partial<Omit<ProxyOptions, "secret" | "timeouts" | "front" | "slots">> {
  readonly kind?: SecretKind | undefined;
  readonly front?: boolean | undefined;
  readonly concurrency?: number | undefined;
  readonly timeouts?: Partial<ProxyOptions["timeouts"]> | undefined;
  readonly dial?: DialPolicy | undefined;
  readonly limits?: WireLimits | undefined;
}

/** Disposing ends the proxy and checks what holds at the end of every test. */
export class Rig implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly ledger: EventLedger = new EventLedger(this.clock);
  readonly secret: Secret;
  readonly slots: Slots;
  readonly proxy: Proxy;
  readonly dialed: Dialed[] = [];
  readonly #options: ProxyOptions;
  readonly #limits: WireLimits;
  readonly #policy: DialPolicy;
  readonly #ends: WireEnd[] = [];
  readonly #disposables: Disposable[] = [];

  constructor(options: RigOptions = {}) {
    const { kind = "tls", front: fronts = true, concurrency = 100, dial = () => "connect", limits = {}, ...rest } =
      options;
    this.secret = secretFor(kind);
    this.slots = new Slots(concurrency);
    this.#policy = dial;
    this.#limits = limits;
    this.#options = {
      replayFilter: new ReplayFilter({
        memory: new ArrayBuffer(65_536),
        errorRate: 0.001,
        lifetimeMs: 2 * toleranceMs,
      }),
      toleranceMs,
      fastMode: true,
      preferIp: "prefer-ipv4",
      dcOverrides: new Map(),
      fallbackOnUnknownDc: false,
      isOwn: () => false,
      strangersAtMost: 100,
      ...rest,
      secret: this.secret,
      slots: this.slots,
      dialer: { dial: (to, { signal }) => this.#dial(to, signal) },
      clock: this.clock,
      random: fixedRandom(),
      events: this.ledger,
      front: fronts ? front : undefined,
      timeouts: { ...timeouts, ...options.timeouts },
    };
    this.proxy = new Proxy(this.#options);
  }

  /** The proxy takes over `changes` for clients that come from now on. */
  reconfigure(changes: Partial<ProxyOptions>): void {
    this.proxy.reconfigure({ ...this.#options, ...changes });
  }

  /** A client that has connected and said nothing; `peer` is its address, or `from` its host alone. */
  connect(
    { from = "198.51.100.7", peer, ...options }: Partial<WireClientOptions> & { from?: string; peer?: Address } = {},
  ): WireClient {
    const timeSeconds = Math.floor(this.clock.nowMs() / 1000);
    const clientAddress = peer ?? { kind: "tcp", host: from, port: 50_000 + this.#ends.length };
    const ends = wire([clientAddress, proxyAddress], this.#limits);
    this.#ends.push(...ends);
    const client = new WireClient(ends, { secret: this.secret, timeSeconds, ...options });
    this.#disposables.push(client);
    this.proxy.serve(client.proxyEnd);
    return client;
  }

  /** A client that has sent its frame and `payload`, and the data centre that it has reached. */
  async relay(
    options: Partial<WireClientOptions> & { readonly payload?: Uint8Array; readonly peer?: Address } = {},
  ): Promise<[WireClient, WireDc]> {
    const { payload = new Uint8Array(0), ...rest } = options;
    const client = this.connect(rest);
    await client.greet();
    await client.send(payload);
    return [client, await this.dc()];
  }

  /** The data centre at the far end of the last call that was connected, or of the one given. */
  async dc(index?: number): Promise<WireDc> {
    await settle();
    const dc = await openDc(this.far(index));
    this.#disposables.push(dc);
    return dc;
  }

  /** The far end of a call that was connected; the last one by default. */
  far(index: number = this.dialed.length - 1): WireEnd {
    const far = this.dialed[index]?.far;
    if (far === undefined) throw new Error(`Call ${index} of ${this.dialed.length} is not connected`);
    return far;
  }

  /** Lets time pass; deadlines are met as the proxy looks at them, twice a second. */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  settle(): Promise<void> {
    return settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    for (const disposable of this.#disposables) disposable[Symbol.dispose]();
    assertEquals([this.slots.taken, this.proxy.connections, this.clock.pendingMs.length], [0, 0, 0]);
    this.ledger.assertBalanced();
    this.ledger.assertKeeps(this.secret);
    assertEquals(this.#ends.flatMap(({ faults }) => faults), []);
    const open = this.#ends.filter((end) => !end.isClosed).map(({ local, remote }) => ({ local, remote }));
    assertEquals(open, [], "the proxy has left a connection open");
  }

  #dial(to: Address, signal: AbortSignal): Promise<Conn> {
    const { promise, resolve, reject } = Promise.withResolvers<Conn>();
    let far: WireEnd | undefined;
    const onAbort = () => reject(signal.reason);
    const connect = () => {
      const [near, end] = wire(
        [{ kind: "tcp", host: "192.0.2.1", port: 40_000 + this.dialed.length }, to],
        this.#limits,
      );
      // Only the proxy's end must be closed by the proxy; a test may leave the far one.
      this.#ends.push(near);
      far = end;
      signal.removeEventListener("abort", onAbort);
      resolve(near);
      return end;
    };
    const fail = (message: string) => reject(new Error(message));
    this.dialed.push({
      to,
      signal,
      get far() {
        return far;
      },
      connect,
      fail,
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    const policy = this.#policy(to);
    if (policy === "connect") connect();
    else if (policy !== "hold") fail(policy.refuse);
    return promise;
  }
}
