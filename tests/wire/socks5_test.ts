import { assertEquals, assertThrows } from "@std/assert";
import type { TcpAddress } from "../../lib/address.ts";
import {
  decodeConnectReply,
  type Decoded,
  decodeLoginReply,
  decodeMethod,
  encodeConnect,
  encodeGreeting,
  encodeLogin,
  explainReply,
} from "../../lib/wire/socks5.ts";

function hex(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(" ", ""));
}

const tcp = (host: string, port: number): TcpAddress => ({ kind: "tcp", host, port });

Deno.test("encodeGreeting() does offer no login, and a password only to those who have one", () => {
  assertEquals(encodeGreeting(false), hex("05 01 00"));
  assertEquals(encodeGreeting(true), hex("05 02 00 02"));
});

Deno.test("encodeLogin() does write user and password, each behind its length in bytes", () => {
  assertEquals(encodeLogin({ user: "ab", password: "xyz" }), hex("01 02 6162 03 78797a"));
  assertEquals(encodeLogin({ user: "é", password: "" }), hex("01 02 c3a9 00"));
  const longest = encodeLogin({ user: "u".repeat(255), password: "p".repeat(255) });
  assertEquals([longest.length, longest[1], longest[257]], [513, 255, 255]);
});

Deno.test("encodeLogin() throws for what does not fit, and does not say what it was", () => {
  for (
    const wrong of [
      { user: "", password: "secret" },
      { user: "u".repeat(256), password: "" },
      { user: "é".repeat(128), password: "" },
      { user: "u", password: "secret".repeat(50) },
    ]
  ) {
    const error = assertThrows(() => encodeLogin(wrong), RangeError);
    assertEquals(error.message, "A user has 1 to 255 bytes, a password at most 255");
  }
});

const requests: readonly [TcpAddress, string][] = [
  [tcp("149.154.167.51", 443), "05 01 00 01 959aa733 01bb"],
  [tcp("0.0.0.0", 65_535), "05 01 00 01 00000000 ffff"],
  [tcp("2001:67c:4e8:f002::a", 443), "05 01 00 04 2001067c04e8f002000000000000000a 01bb"],
  [tcp("::ffff:1.2.3.4", 1), "05 01 00 01 01020304 0001"],
  [tcp("dc.test", 256), "05 01 00 03 07 64632e74657374 0100"],
  // No IPv4 address in the form that people write.
  [tcp("0x7f.1", 80), "05 01 00 03 06 307837662e31 0050"],
];

for (const [to, bytes] of requests) {
  Deno.test(`encodeConnect() does write ${to.host}`, () => assertEquals(encodeConnect(to), hex(bytes)));
}

Deno.test("encodeConnect() throws for a name that does not fit", () => {
  assertEquals(encodeConnect(tcp("n".repeat(255), 1)).length, 4 + 1 + 255 + 2);
  for (const host of ["", "n".repeat(256)]) assertThrows(() => encodeConnect(tcp(host, 1)), RangeError, "1 to 255");
});

function check<T>(decode: (bytes: Uint8Array) => Decoded<T>, table: readonly (readonly [string, Decoded<T>])[]): void {
  for (const [bytes, expected] of table) assertEquals(decode(hex(bytes)), expected, bytes);
}

const done = <T>(value: T) => ({ kind: "done", value }) as const;
const incomplete = (needs: number) => ({ kind: "incomplete", needs }) as const;
const bad = (reason: string) => ({ kind: "bad", reason }) as const;

Deno.test("decodeMethod() does know the methods that are offered", () => {
  check(decodeMethod, [
    ["", incomplete(2)],
    ["05", incomplete(1)],
    ["05 00", done("none")],
    ["05 02", done("password")],
    ["05 ff", done("refused")],
    ["05 01", bad("chose login method 1, which was not offered")],
    ["04", bad("does not speak SOCKS5: its answer begins with byte 4")],
    ["48 54", bad("does not speak SOCKS5: its answer begins with byte 72")],
  ]);
});

Deno.test("decodeLoginReply() does take 0 for a success, in whatever version", () => {
  check(decodeLoginReply, [
    ["", incomplete(2)],
    ["01", incomplete(1)],
    ["01 00", done(true)],
    ["05 00", done(true)],
    ["01 01", done(false)],
    ["01 ff", done(false)],
  ]);
});

Deno.test("decodeConnectReply() does find the bound address, of any type", () => {
  check(decodeConnectReply, [
    ["05 00 00 01 cb007109 0438", done({ code: 0, bound: tcp("203.0.113.9", 1080) })],
    ["05 00 00 04 20010db8000000000000000000000007 ffff", done({ code: 0, bound: tcp("2001:db8::7", 65_535) })],
    ["05 00 00 03 04 70726f78 0001", done({ code: 0, bound: tcp("prox", 1) })],
    ["05 00 00 03 00 0001", done({ code: 0, bound: tcp("", 1) })],
    // The reserved byte is nobody's business.
    ["05 00 7f 01 00000000 0000", done({ code: 0, bound: tcp("0.0.0.0", 0) })],
  ]);
});

Deno.test("decodeConnectReply() does ask for no byte beyond the reply", () => {
  check(decodeConnectReply, [
    ["", incomplete(5)],
    ["05", incomplete(4)],
    ["05 00 00 01", incomplete(1)],
    ["05 00 00 01 cb", incomplete(5)],
    ["05 00 00 01 cb007109 04", incomplete(1)],
    ["05 00 00 04 20", incomplete(17)],
    ["05 00 00 03 00", incomplete(2)],
    ["05 00 00 03 ff", incomplete(257)],
    ["05 00 00 03 04 7072", incomplete(4)],
  ]);
});

Deno.test("decodeConnectReply() does give a failure as soon as its code is there, and refuses what is no reply", () => {
  check(decodeConnectReply, [
    ["05 01", done({ code: 1, bound: undefined })],
    ["05 04 00 01 00000000 0000", done({ code: 4, bound: undefined })],
    ["05 ff 00", done({ code: 255, bound: undefined })],
    ["01", bad("does not speak SOCKS5: its answer begins with byte 1")],
    ["05 00 00 02 00", bad("answered with an address of unknown type 2")],
  ]);
});

Deno.test("explainReply() does tell the proxy's failures from those to reach the target", () => {
  assertEquals([1, 2, 3, 4, 5, 6, 7, 8, 9].map(explainReply).map(({ words, fault }) => `${fault}: ${words}`), [
    "proxy: general failure",
    "proxy: not allowed by its rules",
    "target: network unreachable",
    "target: host unreachable",
    "target: connection refused",
    "target: TTL expired",
    "proxy: command not supported",
    "target: address type not supported",
    "proxy: unknown failure 9",
  ]);
});
