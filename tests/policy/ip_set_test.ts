import { assertEquals, assertThrows } from "@std/assert";
import { IpSet } from "../../lib/policy/ip_set.ts";

const networks = ["10.0.0.0/8", "192.0.2.7/32", "198.51.100.128/25", "2001:db8::/32", "::1/128", "fe80::/10"];

for (
  const [ip, expected] of [
    ["10.0.0.0", true],
    ["10.255.255.255", true],
    ["9.255.255.255", false],
    ["11.0.0.0", false],
    ["192.0.2.7", true],
    ["192.0.2.6", false],
    ["198.51.100.128", true],
    ["198.51.100.127", false],
    ["2001:db8::", true],
    ["2001:DB8:ffff:ffff:ffff:ffff:ffff:ffff", true],
    ["2001:db9::", false],
    ["::1", true],
    ["::2", false],
    ["fe80::1%eth0", true],
    ["::ffff:10.1.2.3", true],
    ["::ffff:a01:203", true],
    ["::ffff:11.1.2.3", false],
    ["::10.1.2.3", false],
    ["", false],
    ["unix", false],
    ["10.0.0.0/8", false],
    ["[::1]", false],
    ["10.0.0.256", false],
  ] as const
) {
  Deno.test(`IpSet.has() does say ${expected} for "${ip}"`, () => {
    assertEquals(IpSet.from(networks).has(ip), expected);
  });
}

Deno.test("IpSet.from() takes IPv4 networks that are written as IPv6 for what they are", () => {
  const set = IpSet.from(["::ffff:10.0.0.0/104"]);
  assertEquals(["10.9.9.9", "::ffff:10.9.9.9", "11.0.0.0", "::1"].map((ip) => set.has(ip)), [true, true, false, false]);
});

Deno.test("IpSet.from() takes all of one kind of address, or all of both", () => {
  const both = ["203.0.113.9", "2001:db8::9", "::ffff:203.0.113.9"];
  for (
    const [cidrs, expected] of [
      [["0.0.0.0/0"], [true, false, true]],
      [["::/0"], [false, true, false]],
      [["0.0.0.0/0", "::/0"], [true, true, true]],
      [[], [false, false, false]],
    ] as const
  ) {
    assertEquals(both.map((ip) => IpSet.from(cidrs).has(ip)), expected, cidrs.join(" "));
  }
});

Deno.test("IpSet.from() refuses what is no network, and says what would be", () => {
  for (const text of ["", "10.0.0.1", "10.0.0.0/33", "2001:db8::/129", "host/8", "10.0.0.0/", "10.0.0.0/-1"]) {
    const error = assertThrows(() => IpSet.from(["::1/128", text]), RangeError);
    assertEquals(error.message, `Expected a network such as "10.0.0.0/8" or "2001:db8::/32", not "${text}"`);
  }
});
