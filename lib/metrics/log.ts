/**
 * Events as log lines: LogTape to standard error, JSON for machines, text for people.
 *
 * Whoever probes the port must not be able to fill the disk: of each kind of line only so many a second are written, the rest
 * are counted and reported.
 */
import {
  ansiColorFormatter,
  configureSync,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  type LogLevel,
} from "@logtape/logtape";
import { formatAddress } from "../address.ts";
import type { Clock } from "../clock.ts";
import type { Event, EventSink } from "../events/event.ts";

export type LogFormat = "json" | "text";

const category = "mtg";
const linesPerSecond = 20;
const levels: readonly LogLevel[] = ["debug", "info", "warning", "error"];

/** Levels that are logged now; asking the logger for each event would take longer than most of them. */
let enabled: ReadonlySet<LogLevel> = new Set();
/** As logging was started last. */
let manner: { readonly format: LogFormat; readonly properties: LogLine["properties"] } = {
  format: "json",
  properties: {},
};

/**
 * From now on log lines of `level` and above go to standard error, each written whole before the program goes on. JSON lines
 * get `properties` too.
 */
export function startLogging(level: LogLevel, format: LogFormat, properties: LogLine["properties"] = {}): void {
  const text = Deno.stderr.isTerminal() && !Deno.noColor ? ansiColorFormatter : getTextFormatter();
  const formatter = format === "json" ? getJsonLinesFormatter({ properties: "flatten" }) : text;
  const encoder = new TextEncoder();
  manner = { format, properties };
  enabled = new Set(levels.slice(levels.indexOf(level)));
  configureSync({
    reset: true,
    sinks: {
      stderr: (record) => {
        const line = encoder.encode(formatter({ ...record, properties: { ...properties, ...record.properties } }));
        for (let sent = 0; sent < line.length;) sent += Deno.stderr.writeSync(line.subarray(sent));
      },
    },
    loggers: [
      { category, sinks: ["stderr"], lowestLevel: level },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "warning" },
    ],
  });
}

/** From now on lines of `level` and above are logged, in the same manner as before. */
export function setLogLevel(level: LogLevel): void {
  startLogging(level, manner.format, manner.properties);
}

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly properties: Readonly<Record<string, string | number>>;
}

/** Writes one line that is no event: start, stop, advice. */
export function log(level: LogLevel, message: string, properties: LogLine["properties"] = {}): void {
  getLogger(category).emit({
    level,
    message: [message],
    rawMessage: message,
    timestamp: Date.now(),
    properties,
  });
}

export interface LogEventsOptions {
  /** @default {writes to standard error} */
  readonly write?: (line: LogLine) => void;
  /** How many threads log; each lets its part of the lines through. @default {1} */
  readonly threads?: number;
}

/** Logs every event that is worth a line at the level in force now; `event` is its type among the properties. */
export function logEvents(clock: Clock, { write = writeLine, threads = 1 }: LogEventsOptions = {}): EventSink {
  const limiter = new LineLimiter(clock, { write, linesPerSecond: Math.ceil(linesPerSecond / threads) });
  return {
    emit(event) {
      const level = levelOf(event);
      if (enabled.has(level)) limiter.pass(event.type, () => lineOf(level, event));
    },
  };
}

function lineOf(level: LogLevel, event: Event): LogLine {
  const { message, properties } = describe(event);
  return { level, message, properties: { event: event.type, ...properties } };
}

function writeLine({ level, message, properties }: LogLine): void {
  log(level, message, properties);
}

/** Lets so many lines of a kind through each second, and says how many it held back. */
class LineLimiter {
  readonly #clock: Clock;
  readonly #write: (line: LogLine) => void;
  readonly #linesPerSecond: number;
  readonly #kinds = new Map<string, { second: number; passed: number; heldBack: number }>();

  constructor(clock: Clock, options: { readonly write: (line: LogLine) => void; readonly linesPerSecond: number }) {
    this.#clock = clock;
    this.#write = options.write;
    this.#linesPerSecond = options.linesPerSecond;
  }

  pass(kind: string, line: () => LogLine): void {
    const second = Math.floor(this.#clock.elapsedMs() / 1000);
    let state = this.#kinds.get(kind);
    if (state === undefined) this.#kinds.set(kind, state = { second, passed: 0, heldBack: 0 });
    if (state.second !== second) {
      const { heldBack } = state;
      Object.assign(state, { second, passed: 0, heldBack: 0 });
      if (heldBack > 0) {
        const { level } = line();
        this.#write({
          level,
          message: `${heldBack} more lines of this kind were held back`,
          properties: { kind, heldBack },
        });
      }
    }
    if (state.passed >= this.#linesPerSecond) state.heldBack++;
    else {
      state.passed++;
      this.#write(line());
    }
  }
}

function levelOf(event: Event): LogLevel {
  switch (event.type) {
    case "opened":
    case "connected":
    case "closed":
      return "debug";
    case "refused":
      return levelOfRefusal(event);
    case "dc-replaced":
    case "yielded":
    case "uplink-up":
      return "info";
    case "limited":
    case "untrusted-header":
    case "front-failed":
    case "front-loop":
    case "name-stale":
    case "dial-failed":
    case "replay-filter-full":
    case "clock-suspect":
    case "accept-failed":
    case "uplink-down":
      return "warning";
    case "fault":
      return "error";
  }
}

