import { assert, assertEquals } from "@std/assert";
import { type Address, formatAddress, isIpv6, type PreferIp } from "../../lib/address.ts";
import {
  addressesOf,
  type DcOverrides,
  type DcUpdates,
  fallbackDc,
  orderAddresses,
} from "../../lib/telegram/addresses.ts";

const none: DcOverrides = new Map();

function tcp(host: string, port = 443): Address {
  return { kind: "tcp", host, port };
}

function named(addresses: readonly Address[]): string[] {
  return addresses.map(formatAddress);
}

for (const dc of [1, 2, 3, 4, 5, 203]) {
  Deno.test(`addressesOf() knows data centre ${dc} over IPv4 and IPv6, and the same one for media`, () => {
    const addresses = addressesOf(dc, none);
    assert(addresses.some((address) => address.kind === "tcp" && isIpv6(address.host)));
    assert(addresses.some((address) => address.kind === "tcp" && !isIpv6(address.host)));
    assert(addresses.every((address) => address.kind === "tcp" && address.port === 443));
    assertEquals(new Set(named(addresses)).size, addresses.length);
    assertEquals(addressesOf(-dc, none), addresses);
  });
}

for (const dc of [1, 2, 3]) {
  Deno.test(`addressesOf() knows test data centre ${dc}, which is not the other one`, () => {
    const addresses = addressesOf(10_000 + dc, none);
    assert(addresses.length > 1);
    assertEquals(addressesOf(-10_000 - dc, none), addresses);
    const production = named(addressesOf(dc, none));
    assert(named(addresses).every((address) => !production.includes(address)));
  });
}

for (const dc of [0, 6, -6, 10, 202, 204, 10_000, -10_000, 10_004, 10_005, 10_203, 20_002, 9_999, 32_767, -32_768]) {
  Deno.test(`addressesOf() knows no data centre ${dc}`, () => assertEquals(addressesOf(dc, none), []));
}

Deno.test("addressesOf() knows the data centre that stands in for unknown ones", () => {
  assertEquals(fallbackDc, 2);
  assert(addressesOf(fallbackDc, none).length > 0);
});

/** What `dc` leads to, if these numbers are named in the configuration; each leads to an address that says so. */
const precedence: readonly [readonly number[], Record<number, number | undefined>][] = [
  [[2], { 2: 2, [-2]: 2, 10_002: 2, [-10_002]: 2, 3: undefined, 12: undefined }],
  [[2, -2], { 2: 2, [-2]: -2, 10_002: 2, [-10_002]: 2 }],
  [[2, 10_002], { 2: 2, [-2]: 2, 10_002: 10_002, [-10_002]: 10_002 }],
  [[2, -10_002], { 2: 2, [-2]: 2, 10_002: 2, [-10_002]: -10_002 }],
  [[2, -2, 10_002, -10_002], { 2: 2, [-2]: -2, 10_002: 10_002, [-10_002]: -10_002 }],
  [[-2], { 2: undefined, [-2]: -2, 10_002: undefined, [-10_002]: undefined }],
  [[10_002], { 2: undefined, [-2]: undefined, 10_002: 10_002, [-10_002]: 10_002 }],
  [[203], { 203: 203, [-203]: 203, 10_203: 203, 2: undefined }],
  [[77], { 77: 77, [-77]: 77, 10_077: 77 }],
  [[0], { 0: 0 }],
];

for (const [overridden, expected] of precedence) {
  Deno.test(`addressesOf() lets overrides of ${overridden.join(", ")} cover what is not named itself`, () => {
    const overrides: DcOverrides = new Map(overridden.map((dc) => [dc, [tcp(`dc${dc}.test`)]]));
    for (const [dc, by] of Object.entries(expected)) {
      const addresses = addressesOf(Number(dc), overrides);
      if (by === undefined) assertEquals(addresses, addressesOf(Number(dc), none), `data centre ${dc}`);
      else assertEquals(addresses, [tcp(`dc${by}.test`)], `data centre ${dc}`);
    }
  });
}

Deno.test("addressesOf() gives all addresses of an override in their order", () => {
  const addresses = [tcp("127.0.0.1", 8_443), tcp("::1", 8_443), tcp("dc.test", 1)];
  assertEquals(addressesOf(-2, new Map([[2, addresses]])), addresses);
});

