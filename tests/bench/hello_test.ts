import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { createHmac } from "node:crypto";
import { ClientHelloMaker, flightLength, type HelloKind } from "../../scripts/bench/hello.ts";

const key = new Uint8Array(16).fill(5);

Deno.test("ClientHelloMaker.make() signs a single record of today's size, different each time", () => {
  const hellos = new ClientHelloMaker(key, "example.com", "today");
  const hello = hellos.make();
  const view = new DataView(hello.buffer);
  assertEquals(view.getUint16(3), hello.length - 5);
  assertEquals(view.getUint32(5), 0x0100_0000 | hello.length - 9);
  assert(hello.length > 1600 && hello.length < 2000, `${hello.length} bytes`);
  assertNotEquals(hellos.make().slice(44, 76), hello.slice(44, 76));
  const blank = hello.slice();
  blank.fill(0, 11, 43);
  const digest = createHmac("sha256", key).update(blank).digest();
  assertEquals(hello.slice(11, 39), new Uint8Array(digest.subarray(0, 28)));
  const seconds = digest.readInt32LE(28) ^ view.getInt32(39, true);
  assert(Math.abs(seconds - Date.now() / 1000) < 5);
});

Deno.test("ClientHelloMaker.make() fills its extensions to the last byte", () => {
  assertExtensions("today", [0x0000, 0x002b, 0x0033, 0xfe0d]);
  assertExtensions("classic", [0x0000, 0x002b, 0x0033, 0x0015]);
});

Deno.test("ClientHelloMaker.make() pads a classic hello to 517 bytes, which some proxies compare", () => {
  const hello = new ClientHelloMaker(key, "example.com", "classic").make();
  assertEquals(hello.length, 517);
  assertEquals(hello.slice(0, 11), Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3));
});

function assertExtensions(kind: HelloKind, expected: readonly number[]): void {
  const hello = new ClientHelloMaker(key, "example.com", kind).make();
  const view = new DataView(hello.buffer);
  let at = 80 + view.getUint16(76);
  assertEquals(view.getUint16(at), hello.length - at - 2);
  const types: number[] = [];
  for (at += 2; at < hello.length; at += 4 + view.getUint16(at + 2)) types.push(view.getUint16(at));
  assertEquals(at, hello.length);
  for (const type of expected) assert(types.includes(type), `extension ${type} of ${kind}`);
}

Deno.test("ClientHelloMaker.accepts() takes only a flight that is signed over this hello", () => {
  const hellos = new ClientHelloMaker(key, "example.com", "today");
  const hello = hellos.make();
  const flight = flightOf(300);
  const digest = createHmac("sha256", key).update(hello.subarray(11, 43)).update(flight).digest();
  flight.set(digest, 11);
  assert(hellos.accepts(hello, flight));
  assert(!hellos.accepts(hellos.make(), flight));
  flight[flight.length - 1]! ^= 1;
  assert(!hellos.accepts(hello, flight));
});

Deno.test("flightLength() waits for the third record and refuses other types", () => {
  const flight = flightOf(300);
  for (let end = 0; end < flight.length; end++) assertEquals(flightLength(flight.subarray(0, end)), 0);
  assertEquals(flightLength(flight), flight.length);
  flight[0] = 0x15;
  assertThrows(() => flightLength(flight), Error, "type 21");
});

function flightOf(noise: number): Uint8Array<ArrayBuffer> {
  const hello = [0x16, 3, 3, 0, 122, ...new Array<number>(122).fill(0)];
  return Uint8Array.from([
    ...hello,
    0x14,
    3,
    3,
    0,
    1,
    1,
    0x17,
    3,
    3,
    noise >> 8,
    noise & 255,
    ...new Array(noise).fill(7),
  ]);
}
