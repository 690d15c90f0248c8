/** A real Telegram client library, `@mtcute/node`, in a child process. */
import { patient } from "./patience.ts";

/** What the child is to do. */
export interface MtcuteOrder {
  /** The proxy's port on 127.0.0.1, or the data centre's if there is no secret. */
  readonly port: number;
  /** As in a link; absent: straight to a data centre. */
  readonly secret?: string | undefined;
  /** Straight to a data centre: padded intermediate in place of intermediate. */
  readonly padded?: boolean | undefined;
  readonly dc: number;
  /** The data centre's RSA key, PKCS#1. */
  readonly publicPem: string;
  /** For each of the two calls. */
  readonly timeoutMs: number;
  /** The library's own log on standard error. */
  readonly debug?: boolean | undefined;
}

/** What came of it. The first call includes connecting and the key exchange, the second is a round trip. */
export type MtcuteReport =
  | {
    readonly ok: true;
    readonly country: string;
    readonly dc: number;
    readonly firstCallMs: number;
    readonly secondCallMs: number;
  }
  | { readonly ok: false; readonly reason: string };

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What the child runs. */
export const mtcuteProgram: URL = new URL("./mtcute_call.ts", import.meta.url);
/** What the child may take to start, on a slow machine with nothing cached. */
const startAllowanceMs = patient(60_000);

/**
 * Starts the child, asks `help.getNearestDc` twice, and waits until it is gone; an abort ends it at once.
 *
 * @throws {Error} If it dies without a report.
 */
export async function callWithMtcute(order: MtcuteOrder, { signal }: CallOptions = {}): Promise<MtcuteReport> {
  const limit = AbortSignal.timeout(startAllowanceMs + 2 * order.timeoutMs);
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", mtcuteProgram.href],
    stdin: "piped",
    stdout: "piped",
    stderr: order.debug ? "inherit" : "piped",
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
  });
  await using child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(order)));
  await writer.close();
  const { stdout, stderr, code } = await output(child, order.debug === true);
  const line = stdout.trim().split("\n").at(-1) ?? "";
  if (!line.startsWith("{")) throw new Error(`The client ended with ${code} and no report: ${stderr.slice(-2_000)}`);
  return JSON.parse(line);
}

async function output(child: Deno.ChildProcess, debug: boolean) {
  const [stdout, stderr, { code }] = await Promise.all([
    new Response(child.stdout).text(),
    debug ? "" : new Response(child.stderr).text(),
    child.status,
  ]);
  return { stdout, stderr, code };
}