const [a4, b4, a6, b6] = [tcp("192.0.2.1"), tcp("192.0.2.2"), tcp("2001:db8::1"), tcp("2001:db8::2")];
const name = tcp("dc.test");
const socket: Address = { kind: "unix", path: "/run/dc.sock" };

const orders: readonly [PreferIp, readonly Address[], readonly Address[]][] = [
  ["prefer-ipv4", [a6, a4, b6, b4], [a4, b4, a6, b6]],
  ["prefer-ipv6", [a4, a6, b4, b6], [a6, b6, a4, b4]],
  ["only-ipv4", [a6, a4, b6, b4], [a4, b4]],
  ["only-ipv6", [a6, a4, b6, b4], [a6, b6]],
  ["only-ipv6", [a4, b4], []],
  ["only-ipv4", [a6], []],
  ["prefer-ipv4", [], []],
  ["prefer-ipv6", [a4], [a4]],
  ["only-ipv4", [name, a6, socket], [name, socket]],
];

for (const [prefer, given, expected] of orders) {
  Deno.test(`orderAddresses() makes ${named(expected)} of ${named(given)} with ${prefer}`, () => {
    assertEquals(named(orderAddresses(given, prefer, 0)), named(expected));
  });
}

Deno.test("orderAddresses() starts each family with another address in turn, and never loses one", () => {
  const given = [a4, b4, name, a6, b6];
  for (const prefer of ["prefer-ipv4", "prefer-ipv6", "only-ipv4", "only-ipv6"] as const) {
    const still = orderAddresses(given, prefer, 0);
    const first = new Set<string>();
    for (let turn = 0; turn < 30; turn++) {
      const ordered = orderAddresses(given, prefer, turn);
      assertEquals(new Set(named(ordered)), new Set(named(still)));
      const families = ordered.map((address) => address.kind === "tcp" && isIpv6(address.host));
      assertEquals(families, still.map((address) => address.kind === "tcp" && isIpv6(address.host)));
      first.add(named(ordered)[0]!);
    }
    assertEquals(first.size, prefer.endsWith("ipv6") ? 2 : 3);
  }
});

Deno.test("orderAddresses() leaves what it is given as it is", () => {
  const given = [a4, b4, a6, b6];
  orderAddresses(given, "prefer-ipv6", 1);
  assertEquals(given, [a4, b4, a6, b6]);
  assertEquals(addressesOf(2, none), addressesOf(2, none));
});

const update4 = tcp("198.51.100.7");
const update6 = tcp("2001:db8::77", 8_443);
const updates: DcUpdates = new Map([[203, [update4, update6]], [6, [update4]]]);

Deno.test("addressesOf() gives updates after what is built in, for media too, but not for the test environment", () => {
  const builtIn = addressesOf(203, none);
  assertEquals(addressesOf(203, none, updates), [...builtIn, update4, update6]);
  assertEquals(addressesOf(-203, none, updates), [...builtIn, update4, update6]);
  assertEquals(addressesOf(6, none, updates), [update4]);
  assertEquals(addressesOf(2, none, updates), addressesOf(2, none));
  assertEquals(addressesOf(10_203, none, updates), []);
});

Deno.test("addressesOf() gives an address once, and no update where there is an override", () => {
  const builtIn = addressesOf(203, none);
  assertEquals(addressesOf(203, none, new Map([[203, builtIn.map((address) => ({ ...address }))]])), builtIn);
  const overrides: DcOverrides = new Map([[203, [tcp("127.0.0.1")]]]);
  for (const dc of [203, -203, 10_203]) assertEquals(addressesOf(dc, overrides, updates), [tcp("127.0.0.1")]);
});

Deno.test("orderAddresses() never puts what is to come last before anything else", () => {
  const given = [a4, b4, a6, b6, update4, update6];
  for (let turn = 0; turn < 10; turn++) {
    const ordered = named(orderAddresses(given, "prefer-ipv6", turn, [update4, update6]));
    assertEquals(new Set(ordered.slice(0, 2)), new Set(named([a6, b6])));
    assertEquals(new Set(ordered.slice(2, 4)), new Set(named([a4, b4])));
    assertEquals(ordered.slice(4), named([update6, update4]));
  }
  assertEquals(named(orderAddresses([a4, update6], "only-ipv6", 0, [update6])), named([update6]));
});
