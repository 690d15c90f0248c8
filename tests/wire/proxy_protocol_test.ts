/** The vectors were written down by hand from the HAProxy specification, sections 2.1 and 2.2. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Address, TcpAddress } from "../../lib/address.ts";
import { ProtocolError } from "../../lib/errors.ts";
import {
  type DecodedProxyHeader,
  decodeProxyHeader,
  encodeProxyHeader,
  hasProxySignature,
} from "../../lib/wire/proxy_protocol.ts";
import { concat } from "../support/byte_reader.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));
const tcp = (host: string, port: number): TcpAddress => ({ kind: "tcp", host, port });

const signature = "0d0a0d0a 000d0a51 5549540a";
const tcp4 = `${signature} 21 11 000c  c0000207 c6336401  c350 01bb`;
const ipv6 = { source: "20010db8 00000000 00000000 00000007", destination: "20010db8 00000000 00000000 00000001" };
const tcp6 = `${signature} 21 21 0024  ${ipv6.source} ${ipv6.destination}  c350 01bb`;
const pair4 = { source: tcp("192.0.2.7", 50_000), destination: tcp("198.51.100.1", 443) };
const pair6 = { source: tcp("2001:db8::7", 50_000), destination: tcp("2001:db8::1", 443) };
const unnamed = { source: undefined, destination: undefined };
const longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
const unixPath = "2f72756e2f61".padEnd(2 * 108, "0");

const headers:
  readonly (readonly [string, Uint8Array, Omit<DecodedProxyHeader & { kind: "done" }, "kind" | "consumed">])[] = [
    ["version 1, IPv4", utf8("PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n"), pair4],
    ["version 1, IPv6", utf8("PROXY TCP6 2001:db8::7 2001:db8::1 50000 443\r\n"), pair6],
    ["version 1, IPv6 at length", utf8("PROXY TCP6 2001:0DB8:0:0:0:0:0:7 2001:db8:0::1 50000 443\r\n"), pair6],
    ["version 1, mapped IPv4", utf8("PROXY TCP6 ::ffff:192.0.2.7 ::ffff:c633:6401 50000 443\r\n"), pair4],
    ["version 1, IPv6 with a dotted end", utf8("PROXY TCP6 ::192.0.2.7 2001:db8::1 50000 443\r\n"), {
      source: tcp("::c000:207", 50_000),
      destination: pair6.destination,
    }],
    ["version 1, the longest of IPv4", utf8("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), {
      source: tcp("255.255.255.255", 65_535),
      destination: tcp("255.255.255.255", 65_535),
    }],
    ["version 1, the longest of IPv6", utf8(`PROXY TCP6 ${longest} ${longest} 65535 65535\r\n`), {
      source: tcp(longest, 65_535),
      destination: tcp(longest, 65_535),
    }],
    ["version 1, port 0", utf8("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), {
      source: tcp("0.0.0.0", 0),
      destination: tcp("0.0.0.0", 0),
    }],
    ["version 1, unknown", utf8("PROXY UNKNOWN\r\n"), unnamed],
    ["version 1, unknown with addresses", utf8(`PROXY UNKNOWN ${longest} ${longest} 65535 65535\r\n`), unnamed],
    ["version 2, IPv4", hex(tcp4), pair4],
    ["version 2, IPv6", hex(tcp6), pair6],
    [
      "version 2, mapped IPv4",
      hex(`${signature} 21 21 0024 ${"0".repeat(20)}ffff c0000207 ${"0".repeat(20)}ffff c6336401 c350 01bb`),
      pair4,
    ],
    ["version 2, IPv4 with TLVs", hex(`${tcp4.replace("000c", "0014")} 04 0005 0000000000`), pair4],
    ["version 2, IPv6 with TLVs", hex(`${tcp6.replace("0024", "002b")} 03 0004 01020304`), pair6],
    ["version 2, local", hex(`${signature} 20 00 0000`), unnamed],
    ["version 2, local with an address", hex(tcp4.replace("21 11", "20 11")), unnamed],
    ["version 2, local of a family that there is not", hex(`${signature} 20 f7 0003 010203`), unnamed],
    ["version 2, unspecified", hex(`${signature} 21 00 0000`), unnamed],
    ["version 2, unspecified with TLVs", hex(`${signature} 21 00 0004 04 0001 00`), unnamed],
    ["version 2, UDP over IPv4", hex(tcp4.replace("21 11", "21 12")), unnamed],
    ["version 2, UDP over IPv6", hex(tcp6.replace("21 21", "21 22")), unnamed],
    ["version 2, IPv4 over nothing", hex(tcp4.replace("21 11", "21 10")), unnamed],
    ["version 2, a Unix stream", hex(`${signature} 21 31 00d8 ${unixPath} ${unixPath}`), unnamed],
    ["version 2, Unix datagrams", hex(`${signature} 21 32 00d8 ${unixPath} ${unixPath}`), unnamed],
    ["version 2, as long as it may be", concat(hex(tcp4.replace("000c", "0ff0")), new Uint8Array(4_096 - 28)), pair4],
  ];

for (const [name, header, expected] of headers) {
  Deno.test(`decodeProxyHeader() does read a header: ${name}`, () => {
    const done = { kind: "done", ...expected, consumed: header.length };
    assertEquals<unknown>(decodeProxyHeader(header), done);
    for (const rest of [utf8("\r\n"), utf8("PROXY "), Uint8Array.of(0x16, 3, 1), new Uint8Array(9_000)]) {
      assertEquals<unknown>(decodeProxyHeader(concat(header, rest)), done, "whatever comes behind it");
    }
    for (let size = 0; size < header.length; size++) {
      assertEquals(decodeProxyHeader(header.subarray(0, size)), { kind: "incomplete" }, `${size} bytes of it`);
    }
    assert(hasProxySignature(header));
  });
}

const malformed: readonly (readonly [string, Uint8Array])[] = [
  ...[
    "PROXY \r\n",
    "PROXY\u0020TCP5 192.0.2.7 198.51.100.1 50000 443\r\n",
    "PROXY tcp4 192.0.2.7 198.51.100.1 50000 443\r\n",
    "PROXY UNKNOWNX\r\n",
    "PROXY UNIX /run/a /run/b\r\n",
    "PROXY TCP4\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 50000\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 50000 443 1\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 50000 443 \r\n",
    "PROXY TCP4  192.0.2.7 198.51.100.1 50000 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\r\n",
    "PROXY TCP4 192.0.2.7\t198.51.100.1 50000 443\r\n",
    "PROXY TCP4 192.0.2.07 198.51.100.1 50000 443\r\n",
    "PROXY TCP4 192.0.2.256 198.51.100.1 50000 443\r\n",
    "PROXY TCP4 192.0.2 198.51.100.1 50000 443\r\n",
    "PROXY TCP4 0xc0.0.2.7 198.51.100.1 50000 443\r\n",
    "PROXY TCP4 3221225991 198.51.100.1 50000 443\r\n",
    "PROXY TCP4 2001:db8::7 2001:db8::1 50000 443\r\n",
    "PROXY TCP6 192.0.2.7 198.51.100.1 50000 443\r\n",
    "PROXY TCP6 2001:db8::7::1 2001:db8::1 50000 443\r\n",
    "PROXY TCP6 2001:db8::12345 2001:db8::1 50000 443\r\n",
    "PROXY TCP6 fe80::1%eth0 2001:db8::1 50000 443\r\n",
    "PROXY TCP6 [2001:db8::7] 2001:db8::1 50000 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 050000 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 -1 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 +1 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 1e3 443\r\n",
    "PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\n\r\n",
    "PROXY TCP4 192.0.2.7 example.com 50000 443\r\n",
    `PROXY UNKNOWN ${"x".repeat(107 - 14)}`,
    "x".repeat(101).replace(/^/, "PROXY "),
  ].map((line) => [JSON.stringify(line), utf8(line)] as const),
  ["version 1 of another", hex(tcp4.replace("21 11", "11 11"))],
  ["version 3", hex(tcp4.replace("21 11", "31 11"))],
  ["a command that there is not", hex(tcp4.replace("21 11", "22 11"))],
  ["a family that there is not", hex(tcp4.replace("21 11", "21 41"))],
  ["a transport that there is not", hex(tcp4.replace("21 11", "21 13"))],
  ["an IPv4 pair that is short", hex(`${signature} 21 11 000b c0000207 c6336401 c350 01`)],
  ["an IPv6 pair that is short", hex(tcp6.replace("0024", "0023"))],
  ["a UDP pair that is short", hex(tcp4.replace("21 11 000c", "21 12 000b"))],
  ["a Unix pair that is short", hex(`${signature} 21 31 00d7 ${unixPath} ${unixPath}`)],
  ["a header that is too long", hex(`${signature} 21 11 0ff1`)],
  ["a local header that is too long", hex(`${signature} 20 00 ffff`)],
];

function refusal(bytes: Uint8Array): ProtocolError | undefined {
  try {
    decodeProxyHeader(bytes);
    return undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    assertEquals(error.code, "bad-proxy-header");
    return error;
  }
}

for (const [name, header] of malformed) {
  Deno.test(`decodeProxyHeader() does refuse ${name}`, () => {
    const error = assertThrows(() => decodeProxyHeader(header), ProtocolError);
    assertEquals(error.code, "bad-proxy-header");
    assertEquals(error.message.startsWith("Cannot read the PROXY protocol header: "), true, error.message);
    // Not before it must, and then for good.
    const sizes = [...header.keys()];
    const first = sizes.find((size) => refusal(header.subarray(0, size)) !== undefined) ?? header.length;
    for (const size of sizes) {
      if (size < first) assertEquals(decodeProxyHeader(header.subarray(0, size)), { kind: "incomplete" });
      else assertEquals(refusal(header.subarray(0, size))?.message, error.message);
    }
    assert(first >= 16 || header.length < 16 || header[0] === 0x50, `refused after ${first} bytes`);
  });
}

for (
  const text of ["G", "PROPFIND / HTTP/1.1", "PROXY\r\n", "PROXYTCP4", "proxy TCP4", "\n", "\r\nGET", "\r\n\r\n\x01"]
) {
  Deno.test(`decodeProxyHeader() does say that ${JSON.stringify(text)} is none, at the first byte that tells`, () => {
    const bytes = utf8(text);
    const kinds = [...bytes.keys()].map((at) => decodeProxyHeader(bytes.subarray(0, at + 1)).kind);
    const first = kinds.indexOf("none");
    assertEquals(kinds, kinds.map((_, at) => at < first ? "incomplete" : "none"));
    const expected = [...bytes.keys()].find((at) =>
      !["PROXY ", "\r\n\r\n\0\r\nQUIT\n"].some((start) => start.startsWith(text.slice(0, at + 1)))
    );
    assertEquals(first, expected);
    assertEquals(hasProxySignature(bytes), false);
  });
}

Deno.test("decodeProxyHeader() does not decide on nothing", () => {
  assertEquals(decodeProxyHeader(new Uint8Array(0)), { kind: "incomplete" });
  assertEquals(hasProxySignature(new Uint8Array(0)), false);
});

const unix: Address = { kind: "unix", path: "/run/mtg.sock" };
const mapped = (ipv4: string) => `${"0".repeat(20)}ffff ${ipv4}`;
const localHeader = `${signature} 20 00 0000`;

for (
  const [name, source, destination, expected] of [
    ["an IPv4 pair", pair4.source, pair4.destination, tcp4],
    ["an IPv6 pair", pair6.source, pair6.destination, tcp6],
    ["a mapped IPv4 pair", tcp("::ffff:192.0.2.7", 50_000), tcp("::ffff:c633:6401", 443), tcp4],
    [
      "IPv4 to IPv6",
      pair4.source,
      pair6.destination,
      `${signature} 21 21 0024 ${mapped("c0000207")} ${ipv6.destination} c350 01bb`,
    ],
    [
      "IPv6 to IPv4",
      pair6.source,
      pair4.destination,
      `${signature} 21 21 0024 ${ipv6.source} ${mapped("c6336401")} c350 01bb`,
    ],
    ["a client of a Unix socket", unix, pair4.destination, localHeader],
    ["a client of TCP that came to a Unix socket", pair4.source, unix, localHeader],
    ["Unix sockets alone", unix, unix, localHeader],
    ["a name", tcp("front.test", 1), pair4.destination, localHeader],
    ["a zone", tcp("fe80::7%eth0", 50_000), tcp("fe80::1%eth0", 443), tcp6.replaceAll("20010db8", "fe800000")],
  ] as const
) {
  Deno.test(`encodeProxyHeader() does write ${name}`, () => {
    assertEquals(encodeProxyHeader(source, destination).toHex(), expected.replaceAll(" ", ""));
  });
}
