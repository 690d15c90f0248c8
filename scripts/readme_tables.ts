/**
 * The parts of README.md that are made from the code: the tables of configuration keys and of permissions.
 *
 * `deno run -R=README.md -W=README.md scripts/readme_tables.ts` brings it up to date; tests/readme_test.ts tells when that is due.
 */
import { type Field, isRequired } from "../lib/config/field.ts";
import { allFields } from "../lib/config/fields.ts";
import { permissions } from "./permissions.ts";

/** By the name that the marks around it have. */
const tables: Readonly<Record<string, () => string>> = {
  "config-table": keyTable,
  "permission-table": permissionTable,
};

/** The Markdown of a README with its tables made anew. @throws {Error} If the marks around one are missing. */
export function withTables(readme: string): string {
  return Object.entries(tables).reduce((text, [name, make]) => {
    const begin = `<!-- ${name}, made by scripts/readme_tables.ts -->`;
    const end = `<!-- /${name} -->`;
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from < 0 || to < from) throw new Error(`Expected the lines ${begin} and ${end}`);
    return `${text.slice(0, from + begin.length)}\n\n${make()}\n\n${text.slice(to)}`;
  }, readme);
}

function keyTable(): string {
  const own = allFields.filter(({ kind }) => kind !== "later");
  const rows = own.map((field) => [`\`${field.key}\``, defaultOf(field), changeOf(field), field.docs]);
  return table([["Key", "Default", "Change", "Meaning"], ...rows, ...laterRows()]);
}

/** One for each table that is not there yet. */
function laterRows(): readonly (readonly string[])[] {
  const later = allFields.filter(({ kind }) => kind === "later");
  const tables = Map.groupBy(later, ({ key }) => key.slice(0, key.lastIndexOf(".")));
  return [...tables].map(([name, fields]) => {
    const keys = fields.map(({ key }) => `\`${key.slice(name.length + 1)}\``).join(", ");
    return [`[${name}]`, "–", "later", `Not in this version yet. Checked: ${keys}.`];
  });
}

function defaultOf(field: Field<unknown>): string {
  if (field.default !== undefined) return `\`${JSON.stringify(field.default)}\``;
  return isRequired(field) ? "must be given" : "–";
}

function changeOf({ kind, hot }: Field<unknown>): string {
  if (kind !== "key") return kind;
  return hot ? "hot" : "restart";
}

function permissionTable(): string {
  const rows = permissions.map(({ kind, values, reason }) => {
    const what = values.length === 0 ? "all" : values.map((value) => `\`${value}\``).join(", ");
    return [`\`${kind}\``, what, reason];
  });
  return table([["Permission", "Of what", "For"], ...rows]);
}

/** As `deno fmt` would lay it out. */
function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  lines.splice(1, 0, widths.map((width) => "-".repeat(width)));
  return lines.map((row) => `| ${row.join(" | ")} |`).join("\n");
}

if (import.meta.main) {
  const path = new URL("../README.md", import.meta.url);
  await Deno.writeTextFile(path, withTables(await Deno.readTextFile(path)));
}
