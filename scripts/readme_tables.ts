/**
 * The part of README.md that is made from the code: the table of configuration keys.
 *
 * `deno run -R=README.md -W=README.md scripts/readme_tables.ts` brings it up to date; tests/readme_test.ts tells when that is due.
 */
import { type Field, isRequired } from "../lib/config/field.ts";
import { allFields } from "../lib/config/fields.ts";

const begin = "<!-- config-table, made by scripts/readme_tables.ts -->";
const end = "<!-- /config-table -->";

/** The Markdown of a README with its table made anew. @throws {Error} If the marks around the table are missing. */
export function withTables(readme: string): string {
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) throw new Error(`Expected the lines ${begin} and ${end}`);
  return `${readme.slice(0, from + begin.length)}\n\n${keyTable()}\n\n${readme.slice(to)}`;
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
