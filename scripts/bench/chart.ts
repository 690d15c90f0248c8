/**
 * The outcome of a run as a drawing, for the README: a small panel for each figure, a bar for each subject.
 *
 * `deno run --allow-read --allow-write scripts/bench/chart.ts FIGURES.json DIRECTORY` draws what `--json` has written.
 */
import { isOwn } from "./peers.ts";
import type { BenchResult, Row } from "./report.ts";

/** What is drawn of a result. */
export type ChartInput = Pick<BenchResult, "machine" | "subjects" | "rows">;

/** The colours of a drawing. */
interface Theme {
  readonly background: string;
  readonly text: string;
  readonly muted: string;
  readonly own: string;
  readonly other: string;
}

/** GitHub's own grounds and inks. */
const themes = {
  light: { background: "#ffffff", text: "#1f2328", muted: "#59636e", own: "#0969da", other: "#b6bfc9" },
  dark: { background: "#0d1117", text: "#e6edf3", muted: "#9198a1", own: "#4493f8", other: "#4d5663" },
} as const satisfies Record<string, Theme>;

export type ThemeName = keyof typeof themes;

const wantedPanels = [
  { key: /^down-8-cpu$/, title: "CPU per GB down", unit: "s" },
  { key: /^up-8-cpu$/, title: "CPU per GB up", unit: "s" },
  { key: /^echo-32-cpu$/, title: "CPU per round trip", unit: "µs" },
  { key: /^conn-8-cpu$/, title: "CPU per new connection", unit: "µs" },
  { key: /^idle-\d+-total$/, title: "Memory", unit: "MB" },
] as const;

const columns = 3;
const panelWidth = 290;
const margin = 22;
const barHeight = 15;
const rowHeight = 22;
const titleHeight = 30;
const panelGap = 24;
const lineHeight = 18;
const fontSize = 12;
/** Widths of text are guessed, for the fonts of the reader are not known: most letters are narrower than this. */
const letterWidth = 6.8;
const valueWidth = 46;
const labelGap = 8;
const fonts = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif";

interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly values: Readonly<Record<string, number>>;
}

/** Draws a result as SVG. Figures that were not measured have no panel. */
export function drawChart(input: ChartInput, name: ThemeName): string {
  const theme = themes[name];
  const panels = panelsOf(input.rows);
  const names = input.subjects.map((subject) => subject.name).filter((each) =>
    panels.some(({ values }) => each in values)
  );
  const panelHeight = titleHeight + names.length * rowHeight + panelGap;
  const lines = caption(input, names);
  const cells = panels.length + 1;
  const captionHeight = titleHeight + lines.length * lineHeight;
  const lastRow = cells % columns === 1 ? captionHeight : Math.max(captionHeight, panelHeight);
  const height = 2 * margin + (Math.ceil(cells / columns) - 1) * panelHeight + lastRow - panelGap;
  const width = 2 * margin + columns * panelWidth + (columns - 1) * panelGap;
  const at = (cell: number) => ({
    x: margin + (cell % columns) * (panelWidth + panelGap),
    y: margin + Math.floor(cell / columns) * panelHeight,
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `role="img" font-family="${fonts}" font-size="${fontSize}">`,
    `<title>${escape(`Benchmark of ${names.join(", ")}`)}</title>`,
    `<rect width="${width}" height="${height}" rx="6" fill="${theme.background}"/>`,
    ...panels.map((panel, index) => drawPanel(panel, names, { ...at(index), theme })),
    drawCaption(lines, { ...at(panels.length), theme }),
    "</svg>\n",
  ].join("\n");
}

/** Writes a drawing for light pages and one for dark ones. */
export async function writeCharts(result: ChartInput, directory: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  for (const name of ["light", "dark"] as const) {
    await Deno.writeTextFile(`${directory}/chart-${name}.svg`, drawChart(result, name));
  }
}

/** Of several numbers of idle clients the greatest that was measured. */
function panelsOf(rows: readonly Row[]): Panel[] {
  return wantedPanels.flatMap(({ key, title, unit }): Panel[] => {
    const row = rows.findLast(({ figure, values }) => key.test(figure.key) && Object.keys(values).length > 0);
    if (row === undefined) return [];
    const clients = /^idle-(\d+)-/.exec(row.figure.key)?.[1];
    const whole = clients === undefined ? title : `${title}, ${Number(clients).toLocaleString("en")} idle clients`;
    return [{ title: whole, unit, values: row.values }];
  });
}

interface Spot {
  readonly x: number;
  readonly y: number;
  readonly theme: Theme;
}

function drawPanel({ title, unit, values }: Panel, names: readonly string[], { x, y, theme }: Spot): string {
  const nameWidth = Math.ceil(letterWidth * Math.max(...names.map(({ length }) => length))) + labelGap;
  const most = Math.max(...Object.values(values));
  const longest = panelWidth - nameWidth - valueWidth;
  const bars = names.map((name, index) => {
    const top = y + titleHeight + index * rowHeight;
    const baseline = top + barHeight - 3;
    const value = values[name];
    const length = value === undefined ? 0 : Math.max(1, Math.round(longest * value / most));
    const own = isOwn(name);
    const style = own ? ` font-weight="600"` : "";
    return [
      `<text x="${x + nameWidth - labelGap}" y="${baseline}" text-anchor="end" fill="${theme.text}"${style}>` +
      `${escape(name)}</text>`,
      value === undefined
        ? ""
        : `<rect x="${x + nameWidth}" y="${top}" width="${length}" height="${barHeight}" rx="2" ` +
          `fill="${own ? theme.own : theme.other}"/>`,
      `<text x="${x + nameWidth + length + 6}" y="${baseline}" fill="${theme.text}"${style}>${show(value)}</text>`,
    ].join("");
  });
  const heading = `<text x="${x}" y="${y + 14}" font-size="13" font-weight="600" fill="${theme.text}">` +
    `${escape(title)}<tspan font-weight="400" fill="${theme.muted}">, ${unit}</tspan></text>`;
  return [heading, ...bars].join("\n");
}

function drawCaption(lines: readonly string[], { x, y, theme }: Spot): string {
  return lines.map((line, index) => {
    const ink = index === 0 ? `fill="${theme.text}" font-weight="600"` : `fill="${theme.muted}"`;
    return `<text x="${x}" y="${y + 14 + index * lineHeight}" ${ink}>${escape(line)}</text>`;
  }).join("\n");
}

function caption({ machine, subjects }: ChartInput, names: readonly string[]): string[] {
  const { processor, cores, kernel, deno, date } = machine;
  const plain = subjects.filter(({ name, speech }) => speech === "plain" && names.includes(name));
  return [
    "Shorter is better",
    "8 connections; round trips: 32",
    ...plain.length === 0 ? [] : [`forwarding only: ${plain.map(({ name }) => name).join(", ")}`],
    `${cores} × ${processor}`,
    `Linux ${/^[\d.]+\d/.exec(kernel)?.[0] ?? kernel}, Deno ${deno}, ${date.slice(0, 10)}`,
  ];
}

function show(value: number | undefined): string {
  if (value === undefined) return "–";
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

if (import.meta.main) {
  const [file, directory] = Deno.args;
  if (file === undefined || directory === undefined) throw new TypeError("Usage: chart.ts FIGURES.json DIRECTORY");
  await writeCharts(JSON.parse(await Deno.readTextFile(file)), directory);
}
