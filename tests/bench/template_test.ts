import { assertEquals } from "@std/assert";
import { fill, placeholdersOf, splitCommand } from "../../scripts/bench/template.ts";

const key = "00112233445566778899aabbccddeeff";

Deno.test("fill() fills in what placeholdersOf() gives", () => {
  const values = placeholdersOf(2000, "192.0.2.1:443", { key, host: "a.b" });
  assertEquals(fill("{bind} {bind-host} {port}", values), "127.0.0.1:2000 127.0.0.1 2000");
  assertEquals(fill("{secret} {secret-key} {host}", values), `ee${key}612e62 ${key} a.b`);
  assertEquals(fill("{dc} = {dc-host} + {dc-port}", values), "192.0.2.1:443 = 192.0.2.1 + 443");
});

Deno.test("fill() leaves other braces alone", () => {
  const values = placeholdersOf(1, "192.0.2.1:443", { key, host: "a.b" });
  assertEquals(fill(`USERS = {"x": "{unknown}"} { port }`, values), `USERS = {"x": "{unknown}"} { port }`);
});

Deno.test("splitCommand() keeps quoted spaces together", () => {
  assertEquals(splitCommand(`a  "b c" d='e f' ''`), ["a", "b c", "d=e f", ""]);
});
