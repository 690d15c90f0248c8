import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type TcpAddress, unmapIpv4 } from "../../lib/address.ts";
import { ProtocolError } from "../../lib/errors.ts";
import { type DecodedProxyHeader, decodeProxyHeader, encodeProxyHeader } from "../../lib/wire/proxy_protocol.ts";
import { concat } from "../support/byte_reader.ts";
import { bytes, runs } from "./arbitraries.ts";

/** All that comes of a decode; anything but these throws. */
function tryDecode(input: Uint8Array): DecodedProxyHeader["kind"] | "refused" {
  try {
    const decoded = decodeProxyHeader(input);
    if (decoded.kind === "done") assert(decoded.consumed <= Math.min(input.length, 4_096));
    return decoded.kind;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    assertEquals(error.code, "bad-proxy-header");
    return "refused";
  }
}

const ip = fc.oneof(fc.ipV4(), fc.ipV6());
const port = fc.nat(65_535);
const address: fc.Arbitrary<TcpAddress> = fc.tuple(ip, port).map(([host, port]) => ({ kind: "tcp", host, port }));
const signatureV2 = Uint8Array.fromHex("0d0a0d0a000d0a515549540a");
const utf8 = (text: string) => new TextEncoder().encode(text);

const lines = fc.tuple(
  fc.constantFrom("PROXY ", "PROXY", "PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN", "PROXY UNKNOWN "),
  fc.array(fc.oneof(ip, port.map(String), fc.constantFrom("", "x", "-1", "00", "::", "\r", "\n")), { maxLength: 6 }),
  fc.constantFrom("\r\n", "\n", "", "\r"),
).map(([start, parts, end]) => utf8(start + parts.join(" ") + end));
const binaries = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(5_000), bytes(0, 300)).map(([what, family, length, rest]) =>
  concat(signatureV2, Uint8Array.of(what, family, length >> 8, length & 0xff), rest)
);
const likely = fc.tuple(fc.constantFrom(0x20, 0x21), fc.constantFrom(0x11, 0x21, 0x12, 0, 0x31), bytes(0, 300))
  .map(([what, family, rest]) =>
    concat(signatureV2, Uint8Array.of(what, family, rest.length >> 8, rest.length & 0xff), rest)
  );
const anything = fc.oneof(bytes(0, 200), lines, binaries, likely);

Deno.test("decodeProxyHeader() takes any bytes for a header, a beginning, something else or a ProtocolError", () => {
  fc.assert(fc.property(anything, (input) => void tryDecode(input)), { numRuns: 20 * runs });
});

Deno.test("decodeProxyHeader() decides once, wherever the bytes are cut, and stands by it", () => {
  fc.assert(
    fc.property(anything, (input) => {
      let decided: string | undefined;
      for (let size = 0; size <= input.length; size++) {
        const kind = tryDecode(input.subarray(0, size));
        if (decided !== undefined) assertEquals(kind, decided, `at ${size} bytes`);
        else if (kind !== "incomplete") decided = kind;
      }
    }),
    { numRuns: 2 * runs },
  );
});

/** Sockets write IPv4 into an IPv6 address only where it is a mapped one. */
const dotted = /:\d+\./;
const shortest = (host: string) =>
  unmapIpv4(host.includes(":") ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host);
const mappedHex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/** The host as a header gives it back. */
function plain(host: string): string {
  const [, high, low] = mappedHex.exec(shortest(host)) ?? [];
  if (high === undefined || low === undefined) return shortest(host);
  const [a, b] = [parseInt(high, 16), parseInt(low, 16)];
  return [a >> 8, a & 0xff, b >> 8, b & 0xff].join(".");
}

Deno.test("encodeProxyHeader() writes what decodeProxyHeader() reads, for every pair of families", () => {
  fc.assert(
    fc.property(address, address, bytes(0, 50), (source, destination, rest) => {
      fc.pre(![source, destination].some(({ host }) => dotted.test(host)));
      const header = encodeProxyHeader(source, destination);
      assert(header.length === 28 || header.length === 52);
      assertEquals<unknown>(decodeProxyHeader(concat(header, rest)), {
        kind: "done",
        source: { ...source, host: plain(source.host) },
        destination: { ...destination, host: plain(destination.host) },
        consumed: header.length,
      });
    }),
    { numRuns: 5 * runs },
  );
});

Deno.test("decodeProxyHeader() reads the same from both versions", () => {
  fc.assert(
    fc.property(address, address, (source, destination) => {
      fc.pre(source.host.includes(":") === destination.host.includes(":"));
      fc.pre(![source, destination].some(({ host }) => dotted.test(host)));
      const family = source.host.includes(":") ? "TCP6" : "TCP4";
      const line = `PROXY ${family} ${source.host} ${destination.host} ${source.port} ${destination.port}\r\n`;
      const [one, two] = [decodeProxyHeader(utf8(line)), decodeProxyHeader(encodeProxyHeader(source, destination))];
      assertEquals<unknown>({ ...one, consumed: 0 }, { ...two, consumed: 0 });
    }),
    { numRuns: 2 * runs },
  );
});
