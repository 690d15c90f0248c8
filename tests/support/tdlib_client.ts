/** TDLib, of which Telegram's apps are made, where there is one: TEST_TDLIB is the path of its library (scripts/fetch_tdlib.sh). */
import { assertEquals } from "@std/assert";
import { patient } from "./patience.ts";

/** `undefined` where there is none. */
export const tdlib: string | undefined = Deno.env.get("TEST_TDLIB") || undefined;

export interface ProxyTest {
  readonly type: "ok" | "error";
  /** Of an error. */
  readonly message?: string;
}

export interface TdlibOptions {
  /** Of a proxy on 127.0.0.1. */
  readonly port: number;
  /** One for each try; all are made at once. */
  readonly secrets: readonly string[];
  /** Of the stand-in data centre's key, PKCS#1. */
  readonly publicPem: string;
}

/** What TDLib says of each try. It is a copy of the library that does this, in which Telegram's keys are replaced by `publicPem`. */
export async function testWithTdlib({ port, secrets, publicPem }: TdlibOptions): Promise<readonly ProxyTest[]> {
  const trusting = await Deno.makeTempFile({ suffix: ".so" });
  try {
    await Deno.writeFile(trusting, withKey(await Deno.readFile(tdlib ?? ""), publicPem));
    const call = new URL("tdlib_call.ts", import.meta.url).href;
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--allow-ffi", call, trusting, String(port), ...secrets],
      stdin: "null",
      signal: AbortSignal.timeout(patient(60_000)),
    }).output();
    const [out, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    // Its exit code says nothing: TDLib's threads are still at work when the process ends, and now and then crash in that.
    const lines = (out ?? "").trim().split("\n");
    assertEquals(lines.length, secrets.length, `TDLib ended: ${errors}`);
    const told: (ProxyTest & { readonly index: number })[] = lines.map((line) => JSON.parse(line));
    return told.toSorted((a, b) => a.index - b.index).map(({ index: _, ...test }) => test);
  } finally {
    await Deno.remove(trusting);
  }
}

/** Keys are in the library as text; another of the same length goes in the place of each. */
function withKey(library: Uint8Array, publicPem: string): Uint8Array {
  const key = new TextEncoder().encode(publicPem.trim());
  const text = new TextDecoder("latin1").decode(library);
  let replaced = 0;
  for (
    const { 0: found, index } of text.matchAll(/-----BEGIN RSA PUBLIC KEY-----\n[^-]+-----END RSA PUBLIC KEY-----/g)
  ) {
    if (found.length !== key.length) continue;
    library.set(key, index);
    replaced++;
  }
  if (replaced === 0) throw new Error(`${tdlib}: no key of Telegram to replace`);
  return library;
}
