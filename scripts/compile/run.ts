/** Runs a program to its end; `text` is all that it wrote. */
export async function run(
  program: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> },
): Promise<{ readonly ok: boolean; readonly text: string }> {
  const options: Deno.CommandOptions = { args: [...args], env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env } };
  if (cwd !== undefined) options.cwd = cwd;
  const { success, stdout, stderr } = await new Deno.Command(program, options).output();
  const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { ok: success, text: `${out}${errors}` };
}
