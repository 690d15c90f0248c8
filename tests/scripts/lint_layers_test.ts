import { assert, assertEquals } from "@std/assert";
import { judgeImport } from "../../scripts/lint_layers.ts";
import { TempDir } from "../net/sockets.ts";

/** By level, lowest first, as the rooms are meant to lie. */
const levels: readonly (readonly string[])[] = [
  ["bytes"],
  ["crypto", "events"],
  ["faketls", "transport", "wire", "policy", "relay"],
  ["config"],
  ["telegram"],
  ["proxy", "net", "metrics"],
  ["daemon"],
  ["doctor"],
  ["cli"],
];

Deno.test("judgeImport() lets a room import itself and lower levels, and nothing else", () => {
  for (const [level, rooms] of levels.entries()) {
    for (const room of rooms) {
      for (const [otherLevel, others] of levels.entries()) {
        for (const other of others) {
          const problem = judgeImport(`/repo/lib/${room}/a.ts`, `../${other}/b.ts`);
          const expected = room === other || otherLevel < level
            ? undefined
            : `lib/${room} must not import lib/${other}: it is not on a lower level`;
          assertEquals(problem, expected);
        }
      }
    }
  }
});

const judged: readonly [string, string, string | undefined][] = [
  ["/repo/lib/relay/pump.ts", "./chunk.ts", undefined],
  ["/repo/lib/relay/pump.ts", "../errors.ts", undefined],
  ["/repo/lib/relay/pump.ts", "../clock.ts", undefined],
  ["/repo/lib/relay/pump.ts", "../address.ts", undefined],
  ["/repo/lib/relay/pump.ts", "../mod.ts", "lib/mod.ts is for users of the library"],
  ["/repo/lib/cli/run.ts", "../mod.ts", "lib/mod.ts is for users of the library"],
  ["/repo/lib/relay/pump.ts", "../other.ts", "lib/other.ts is for users"],
  ["/repo/lib/mod.ts", "./proxy/proxy.ts", undefined],
  ["/repo/lib/mod.ts", "./errors.ts", undefined],
  ["/repo/lib/errors.ts", "./relay/conn.ts", "import nothing"],
  ["/repo/lib/attic/old.ts", "../bytes/reader.ts", "lib/attic has no level"],
  ["/repo/lib/crypto/hash.ts", "node:crypto", undefined],
  ["/repo/lib/faketls/digest.ts", "node:crypto", "lib/faketls must not import node:crypto"],
  ["/repo/lib/crypto/hash.ts", "node:buffer", "lib/crypto must not import node:buffer"],
  ["/repo/lib/dns/system.ts", "node:dns/promises", undefined],
  ["/repo/lib/wire/dns_message.ts", "node:buffer", undefined],
  ["/repo/lib/wire/dns_message.ts", "node:dns/promises", "lib/wire must not import node:dns/promises"],
  ["/repo/lib/net/site_visit.ts", "node:tls", undefined],
  ["/repo/lib/net/listener.ts", "node:http", "lib/net must not import node:http"],
  ["/repo/lib/mod.ts", "node:crypto", "must not import node:crypto"],
  ["/repo/lib/config/parse.ts", "smol-toml", undefined],
  ["/repo/scripts/dev.ts", "../lib/cli/mod.ts", undefined],
  ["/repo/scripts/dev.ts", "node:crypto", undefined],
  ["/repo/tests/relay/pump_test.ts", "../../lib/mod.ts", undefined],
  ["/repo/main.ts", "./lib/cli/mod.ts", undefined],
  ["/repo/lib/relay/pump.ts", "../../lib/net/dialer.ts", "must not import lib/net"],
  ["/repo/lib/relay/pump.ts", "./../net/dialer.ts", "must not import lib/net"],
  ["/repo/lib/relay/pump.ts", "../../tests/support/fake_clock.ts", undefined],
  ["lib/relay/pump.ts", "../net/dialer.ts", "must not import lib/net"],
  ["C:\\repo\\lib\\relay\\pump.ts", "../net/dialer.ts", "must not import lib/net"],
];

for (const [from, target, expected] of judged) {
  Deno.test(`judgeImport() of ${target} by ${from}: ${expected ?? "fine"}`, () => {
    const problem = judgeImport(from, target);
    if (expected === undefined) assertEquals(problem, undefined);
    else assert(problem?.includes(expected), `said: ${problem}`);
  });
}

