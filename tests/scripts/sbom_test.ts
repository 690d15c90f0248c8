/** The list of what is inside a program, against deno.lock and deno.json themselves. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { bomOf, type Component } from "../../scripts/compile/sbom.ts";

interface Bom {
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const program = {
  version: "1.2.3",
  commit: "0123456789ab",
  packages: new Set(["qrcode@1.5.4", "dijkstrajs@1.0.3", "@logtape/logtape@2.4.2"]),
  direct: new Set(["qrcode@1.5.4", "@logtape/logtape@2.4.2", "fast-check@4.10.2"]),
};

async function bomFor(packages: ReadonlySet<string>): Promise<Bom> {
  return await bomOf({ ...program, packages }, "deno 2.9.6") as unknown as Bom;
}

Deno.test("bomOf() does list the runtime and each package, by names that scanners know, with hash and licence", async () => {
  const { components } = await bomFor(program.packages);
  assertEquals(components.map(({ purl }) => purl), [
    "pkg:github/denoland/deno@v2.9.6",
    "pkg:npm/%40logtape/logtape@2.4.2",
    "pkg:npm/dijkstrajs@1.0.3",
    "pkg:npm/qrcode@1.5.4",
  ]);
  for (const { hashes, licenses, type } of components) {
    assertEquals(licenses, [{ license: { id: "MIT" } }]);
    if (type === "library") assertEquals(hashes?.map(({ content }) => /^[0-9a-f]{128}$/.test(content)), [true]);
  }
});

Deno.test("bomOf() does say what needs what", async () => {
  const { dependencies } = await bomFor(program.packages);
  const needs = Object.fromEntries(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  assertEquals(needs["mtg@1.2.3"], ["deno", "pkg:npm/%40logtape/logtape@2.4.2", "pkg:npm/qrcode@1.5.4"]);
  assertEquals(needs["pkg:npm/qrcode@1.5.4"], ["pkg:npm/dijkstrajs@1.0.3"], "the others of it are not inside");
  assert(Object.keys(needs).length === 4);
});

Deno.test("bomOf() does refuse a package that deno.lock does not have", async () => {
  await assertRejects(() => bomFor(new Set(["stranger@6.6.6"])), Error, "stranger@6.6.6 is in the bundle");
});
