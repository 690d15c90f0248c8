import { assertEquals } from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { permissionFlags } from "../../scripts/permissions.ts";
import { runtimeFlags } from "../../scripts/runtime.ts";

Deno.test("permissionFlags() does make one flag of each kind", () => {
  const reason = "";
  assertEquals(
    permissionFlags([
      { kind: "net", values: [], reason },
      { kind: "env", values: ["A_*"], reason },
      { kind: "write", values: ["a", "/b"], reason },
      { kind: "env", values: ["B", "C"], reason },
    ]),
    ["--allow-net", "--allow-env=A_*,B,C", "--allow-write=a,/b"],
  );
});

Deno.test("deno task start does take flags and permissions from the table", () => {
  assertEquals(manifest.tasks.start, `DENO_NO_UPDATE_CHECK=1 deno run ${runtimeFlags.join(" ")} main.ts`);
});
