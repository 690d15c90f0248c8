/** Lines on standard output, and figures in them. */

/** Nobody who has stopped reading is told more. */
export function print(...lines: readonly string[]): void {
  try {
    for (const line of lines) Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** One step of the play: how long it took, and what happened. */
export function step(tookMs: number, what: string): void {
  print(`  ${milliseconds(tookMs).padStart(9)}  ${what}`);
}

/** A remark on the step before. */
export function remark(what: string): void {
  print(`             ${what}`);
}

export function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
