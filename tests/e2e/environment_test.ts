/** A proxy with no file at all: every key comes from a variable, as in a container. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { formatSecret, secretOf } from "../../lib/policy/secret.ts";
import { randomBytes } from "../support/byte_reader.ts";
import { FakeDc } from "../support/fake_dc.ts";
import { RawClient } from "../support/raw_client.ts";
import { DaemonProcess } from "./daemon_process.ts";

Deno.test("run does serve by variables alone, whatever an orchestrator sets besides", async () => {
  const secret = secretOf("secured", randomBytes(16), "");
  await using dc = FakeDc.start({ mode: "echo" });
  const env = {
    MTG_SECRET: formatSecret(secret, "base64"),
    MTG_BIND_TO: "127.0.0.1:0",
    MTG_WORKERS: Deno.build.os === "linux" ? "2" : "1",
    MTG_GRACE: "0s",
    MTG_DC_OVERRIDES: `2=${dc.addresses.join(",")}`,
    // Of a service that is called mtg, and of one called mtg-public.
    MTG_PORT: "tcp://10.0.0.1:443",
    MTG_PUBLIC_PORT: "tcp://10.0.0.1:443",
  };
  await using daemon = await DaemonProcess.start({ config: "", env, permissions: ["--allow-env=MTG_*"] });
  const client = await RawClient.connect({ port: daemon.port, secret });
  const bytes = randomBytes(50);
  await client.write(bytes);
  assertEquals(await client.readExactly(50), bytes);
  client.close();
  assertMatch(daemon.out, new RegExp(`[?&]port=${daemon.port}&`));
  for (const name of ["MTG_PORT", "MTG_PUBLIC_PORT"]) assertStringIncludes(daemon.log, `${name} = `);
  daemon.signal("SIGTERM");
  assertEquals(await daemon.exited, 0);
});

Deno.test("run does serve by the variables of a container, and MTG_ variables over them", async () => {
  const secret = secretOf("simple", randomBytes(16), "");
  await using dc = FakeDc.start({ mode: "echo" });
  const env = {
    SECRET: formatSecret(secret, "hex"),
    WORKERS: "1",
    HTTP_PORT: "443",
    MTG_BIND_TO: "127.0.0.1:0",
    MTG_GRACE: "0s",
    MTG_DC_OVERRIDES: `2=${dc.addresses.join(",")}`,
  };
  await using daemon = await DaemonProcess.start({
    config: "",
    env,
    permissions: ["--allow-env=MTG_*,SECRET,SECRET_COUNT,TAG,WORKERS,HTTP_PORT,MTP_*"],
  });
  const client = await RawClient.connect({ port: daemon.port, secret });
  const bytes = randomBytes(50);
  await client.write(bytes);
  assertEquals(await client.readExactly(50), bytes);
  client.close();
  daemon.signal("SIGTERM");
  assertEquals(await daemon.exited, 0);
});
