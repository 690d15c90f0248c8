/** Lines of text between the processes of the benchmark: one JSON value each. */

/** The lines of `stream`, without their ends, until it ends. */
export async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  if (rest !== "") yield rest;
}

/** Prints `value` as a line of JSON on standard output. */
export function printJson(value: unknown): void {
  printLine(JSON.stringify(value));
}

/** Prints a line on standard output. */
export function printLine(text: string): void {
  const bytes = new TextEncoder().encode(text + "\n");
  for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
}

/** Prints a line on standard error. */
export function note(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text + "\n"));
}
