import { assertEquals, assertThrows } from "@std/assert";
import { elsewhere, refuseSocketsElsewhere } from "../../lib/cli/sockets.ts";
import { loadConfig } from "../../lib/config/parse.ts";
import { ConfigError } from "../../lib/errors.ts";
import { configText } from "./fake_environment.ts";

function load(bindTo: string, ...more: readonly string[]) {
  return loadConfig({ file: { name: "config.toml", text: configText(bindTo, ...more) } });
}

const front = ["", "[domain-fronting]", 'host = "unix:/tmp/site.sock"'];

Deno.test("refuseSocketsElsewhere() does name each socket that may not be used, its place, and the directories", () => {
  const asked: string[] = [];
  const error = assertThrows(
    () => refuseSocketsElsewhere(load("unix:/tmp/mtg.sock", ...front), (path) => asked.push(path) < 0),
    ConfigError,
  );
  assertEquals(asked, ["/tmp/mtg.sock", "/tmp/site.sock"]);
  const only = "mtg may write files and use sockets in mtg-data, /var/lib/mtg, /data and /run/mtg only";
  const unless = (path: string) => `unless Deno is started with --allow-write=${path}`;
  assertEquals(error.message.split("\n"), [
    `config.toml:2: bind-to = "unix:/tmp/mtg.sock": ${only}, ${unless("/tmp/mtg.sock")}`,
    `config.toml:5: domain-fronting.host = "unix:/tmp/site.sock": ${only}, ${unless("/tmp/site.sock")}`,
  ]);
  assertEquals(elsewhere("/a"), `${only}, ${unless("/a")}`);
});

Deno.test("refuseSocketsElsewhere() does let sockets be that may be used, and ports", () => {
  refuseSocketsElsewhere(load("unix:/run/mtg/mtg.sock", ...front), () => true);
  refuseSocketsElsewhere(load("127.0.0.1:443"), () => false);
});

Deno.test({
  name: "refuseSocketsElsewhere() does ask Deno for the path",
  permissions: { read: true, write: ["/run/mtg"] },
  fn() {
    refuseSocketsElsewhere(load("unix:/run/mtg/mtg.sock"));
    assertThrows(() => refuseSocketsElsewhere(load("unix:/run/mtg.sock")), ConfigError, "bind-to");
  },
});
