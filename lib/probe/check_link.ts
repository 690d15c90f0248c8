/**
 * Goes the way of a client through a proxy, step by step, and tells how far it gets:
 *
 * ```text
 * name ─▶ TCP, to each address ─▶ fake TLS, with the first one ─▶ Telegram's data centres ─▶ clock
 *                                     │ a web site answers
 *                                     └─▶ what time is it? ─▶ the same with the time corrected
 * ```
 */
import { formatAddress, type TcpAddress } from "../address.ts";
import { flightRecordAtMost } from "../faketls/server_hello.ts";
import type { ProxyLink } from "../policy/proxy_link.ts";
import { openWithin } from "../relay/aborts.ts";
import type { Conn } from "../relay/conn.ts";
import type { Resolver } from "../relay/resolver.ts";
import { dcFailed, type Finding, nameFailed, rebuffed, tcpFailed } from "./causes.ts";
import { askTime, corrections, isRight, siteBehind, telegram, type TimeAnswer, type TimeSource } from "./clock.ts";
import { judgeClock } from "./clock_verdict.ts";
import type { Welcome } from "./knock.ts";
import { allWell, type Outcome, type Step } from "./step.ts";
import { Way, type WayParts } from "./way.ts";

export interface CheckOptions extends WayParts {
  readonly resolver: Resolver;
  /** Who can tell the time where a proxy at `address` looks like `host`: `siteBehind`, and others. */
  readonly timeSources: (address: TcpAddress, host: string) => readonly TimeSource[];
  /** For each step; twice as long for an answer of Telegram. */
  readonly timeoutMs: number;
  /** All data centres instead of one. */
  readonly allDcs: boolean;
  /** Ends the check. */
  readonly signal: AbortSignal;
  /** Is told each step as soon as it is over. */
  readonly onStep?: ((step: Step) => void) | undefined;
}

export interface Report {
  /** Whether clients on this machine can use the proxy. */
  readonly ok: boolean;
  readonly steps: readonly Step[];
}

const dcs = { one: [2], all: [2, 1, 3, 4, 5, 203] } as const;
/** Addresses of a name that are tried. */
const addressesAtMost = 8;

/** Never rejects but with the reason of `signal`. */
export async function checkLink(link: ProxyLink, options: CheckOptions): Promise<Report> {
  const check = new LinkCheck(link, options);
  await check.run();
  options.signal.throwIfAborted();
  return { ok: allWell(check.steps), steps: check.steps };
}

class LinkCheck {
  readonly steps: Step[] = [];
  readonly #link: ProxyLink;
  readonly #options: CheckOptions;
  /** What others say of this machine's clock, as far as they have been asked. */
  #times: readonly TimeAnswer[] = [];

