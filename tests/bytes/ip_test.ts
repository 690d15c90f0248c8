import { assertEquals } from "@std/assert";
import { bytesOfIp, ipOfBytes, isIp, mapIpv4, readIp, showIp, spellIp } from "../../lib/bytes/ip.ts";

const table: readonly (readonly [string, string, string])[] = [
  ["192.0.2.1", "192.0.2.1", "c0000201"],
  ["0.0.0.0", "0.0.0.0", "00000000"],
  ["::", "::", "00000000000000000000000000000000"],
  ["2001:DB8:0:0::1", "2001:db8::1", "20010db8000000000000000000000001"],
  ["::ffff:192.0.2.1", "192.0.2.1", "c0000201"],
  ["::ffff:c000:201", "192.0.2.1", "c0000201"],
  ["fe80::1%eth0", "fe80::1", "fe800000000000000000000000000001"],
  ["::192.0.2.1", "::c000:201", "000000000000000000000000c0000201"],
];

for (const [text, shortest, hex] of table) {
  Deno.test(`readIp() does read ${text}, and it is written ${shortest}`, () => {
    const ip = readIp(text)!;
    assertEquals([showIp(ip), spellIp(text), isIp(text)], [shortest, shortest, true]);
    assertEquals(bytesOfIp(ip).toHex(), hex);
    assertEquals(ipOfBytes(Uint8Array.fromHex(hex)), ip);
  });
}

Deno.test("readIp() does refuse what is no address, and spellIp() leaves it as it is", () => {
  for (
    const text of ["", "1.2.3", "1.2.3.256", "01.2.3.4", "1::2::3", "[::1]", "10.0.0.0/8", "front.test", ":", "%eth0"]
  ) {
    assertEquals([readIp(text), isIp(text), spellIp(text)], [undefined, false, text]);
  }
});

Deno.test("mapIpv4() does put IPv4 among the addresses of IPv6, and leaves those as they are", () => {
  assertEquals(bytesOfIp(mapIpv4(readIp("192.0.2.1")!)).toHex(), "00000000000000000000ffffc0000201");
  assertEquals(mapIpv4(readIp("::1")!), readIp("::1"));
});
