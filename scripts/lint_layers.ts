/**
 * The layers of `lib/` as lint rules.
 *
 * - `mtg/layers`: a file imports its own room or one of a lower level; nobody imports `lib/mod.ts`; `Deno` stays at the edge.
 * - `mtg/purity`: rooms away from the edge get time, randomness and downloads as arguments.
 */

/** Rooms by level; a room may import those of lower levels. */
const levels: readonly (readonly string[])[] = [
  ["bytes", "shells"],
  ["crypto", "events"],
  ["faketls", "transport", "wire", "policy", "relay"],
  ["config"],
  ["telegram"],
  ["proxy", "probe", "net", "dns", "http", "metrics", "state"],
  ["thread"],
  ["workers"],
  ["daemon"],
  ["doctor"],
  ["cli"],
];
/** Files at the top of `lib/` that everybody may import and that import nothing. */
const common = new Set(["errors.ts", "clock.ts", "address.ts", "permissions.ts"]);
/** Rooms that may name `Deno`, the clock and the system's randomness. */
const edge = new Set(["net", "dns", "http", "metrics", "state", "thread", "workers", "daemon", "cli"]);
/** Modules of Node that a room may import; none elsewhere. `node:buffer` is what a library wants bytes in. */
const nodeModules: Readonly<Record<string, readonly string[]>> = {
  crypto: ["node:crypto"],
  dns: ["node:dns/promises"],
  net: ["node:net", "node:tls"],
  wire: ["node:buffer"],
};
const impureCalls = new Set(["setTimeout", "setInterval", "fetch"]);
const impureMembers = new Set([
  "Date.now",
  "performance.now",
  "Math.random",
  "crypto.getRandomValues",
  "crypto.randomUUID",
]);

function levelOf(room: string): number {
  return levels.findIndex((rooms) => rooms.includes(room));
}

/** The room of a file under `lib/`, `""` for a file at its top, `undefined` elsewhere. */
function roomOf(path: string): string | undefined {
  const inside = /(?:^|\/)lib\/(?:([^/]+)\/)?(?:[^/]+\/)*[^/]+\.[cm]?[jt]sx?$/.exec(path.replaceAll("\\", "/"));
  return inside === null ? undefined : inside[1] ?? "";
}

/** What is wrong with an import of `target` by the file `from`; `undefined` if nothing. */
export function judgeImport(from: string, target: string): string | undefined {
  const room = roomOf(from);
  if (room === undefined) return undefined;
  if (target.startsWith("node:") && !nodeModules[room]?.includes(target)) {
    return `lib/${room} must not import ${target}: see nodeModules in scripts/lint_layers.ts`;
  }
  if (!target.startsWith(".")) return undefined;
  const resolved = new URL(target, `file://${from.startsWith("/") ? "" : "/"}${from}`).pathname;
  const other = roomOf(resolved);
  if (other === undefined) return undefined;
  if (room === "") return from.endsWith("mod.ts") ? undefined : "Files that everybody imports import nothing";
  if (other === "") {
    const file = resolved.slice(resolved.lastIndexOf("/") + 1);
    if (common.has(file)) return undefined;
    return `lib/${file} is for users of the library: nobody in lib/ imports it`;
  }
  for (const each of [room, other]) {
    if (levelOf(each) === -1) return `The room lib/${each} has no level in scripts/lint_layers.ts`;
  }
  if (other === room || levelOf(other) < levelOf(room)) return undefined;
  return `lib/${room} must not import lib/${other}: it is not on a lower level`;
}

function isPure(path: string): boolean {
  const room = roomOf(path);
  return room !== undefined && !edge.has(room);
}

const layers: Deno.lint.Rule = {
  create(context) {
    const judge = (node: Deno.lint.Node, source: unknown) => {
      const problem = typeof source === "string" ? judgeImport(context.filename, source) : undefined;
      if (problem !== undefined) context.report({ node, message: problem });
    };
    return {
      ImportDeclaration: (node) => judge(node, node.source.value),
      ExportNamedDeclaration: (node) => judge(node, node.source?.value),
      ExportAllDeclaration: (node) => judge(node, node.source.value),
      ImportExpression: (node) => judge(node, node.source.type === "Literal" ? node.source.value : undefined),
    };
  },
};

const purity: Deno.lint.Rule = {
  create(context) {
    if (!isPure(context.filename)) return {};
    const room = roomOf(context.filename);
    return {
      MemberExpression(node) {
        if (node.object.type !== "Identifier") return;
        const property = node.property.type === "Identifier" ? node.property.name : "…";
        const name = `${node.object.name}.${property}`;
        if (node.object.name === "Deno" || node.object.name === "globalThis" || impureMembers.has(name)) {
          context.report({ node, message: `lib/${room} must not use ${name}: it is an argument there` });
        }
      },
      VariableDeclarator(node) {
        if (node.init?.type === "Identifier" && (node.init.name === "Deno" || node.init.name === "globalThis")) {
          context.report({ node, message: `lib/${room} must not use ${node.init.name}: it is an argument there` });
        }
      },
      NewExpression(node) {
        if (node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0) {
          context.report({ node, message: `lib/${room} must not use new Date(): it is an argument there` });
        }
      },
      CallExpression(node) {
        if (node.callee.type === "Identifier" && impureCalls.has(node.callee.name)) {
          context.report({ node, message: `lib/${room} must not use ${node.callee.name}: it is an argument there` });
        }
      },
    };
  },
};

export default { name: "mtg", rules: { layers, purity } } satisfies Deno.lint.Plugin;
