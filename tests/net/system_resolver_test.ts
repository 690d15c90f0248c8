import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { systemResolver } from "../../lib/net/system_resolver.ts";

const signal = new AbortController().signal;

Deno.test("systemResolver gives back what is an address already", async () => {
  for (const host of ["192.0.2.1", "2001:db8::7", "::1"]) {
    assertEquals(await systemResolver.resolve(host, { signal }), [host]);
  }
});

Deno.test("systemResolver knows this machine by its name", async () => {
  const hosts = await systemResolver.resolve("localhost", { signal });
  assertEquals(hosts.filter((host) => host !== "127.0.0.1" && host !== "::1"), []);
  assertEquals(hosts.length > 0, true);
});

Deno.test("systemResolver rejects with the reason of its signal", async () => {
  const reason = new Error("too late");
  const resolving = () => systemResolver.resolve("localhost", { signal: AbortSignal.abort(reason) });
  assertStrictEquals(await assertRejects(resolving), reason);
});
