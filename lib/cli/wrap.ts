/** Columns of a line of text for people. */
const width = 100;

/**
 * Words on lines that begin as `first` and `others` do; what has no space is never broken, nor is a number taken from its unit.
 */
export function wrap(text: string, first: string, others: string): readonly string[] {
  const lines: string[] = [];
  let line = first;
  for (const [index, word] of text.split(/ (?!m?s\b)/).entries()) {
    const longer = index === 0 ? line + word : `${line} ${word}`;
    if (longer.length <= width || line.trim() === "") {
      line = longer;
      continue;
    }
    lines.push(line);
    line = others + word;
  }
  return [...lines, line];
}
