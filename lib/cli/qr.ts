/** QR codes, all made here: a web service that draws them would learn the secret. */
/** As much of the link as possible on as little screen as possible: a screen has no dirt to correct for. */
const errorCorrectionLevel = "L";
/** Modules of empty border, which the standard asks for. */
const margin = 4;

/** For a file, or for a page that shows it. */
export async function qrSvg(text: string): Promise<string> {
  return await (await library()).toString(text, { type: "svg", errorCorrectionLevel, margin });
}

export async function qrPng(text: string): Promise<Uint8Array> {
  return await (await library()).toBuffer(text, { type: "png", errorCorrectionLevel, margin, scale: 8 });
}

/** The picture itself as a link, which a browser shows without asking anyone. */
export async function qrDataLink(text: string): Promise<string> {
  return `data:image/svg+xml;base64,${new TextEncoder().encode(await qrSvg(text)).toBase64()}`;
}

/**
 * For a terminal, two rows of modules to a line.
 *
 * With `colours`, black on white whatever the terminal's own colours are. Without, light modules are drawn, for a dark
 * background; on a light one the code shows inverted, which most scanners take too.
 */
export async function qrText(text: string, options: { readonly colours: boolean }): Promise<string> {
  const { modules } = (await library()).create(text, { errorCorrectionLevel });
  const size: number = modules.size;
  const isInk = (row: number, column: number): boolean => {
    const inside = row >= 0 && row < size && column >= 0 && column < size;
    const isDark = inside && modules.get(row, column) === 1;
    return isDark === options.colours;
  };
  const lines: string[] = [];
  for (let row = -margin; row < size + margin; row += 2) {
    let line = "";
    for (let column = -margin; column < size + margin; column++) {
      line += halfBlock(isInk(row, column), isInk(row + 1, column));
    }
    lines.push(options.colours ? `${blackOnWhite}${line}${plain}` : line);
  }
  return lines.join("\n");
}

/** Bright white where it exists, else white. */
const blackOnWhite = "\x1b[30;47;107m";
const plain = "\x1b[0m";

function halfBlock(upper: boolean, lower: boolean): string {
  if (upper) return lower ? "█" : "▀";
  return lower ? "▄" : " ";
}

/** Loaded when a code is drawn: a proxy that runs has no use for it. */
async function library() {
  return (await import("qrcode")).default;
}