/** Files of a tree, and what `deno lint` says of each line that is wrong. */
const tree: Readonly<Record<string, string>> = {
  "lib/errors.ts": "export class ProtocolError extends Error {}",
  "lib/net/dialer.ts": "export const dialer = 1;",
  "lib/bytes/reader.ts": "export const reader = 1;",
  "lib/mod.ts": 'export { dialer } from "./net/dialer.ts";',
  "lib/relay/fine.ts": [
    'import { ProtocolError } from "../errors.ts";',
    'export * from "../bytes/reader.ts";',
    "export const late = (clock: { now(): number }) => [clock.now(), new ProtocolError()];",
    "export const own = { Date: 1, setTimeout: 2 };",
  ].join("\n"),
  "lib/relay/imports.ts": [
    'import { dialer } from "../net/dialer.ts"; // mtg/layers: lib/relay must not import lib/net',
    'export { dialer as other } from "../net/dialer.ts"; // mtg/layers: lib/relay must not import lib/net',
    'export * from "../net/dialer.ts"; // mtg/layers: lib/relay must not import lib/net',
    'export const later = () => import("../net/dialer.ts"); // mtg/layers: lib/relay must not import lib/net',
    'import type { dialer as third } from "../mod.ts"; // mtg/layers: lib/mod.ts is for users of the library',
    'import { createHash } from "node:crypto"; // mtg/layers: lib/relay must not import node:crypto',
    "export const used: [typeof dialer, typeof third, typeof createHash] | undefined = undefined;",
  ].join("\n"),
  "lib/proxy/impure.ts": [
    "export const a = Deno.pid; // mtg/purity: lib/proxy must not use Deno.pid",
    "export const b = Date.now(); // mtg/purity: lib/proxy must not use Date.now",
    "export const c = Math.random(); // mtg/purity: lib/proxy must not use Math.random",
    "export const d = performance.now(); // mtg/purity: lib/proxy must not use performance.now",
    "export const e = crypto.randomUUID(); // mtg/purity: lib/proxy must not use crypto.randomUUID",
    "export const f = crypto.getRandomValues; // mtg/purity: lib/proxy must not use crypto.getRandomValues",
    "setTimeout(() => {}, 1); // mtg/purity: lib/proxy must not use setTimeout",
    "setInterval(() => {}, 1); // mtg/purity: lib/proxy must not use setInterval",
    'export const g = fetch("https://example.com"); // mtg/purity: lib/proxy must not use fetch',
    "export const h = Math.floor(1.5);",
  ].join("\n"),
  "lib/daemon/edge.ts": "export const a = [Deno.pid, Date.now(), Math.random(), setTimeout(() => {}, 1)];",
  "scripts/free.ts": 'export const a = [Deno.pid, Date.now()];\nexport * from "../lib/net/dialer.ts";',
};

interface LintReport {
  readonly diagnostics: readonly {
    readonly filename: string;
    readonly code: string;
    readonly message: string;
    readonly range: { readonly start: { readonly line: number } };
  }[];
}

Deno.test("deno lint finds every line of a tree that breaks the layers, and no other", async () => {
  using dir = new TempDir();
  const plugin = new URL("../../scripts/lint_layers.ts", import.meta.url).href;
  const lint = { rules: { tags: [], include: ["mtg/layers", "mtg/purity"] }, plugins: [plugin] };
  await Deno.writeTextFile(dir.at("deno.json"), JSON.stringify({ lint }));
  for (const [path, text] of Object.entries(tree)) {
    await Deno.mkdir(dir.at(path.slice(0, path.lastIndexOf("/"))), { recursive: true });
    await Deno.writeTextFile(dir.at(path), `${text}\n`);
  }
  const command = new Deno.Command(Deno.execPath(), {
    args: ["lint", "--json"],
    cwd: dir.path,
    env: { NO_COLOR: "1" },
  });
  const { code, stdout } = await command.output();
  const { diagnostics }: LintReport = JSON.parse(new TextDecoder().decode(stdout));
  const found = diagnostics.map(({ filename, code, message, range }) => {
    const path = filename.slice(filename.lastIndexOf(`${dir.path}/`) + dir.path.length + 1);
    return `${path}:${range.start.line} ${code}: ${message.split(": ")[0]}`;
  });
  const expected = Object.entries(tree).flatMap(([path, text]) =>
    text.split("\n").flatMap((line, index) => {
      const [, problem] = line.split(" // ");
      return problem === undefined ? [] : [`${path}:${index + 1} ${problem}`];
    })
  );
  assertEquals(found.sort(), expected.sort());
  assertEquals(code, 1);
});