/** One who comes and goes is a health check as a rule, of a load balancer or our own, every few seconds. */
function levelOfRefusal({ code, outcome }: Event & { type: "refused" }): LogLevel {
  if (code === "replayed") return "warning";
  return code === "closed-early" && outcome === "closed" ? "debug" : "info";
}

type Description = Pick<LogLine, "message" | "properties">;

function describe(event: Event): Description {
  switch (event.type) {
    case "opened": {
      const client = formatAddress(event.remote);
      return { message: `#${event.id} client ${client} came`, properties: { id: event.id, client } };
    }
    case "limited": {
      const client = formatAddress(event.remote);
      const { id, concurrency } = event;
      return {
        message: `#${id} client ${client} was closed: all ${concurrency} connections of "concurrency" are in use`,
        properties: { id, client, concurrency },
      };
    }
    case "yielded": {
      const client = formatAddress(event.remote);
      const { id } = event;
      return {
        message: `#${id} ${client} was closed to make room: it had not proven the secret`,
        properties: { id, client },
      };
    }
    case "untrusted-header": {
      const client = formatAddress(event.remote);
      const { id } = event;
      return {
        message: `#${id} a PROXY protocol header came from ${client}, which is not in "proxy-protocol-trusted"`,
        properties: { id, client },
      };
    }
    case "refused": {
      const client = formatAddress(event.remote);
      const { id, code, outcome, reason } = event;
      return { message: `#${id} client ${client} ${outcome}: ${reason}`, properties: { id, client, code, outcome } };
    }
    case "closed":
      return describeClosed(event);
    case "fault": {
      const error = event.error instanceof Error ? event.error.stack ?? event.error.message : String(event.error);
      return { message: `${numbered(event.id)}a fault of this program: ${error}`, properties: withId(event.id, {}) };
    }
    default:
      return describeOther(event);
  }
}

function describeClosed(event: Event & { type: "closed" }): Description {
  const { id, reason, upBytes, downBytes, durationMs } = event;
  const client = formatAddress(event.remote);
  return {
    message: `#${id} client ${client} closed after ${Math.round(durationMs / 1000)} s: ${reason}, ` +
      `${upBytes} bytes up, ${downBytes} down`,
    properties: { id, client, reason, upBytes, downBytes, durationMs },
  };
}

type Other = Exclude<
  Event,
  { readonly type: "opened" | "limited" | "yielded" | "untrusted-header" | "refused" | "closed" | "fault" }
>;

function describeOther(event: Other): Description {
  switch (event.type) {
    case "connected": {
      const { id, dc } = event;
      const address = formatAddress(event.address);
      return { message: `#${id} connected to data centre ${dc} at ${address}`, properties: { id, dc, address } };
    }
    case "dial-failed": {
      const { id, dc, reason } = event;
      return { message: `#${id} cannot reach data centre ${dc}: ${reason}`, properties: { id, dc } };
    }
    case "dc-replaced": {
      const { id, asked, given } = event;
      return { message: `#${id} there is no data centre ${asked}, using ${given}`, properties: { id, asked, given } };
    }
    case "front-failed": {
      const front = formatAddress(event.front);
      return {
        message: `${numbered(event.id)}cannot reach the fronted site ${front}: ${event.reason}`,
        properties: withId(event.id, { front }),
      };
    }
    case "front-loop": {
      const front = formatAddress(event.front);
      return {
        message: `${numbered(event.id)}the fronted site ${front} is this proxy itself: ` +
          `give the site's own address in [domain-fronting]`,
        properties: withId(event.id, { front }),
      };
    }
    case "name-stale": {
      const { host, reason } = event;
      return { message: `${host} is reached where it was last: ${reason}`, properties: { host } };
    }
    case "replay-filter-full":
      return {
        message: `more than ${event.capacity} handshakes within one lifetime of the replay filter: ` +
          `raise defense.anti-replay.max-size, or new clients may be taken for replays`,
        properties: { capacity: event.capacity },
      };
    case "uplink-down": {
      const uplink = formatAddress(event.uplink);
      const { reason, leftOutMs } = event;
      return {
        message: `the SOCKS5 proxy ${uplink} keeps failing and is left out for ${Math.ceil(leftOutMs / 1000)} s ` +
          `if there is another way: it ${reason}`,
        properties: { uplink, leftOutMs },
      };
    }
    case "uplink-up": {
      const uplink = formatAddress(event.uplink);
      return { message: `the SOCKS5 proxy ${uplink} works again`, properties: { uplink } };
    }
    case "clock-suspect": {
      const { offsetSeconds, clients } = event;
      return {
        message: `the clock of this machine seems to be ${Math.abs(offsetSeconds)} s ` +
          `${
            offsetSeconds > 0 ? "behind" : "ahead"
          }: ${clients} clients with the right secret agree on another time; ` +
          `set the clock, best by a time server, or they cannot connect`,
        properties: { offsetSeconds, clients },
      };
    }
    case "accept-failed": {
      const address = formatAddress(event.address);
      return { message: `cannot accept clients on ${address} for now: ${event.reason}`, properties: { address } };
    }
  }
}

function numbered(id: number | undefined): string {
  return id === undefined ? "" : `#${id} `;
}

function withId(id: number | undefined, properties: LogLine["properties"]): LogLine["properties"] {
  return id === undefined ? properties : { id, ...properties };
}
