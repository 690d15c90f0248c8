import { assertEquals } from "@std/assert";
import { decodeSiteFlight } from "../../lib/faketls/site_flight.ts";
import { concat } from "../support/byte_reader.ts";
import { alertRecord, record, serverHello, siteHelloRecord } from "./site_flights.ts";

const hello = siteHelloRecord({ version: 0x0304, group: 0x11ec });
const parsed = { version: 0x0304, suite: 0x1301, group: 0x11ec, isRetry: false };

Deno.test("decodeSiteFlight() tells what the server agreed on, and the records behind its ServerHello", () => {
  const rest = [record(0x14, 1), record(0x17, 2_500), record(0x17, 0), record(0x17, 53)];
  assertEquals(decodeSiteFlight(concat(hello, ...rest)), {
    kind: "hello",
    hello: parsed,
    records: [{ type: 0x14, size: 1 }, { type: 0x17, size: 2_500 }, { type: 0x17, size: 0 }, { type: 0x17, size: 53 }],
  });
  // A record that has not come whole does not count yet.
  assertEquals(decodeSiteFlight(concat(hello, record(0x17, 2_500).subarray(0, 2_504))), {
    kind: "hello",
    hello: parsed,
    records: [],
  });
});

Deno.test("decodeSiteFlight() knows TLS 1.2, other groups and HelloRetryRequest", () => {
  const of = (parts: Parameters<typeof siteHelloRecord>[0]) => {
    const flight = decodeSiteFlight(siteHelloRecord(parts));
    return flight.kind === "hello" ? flight.hello : flight;
  };
  assertEquals(of({}), { version: 0x0303, suite: 0x1301, group: undefined, isRetry: false });
  assertEquals(of({ version: 0x0304, group: 0x1d }), { ...parsed, group: 0x1d });
  const retry = of({ version: 0x0304, group: 0x17, isRetry: true });
  assertEquals(retry, { version: 0x0304, suite: 0x1301, group: 0x17, isRetry: true });
});

Deno.test("decodeSiteFlight() reads a ServerHello over several records, and one that shares its record", () => {
  const message = serverHello({ version: 0x0304, group: 0x11ec });
  for (const cut of [1, 3, 4, 5, 60, message.length - 1]) {
    const flight = concat(record(0x16, message.subarray(0, cut)), record(0x16, message.subarray(cut)), record(0x17, 9));
    const records = [{ type: 0x17, size: 9 }];
    assertEquals(decodeSiteFlight(flight), { kind: "hello", hello: parsed, records }, String(cut));
  }
  const shared = record(0x16, concat(serverHello({}), new Uint8Array(3_000)));
  assertEquals(decodeSiteFlight(shared).kind, "hello");
});

Deno.test("decodeSiteFlight() is incomplete up to the last byte of the ServerHello", () => {
  for (let size = 0; size < hello.length; size++) {
    assertEquals(decodeSiteFlight(hello.subarray(0, size)), { kind: "incomplete" }, String(size));
  }
});

Deno.test("decodeSiteFlight() knows alerts, and what is not TLS", () => {
  assertEquals(decodeSiteFlight(alertRecord(40)), { kind: "alert", code: 40 });
  const text = (line: string) => new TextEncoder().encode(line);
  const others: readonly Uint8Array[] = [
    text("HTTP/1.1 400 Bad Request\r\n\r\n"),
    text("SSH-2.0-OpenSSH_9.6\r\n"),
    text("2"),
    Uint8Array.of(0x16, 2),
    record(0x17, 100),
    record(0x14, 1),
    record(0x15, 3),
    record(0x16, 0),
    record(0x16, Uint8Array.of(1, 0, 0, 1, 0)), // a ClientHello
    record(0x16, Uint8Array.of(2, 0xff, 0, 0)), // of 16 MB
    record(0x16, Uint8Array.of(2, 0, 0, 5, 3, 3, 0, 0, 0)), // too short
  ];
  for (const bytes of others) assertEquals(decodeSiteFlight(bytes), { kind: "not-tls" }, bytes.toHex());
});
