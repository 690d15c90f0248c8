import { assert, assertEquals } from "@std/assert";
import type { Clock } from "../../lib/clock.ts";
import type { Event, EventSink } from "../../lib/events/event.ts";
import { logEvents, type LogLine, startLogging } from "../../lib/metrics/log.ts";
import { formatSecret, type Secret } from "../../lib/policy/secret.ts";
import { Watchers } from "./watchers.ts";

type EventOf<T extends Event["type"]> = Event & { readonly type: T };

/** Keeps every event, in words for the log too, and knows which sequences of them make sense. */
export class EventLedger implements EventSink {
  readonly events: Event[] = [];
  /** What the log would say; lines that its limit holds back are missing. */
  readonly lines: LogLine[] = [];
  readonly #log: EventSink;
  readonly #watchers = new Watchers();

  constructor(clock: Clock) {
    startLogging("debug", "json");
    this.#log = logEvents(clock, { write: (line) => this.lines.push(line) });
  }

  emit(event: Event): void {
    this.#log.emit(event);
    this.add(event);
  }

  /** One that is in words elsewhere. */
  add(event: Event): void {
    this.events.push(event);
    this.#watchers.notify();
  }

  of<T extends Event["type"]>(type: T): readonly EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type);
  }

  /** The types of one connection's events, in order; of a refusal and of the end with their words. */
  story(id: number): readonly string[] {
    return this.events.filter((event) => "id" in event && event.id === id).map((event) => {
      if (event.type === "refused") return `refused ${event.code} ${event.outcome}`;
      if (event.type === "closed") return `closed ${event.reason}`;
      return event.type;
    });
  }

  /** Resolves once there are `count` events of `type`. @throws {Error} If that takes longer than `timeoutMs`. */
  async until(type: Event["type"], { count = 1, timeoutMs = 10_000 } = {}): Promise<void> {
    const late = () => `${this.of(type).length} of ${count} ${type}: ${this.events.map(({ type }) => type)}`;
    await this.#watchers.until(() => this.of(type).length >= count, timeoutMs, late);
  }

  /** Each connection was opened first, closed last, each once, and refused at most once; nothing was our own fault. */
  assertBalanced(): void {
    const ids = new Set(this.events.flatMap((event) => "id" in event && event.id !== undefined ? [event.id] : []));
    for (const id of ids) {
      const types = this.events.filter((event) => "id" in event && event.id === id).map(({ type }) => type);
      assertEquals([types[0], types.at(-1)], ["opened", "closed"], `#${id}: ${types}`);
      for (const once of ["opened", "closed", "refused", "connected"]) {
        assert(types.filter((type) => type === once).length <= 1, `#${id} has ${once} twice: ${types}`);
      }
    }
    assertEquals(this.of("fault").map(({ error }) => error), []);
  }

  /** Neither an event nor a log line, nor the `log` given, holds the secret in any form, whole or its key alone. */
  assertKeeps(secret: Secret, log = ""): void {
    const text = JSON.stringify([this.events, this.lines, log], (_, value) => {
      if (value instanceof Uint8Array) return value.toHex();
      return value instanceof Error ? `${value.stack} ${value.message}` : value;
    }).toLowerCase();
    const forms = [secret.key.toHex(), secret.key.toBase64(), formatSecret(secret, "base64")];
    for (const form of forms) assert(!text.includes(form.toLowerCase()), "an event or a log line holds the secret");
  }
}