  constructor(link: ProxyLink, options: CheckOptions) {
    this.#link = link;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { secret } = this.#link;
    const address = await this.#connect(await this.#resolve());
    if (address === undefined) return;
    const way = new Way(address, secret, this.#options);
    let opened: Conn | undefined;
    if (secret.kind === "tls") {
      opened = await this.#greet(way, address);
      if (opened === undefined) return;
    }
    for (const dc of this.#options.allDcs ? dcs.all : dcs.one) {
      await this.#ask(way, dc, opened);
      opened = undefined;
    }
    const verdict = judgeClock(this.#times, way.aheadMs);
    if (verdict !== undefined) this.#tell({ step: "clock", ms: 0, ...verdict });
  }

  async #resolve(): Promise<readonly string[]> {
    const { server } = this.#link;
    const { clock, timeoutMs: ms, signal: parent, resolver } = this.#options;
    const startMs = this.#now();
    try {
      const hosts = await openWithin({ clock, ms, parent }, (signal) => resolver.resolve(server, { signal }));
      const detail = hosts[0] === server
        ? `${server} is an address: there is nothing to look up`
        : `${server} is at ${hosts.join(", ")}`;
      this.#tell({ step: "name", outcome: "ok", code: "resolved", ms: this.#now() - startMs, detail });
      return hosts.slice(0, addressesAtMost);
    } catch (error) {
      this.#tell({ step: "name", outcome: "failed", ms: this.#now() - startMs, ...nameFailed(server, error) });
      return [];
    }
  }

  /** Tries all addresses at once. @returns The first, in the order of the name, that answers. */
  async #connect(hosts: readonly string[]): Promise<TcpAddress | undefined> {
    const { port, secret } = this.#link;
    const startMs = this.#now();
    const tries = await Promise.all(hosts.map(async (host) => {
      const address: TcpAddress = { kind: "tcp", host, port };
      const failure = await new Way(address, secret, this.#options).dial().then(
        (conn) => conn[Symbol.dispose](),
        (error) => tcpFailed(address, error),
      );
      return { address, failure, ms: this.#now() - startMs };
    }));
    const reached = tries.find(({ failure }) => failure === undefined);
    for (const { address: tried, failure, ms } of tries) {
      const address = formatAddress(tried);
      const finding = failure === undefined
        ? { outcome: "ok", code: "connected", detail: `${address} answers` } as const
        : { outcome: reached ? "warning" : "failed", ...failure } as const;
      this.#tell({ step: "tcp", ms, address, ...finding });
    }
    return reached?.address;
  }

  /** Fake TLS. @returns What goes on inside it. */
  async #greet(way: Way, address: TcpAddress): Promise<Conn | undefined> {
    const startMs = this.#now();
    const first = await way.knock();
    if (first.kind === "verified") return this.#welcome(first);
    const ms = this.#now() - startMs;
    const second = await this.#knockCorrected(way, address);
    if (second !== undefined) {
      this.#tell({ step: "fake-tls", outcome: "failed", ms: second.ms, ...wrongTime });
      return second.conn;
    }
    const visited = this.#times.some(({ from }) => from === siteBehind);
    const finding = rebuffed(first, { host: this.#link.secret.host, visited, clock: this.#clockText() });
    this.#tell({ step: "fake-tls", outcome: "failed", ms, ...finding });
    return undefined;
  }

  #welcome({ conn, sizes, ms }: Welcome): Conn {
    const records = `${sizes.slice(0, -1).join(", ")} and ${sizes.at(-1)} bytes`;
    const detail =
      `the proxy knows the secret; its answer looks like ${this.#link.secret.host}, in records of ${records}`;
    const isTooLarge = sizes.some((size) => size > flightRecordAtMost);
    const finding = isTooLarge ? tooLarge(detail) : { outcome: "ok", code: "verified", detail } as const;
    this.#tell({ step: "fake-tls", ms, ...finding });
    return conn;
  }

  /** Asks others for the time and tries again with theirs. */
  async #knockCorrected(way: Way, address: TcpAddress): Promise<Welcome | undefined> {
    const { clock, timeoutMs: ms, signal: parent, timeSources } = this.#options;
    this.#times = await askTime(timeSources(address, this.#link.secret.host), { clock, ms, parent });
    for (const aheadMs of corrections(this.#times)) {
      way.aheadMs = aheadMs;
      const answer = await way.knock();
      if (answer.kind === "verified") return answer;
    }
    return undefined;
  }

  #clockText(): string {
    const names = this.#times.map(({ from }) => from).join(", ");
    if (this.#times.length === 0) {
      return "Whether the clock of this machine is right could not be found out: look at it.";
    }
    return isRight(this.#times)
      ? `The clock of this machine is right (by ${names}); that of the proxy may be wrong.`
      : `The clock of this machine may be wrong, but with the time by ${names} the proxy does not answer either.`;
  }

  /** Takes `opened`, which has passed fake TLS, or goes the whole way. */
  async #ask(way: Way, dc: number, opened: Conn | undefined): Promise<void> {
    const { clock } = this.#options;
    const startMs = this.#now();
    try {
      const { rttMs: ms, timeMs } = await way.ask(dc, opened);
      const aheadMs = Math.round(clock.nowMs() - ms / 2 - timeMs);
      this.#times = [...this.#times.filter(({ from }) => from !== telegram), { from: telegram, aheadMs }];
      const detail = `data centre ${dc} answers through the proxy`;
      this.#tell({ step: "telegram", outcome: "ok", code: "answered", ms, detail, dc });
    } catch (error) {
      const finding = dcFailed(dc, this.#link.secret.kind, error);
      this.#tell({ step: "telegram", outcome: "failed", ms: this.#now() - startMs, dc, ...finding });
    }
  }

  #now(): number {
    return this.#options.clock.elapsedMs();
  }

  #tell({ step, outcome, code, ms, detail, cause, remedy, ...facts }: Step): void {
    if (this.#options.signal.aborted) return;
    const why = { ...cause === undefined ? {} : { cause }, ...remedy === undefined ? {} : { remedy } };
    const told = { step, outcome, code, ms: Math.round(ms * 10) / 10, ...facts, detail, ...why };
    this.steps.push(told);
    this.#options.onStep?.(told);
  }
}

const wrongTime: Finding = {
  code: "wrong-time",
  detail: "the proxy takes this client for a stranger until the time that it is told is corrected",
  cause: "This machine and the proxy do not agree on the time: see below.",
  remedy: "See below.",
};

function tooLarge(detail: string): Finding & { readonly outcome: Outcome } {
  return {
    outcome: "warning",
    code: "large-record",
    detail,
    cause: `iPhones cannot connect: they take no record above ${flightRecordAtMost} bytes here.`,
    remedy: "Whoever runs the proxy should update it.",
  };
}
